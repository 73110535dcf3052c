"""One reader and one writer for every file that others may have touched.

The reader takes regular files only, never follows a link, never blocks on a FIFO and never reads
more than it was told to. The writer publishes whole: a private temporary file, then a rename or a
hard link. Every refusal is an :class:`orchestrator.errors.OrchdError` in one line.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GuardBusy, NoSpace, SystemFailure, Unreadable, UnsafeFolder, UnsupportedFilesystem
from orchestrator.host import clock, temps
from orchestrator.host.failpoint import reach

LARGEST: Final = 256 * 1024
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_NO_FLOCK: Final = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL})
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a file and what identified it while they were read."""

    data: bytes
    inode: int
    written_ns: int


def failure(error: OSError, what: str) -> SystemFailure:
    """Return the error that says in one line what the machine refused while ``what``."""
    reason = os.strerror(error.errno) if error.errno else visible(str(error))
    if error.errno in _FULL:
        return NoSpace(
            f"{what}: {reason}", hint="free some space or descriptors and try again; nothing was half-written"
        )
    if error.errno == errno.ENOENT:
        return SystemFailure(f"{what}: {reason}", hint="a folder is missing: it was moved or removed; try again")
    return SystemFailure(f"{what}: {reason}", hint="nothing was half-written; `orchd doctor` looks at the folders")


def raise_if_ran_out(refusal: Unreadable) -> None:
    """Raise the ``OSError`` behind a refusal of :func:`read` that is not the file's fault."""
    cause = refusal.__cause__
    if isinstance(cause, OSError) and cause.errno in _FULL:
        raise cause


