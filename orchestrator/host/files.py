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
from orchestrator.host import clock
from orchestrator.host.failpoint import reach

LARGEST: Final = 256 * 1024
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a file and what identified it while they were read."""

    data: bytes
    inode: int
    written_ns: int


def failure(error: OSError, what: str) -> SystemFailure:
    """Return the error that says in one line what the machine refused while ``what``."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in _FULL:
        return NoSpace(f"{what}: {reason}", hint="free some space or descriptors and try again; nothing was half-written")
    return SystemFailure(f"{what}: {reason}", hint="nothing was half-written; `orchd doctor` looks at the folders")


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
        raise Unreadable(os.strerror(error.errno or 0)) from error
    finally:
        os.close(fd)


def _why_not_opened(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a symbolic link; links are not followed"
    if error.errno == errno.ENXIO:
        return "a socket, not a file"
    return os.strerror(error.errno or 0).lower()


def _read_open(fd: int, limit: int) -> Content:
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode):
        raise Unreadable(f"{_kind(facts.st_mode)}, not a file")
    if facts.st_size > limit:
        raise Unreadable(f"{facts.st_size} bytes; at most {limit} are read")
    data = os.read(fd, limit + 1)
    while len(data) <= limit and (more := os.read(fd, limit + 1 - len(data))):
        data += more
    if len(data) > limit:
        raise Unreadable(f"more than {limit} bytes")
    return Content(data, facts.st_ino, facts.st_mtime_ns)


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"), (stat.S_ISLNK, "a link"))
    return next((name for test, name in kinds if test(mode)), "a device")


def create(path: str, data: bytes) -> int:
    """Make a new file (0600) with ``data`` and return its descriptor; never opens an old one."""
    fd = os.open(path, _CREATE, 0o600)
    try:
        write_all(fd, data)
    except OSError:
        os.close(fd)
        remove(path)
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
    Raises :class:`SystemFailure`; then ``path`` is as it was.
    """
    aside = os.path.join(temp, f"{os.getpid()}-{os.urandom(8).hex()}")
    try:
        fd = create(aside, data)
        try:
            reach("publish.written")
            if durable:
                os.fsync(fd)
                reach("publish.synced")
        finally:
            os.close(fd)
        os.replace(aside, path)
        reach("publish.renamed")
        if durable:
            sync_folder(os.path.dirname(path))
    except OSError as error:
        raise failure(error, f"cannot write {visible(path)}") from error
    finally:
        remove(aside)


def append(path: str, data: bytes) -> int:
    """Append ``data`` in one write and return the file's size after it; makes the file (0600)."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
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


def remove(path: str) -> bool:
    """Unlink ``path`` if it is there and can be; tell whether it went."""
    with suppress(OSError):
        os.unlink(path)
        return True
    return False


def ensure_folder(path: str) -> None:
    """Make ``path`` a folder of ours (0700), or raise :class:`UnsafeFolder` where it is not one.

    A folder that exists must be a real one, belong to us and not be writable for everybody.
    """
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        facts = os.lstat(path)
    except (FileExistsError, NotADirectoryError) as error:
        raise UnsafeFolder(f"{visible(path)} is in the way: it is not a folder", hint="move it aside") from error
    except OSError as error:
        raise failure(error, f"cannot make the folder {visible(path)}") from error
    if not stat.S_ISDIR(facts.st_mode):
        raise UnsafeFolder(f"{visible(path)} is a link or a file, not a folder", hint="put a real folder there")
    if facts.st_uid not in (os.geteuid(), 0):
        raise UnsafeFolder(f"{visible(path)} belongs to another user", hint="use a folder of your own")
    if facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX:
        raise UnsafeFolder(f"{visible(path)} may be written by everybody", hint=f"chmod o-w {visible(path)}")


@contextmanager
def guard(path: str, wait: float, whom: str) -> Iterator[int]:
    """Hold the flock of the file ``path`` (made when missing, never unlinked) and yield its descriptor.

    Waits at most ``wait`` seconds, then raises :class:`GuardBusy`, which says for ``whom``. After the
    lock is had, the file must still be the one at ``path``: somebody may have replaced the folder.
    """
    deadline = clock.steady() + wait
    while True:
        fd = os.open(path, _OPEN, 0o600)
        try:
            _lock(fd, deadline, whom)
            if _still_there(fd, path):
                yield fd
                return
        finally:
            os.close(fd)


def _lock(fd: int, deadline: float, whom: str) -> None:
    nap = 0.0002
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.steady() >= deadline:
                raise GuardBusy(
                    f"another process is inside an operation on {whom} and does not come out",
                    hint="it may be paused (state T in ps): continue or end it; other tracks are not affected",
                ) from None
            clock.pause(nap)
            nap = min(nap * 2, 0.005)
        except OSError as error:
            raise UnsupportedFilesystem(
                f"this file system has no flock ({os.strerror(error.errno or 0)})",
                hint="put the root on a local file system (ext4, xfs, btrfs, tmpfs, APFS)",
            ) from error
        else:
            return


def lock_excludes(path: str) -> bool:
    """Tell whether a second opening of ``path`` is kept out while the first holds its flock."""
    first, second = os.open(path, _READ), os.open(path, _READ)
    try:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(BlockingIOError):
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        return True
    finally:
        os.close(first)
        os.close(second)


def _still_there(fd: int, path: str) -> bool:
    ours = os.fstat(fd)
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