def read(path: str, limit: int = LARGEST, *, folder: int | None = None) -> Content:
    """Read a whole regular file of at most ``limit`` bytes.

    ``folder`` is a directory descriptor that ``path`` is relative to. Raises ``FileNotFoundError`` where
    there is none and :class:`Unreadable` with the reason for everything that is not such a file.
    """
    try:
        fd = os.open(path, _READ, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(_why_not_opened(error)) from error
    try:
        return _read_open(fd, limit)
    except OSError as error:
        raise Unreadable(os.strerror(error.errno or 0).lower()) from error
    finally:
        os.close(fd)


def _why_not_opened(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a symbolic link; links are not followed"
    if error.errno == errno.ENXIO:
        return "a socket or device, not a file"
    return os.strerror(error.errno or 0).lower()


def _read_open(fd: int, limit: int) -> Content:
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode):
        raise Unreadable(f"{_kind(facts.st_mode)}, not a file")
    if facts.st_size > limit:
        raise Unreadable(f"{facts.st_size} bytes; at most {limit} are read")
    data = os.read(fd, (facts.st_size or limit) + 1)
    if len(data) != facts.st_size or not data:  # it grows, or does not tell its size
        while len(data) <= limit and (more := os.read(fd, limit + 1 - len(data))):
            data += more
    if len(data) > limit:
        raise Unreadable(f"more than {limit} bytes")
    return Content(data, facts.st_ino, facts.st_mtime_ns)


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a FIFO"))
    return next((name for test, name in kinds if test(mode)), "a device")


def create(path: str, data: bytes, *, folder: int | None = None) -> int:
    """Make a new file (0600, whatever the umask) with ``data`` and return its descriptor; never opens an old one."""
    fd = os.open(path, _CREATE, _PRIVATE, dir_fd=folder)
    try:
        os.fchmod(fd, _PRIVATE)
        write_all(fd, data)
    except BaseException:
        os.close(fd)
        remove(path, folder=folder)
        raise
    return fd


def write_all(fd: int, data: bytes) -> None:
    """Write every byte, however often the kernel takes only some."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def publish(path: str, data: bytes, temp: str, *, durable: bool = False) -> None:
    """Put ``data`` at ``path`` whole: a private file in the folder ``temp``, then a rename over it.

    ``temp`` must be on the same file system. ``durable``: it survives a power cut once this returns.
    Raises :class:`SystemFailure`; then ``path`` holds what it held or all of ``data``.
    """
    try:
        aside = os.path.join(temp, temps.name())
        try:
            _write_aside(aside, data, durable=durable)
            os.replace(aside, path)
        except BaseException:
            remove(aside)
            raise
        reach("publish.renamed")
        if durable:
            sync_folder(os.path.dirname(path))
    except OSError as error:
        raise failure(error, f"cannot write {visible(path)}") from error


def _write_aside(path: str, data: bytes, *, durable: bool) -> None:
    fd = create(path, data)
    try:
        reach("publish.written")
        if durable:
            os.fsync(fd)
            reach("publish.synced")
    finally:
        os.close(fd)


def append(path: str, data: bytes) -> int:
    """Append ``data`` in one write and return the file's size after it; makes the file (0600).

    Raises ``OSError``; when the disk is full some of ``data`` may have got in, so readers skip a torn line.
    """
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _PRIVATE)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        write_all(fd, data)
        return os.fstat(fd).st_size
    finally:
        os.close(fd)


def sync_folder(path: str) -> None:
    """Make the names in a folder survive a power cut."""
    fd = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove(path: str, *, folder: int | None = None) -> bool:
    """Unlink ``path`` if it is there and can be; tell whether it went."""
    with suppress(OSError):
        os.unlink(path, dir_fd=folder)
        return True
    return False


def ensure_folder(path: str) -> None:
    """Make ``path`` a folder of ours (0700), or raise :class:`UnsafeFolder` where it is not one.

    A folder that exists must be a real one, belong to us and not be writable for everybody.
    """
    try:
        if not os.path.lexists(path):
            os.makedirs(path, 0o700, exist_ok=True)
            os.chmod(path, 0o700)
        os.close(open_folder(path, ours=True))
    except (FileExistsError, NotADirectoryError) as error:
        raise UnsafeFolder(f"{visible(path)} is in the way: it is not a folder", hint="move it aside") from error
    except OSError as error:
        raise failure(error, f"cannot make the folder {visible(path)}") from error


def open_folder(path: str, *, folder: int | None = None, ours: bool = False) -> int:
    """Return a descriptor of a real folder; what is then done through it happens in no other one.

    ``folder`` is a descriptor that ``path`` is relative to. ``ours``: it must belong to us and not be
    writable for everybody. Raises ``FileNotFoundError``, other ``OSError`` and :class:`UnsafeFolder`.
    """
    try:
        fd = os.open(path, _FOLDER, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise UnsafeFolder(
            f"{visible(path)} is a link or a file, not a folder", hint="put a real folder there"
        ) from error
    try:
        if ours:
            _check_ours(os.fstat(fd), path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _check_ours(facts: os.stat_result, path: str) -> None:
    if facts.st_uid not in (os.geteuid(), 0):
        raise UnsafeFolder(f"{visible(path)} belongs to another user", hint="use a folder of your own")
    if facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX:
        raise UnsafeFolder(f"{visible(path)} may be written by everybody", hint=f"chmod o-w {visible(path)}")


@contextmanager
def guard(path: str, wait: float, whom: str, *, folder: int | None = None) -> Iterator[int]:
    """Hold the flock of the file ``path`` (made when missing, never unlinked) and yield its descriptor.

    ``folder`` is a descriptor that ``path`` is relative to. Waits at most ``wait`` seconds, then raises
    :class:`GuardBusy`, which says for ``whom``. After the lock is had, the file must still be the one at
    ``path``: somebody may have removed it. A child forked meanwhile does not prolong the hold.
    """
    deadline = clock.steady() + wait
    while True:
        fd = _open_guard(path, folder)
        try:
            _lock(fd, deadline, whom)
            try:
                if _still_there(fd, path, folder):
                    yield fd
                    return
            finally:
                fcntl.flock(fd, fcntl.LOCK_UN)
        finally:
            os.close(fd)


def _open_guard(path: str, folder: int | None) -> int:
    try:
        fd = os.open(path, _OPEN, _PRIVATE, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise
        raise UnsafeFolder(f"{visible(path)} is in the way: it is not a file", hint="move it aside") from error
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise UnsafeFolder(f"{visible(path)} is in the way: it is not a file", hint="move it aside")
        if facts.st_size == 0:
            os.fchmod(fd, _PRIVATE)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _lock(fd: int, deadline: float, whom: str) -> None:
    nap = 0.0002
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.steady() >= deadline:
                raise GuardBusy(
                    f"{_holder(fd)} is inside an operation on {whom} and does not come out",
                    hint="it may be paused (state T in ps): continue or end it; other tracks are not affected",
                ) from None
            clock.pause(nap)
            nap = min(nap * 2, 0.005)
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
            raise UnsupportedFilesystem(
                f"this file system has no flock ({os.strerror(error.errno)})",
                hint="put the root on a local file system (ext4, xfs, btrfs, tmpfs, APFS)",
            ) from error
        else:
            return


def _holder(fd: int) -> str:
    """Say who holds the flock of a file, as far as the machine tells. Source: proc_locks(5)."""
    facts = os.fstat(fd)
    file = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}:{facts.st_ino}"
    with suppress(OSError), open("/proc/locks", encoding="ascii") as lines:
        for line in lines:
            _, kind, _, _, pid, at, *_ = line.split()
            if kind == "FLOCK" and at == file and int(pid) > 0:
                return f"process {pid}"
    return "another process"


def lock_excludes(fd: int, path: str, *, folder: int | None = None) -> bool:
    """Tell whether a second opening of ``path`` is kept out while ``fd``, the first, holds its flock.

    Raises ``OSError`` where there is no flock at all.
    """
    second = os.open(path, _READ, dir_fd=folder)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(BlockingIOError):
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        return True
    finally:
        os.close(second)


def _still_there(fd: int, path: str, folder: int | None) -> bool:
    ours = os.fstat(fd)
    try:
        there = os.stat(path, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
