"""Files that other processes write to directly, through a descriptor that they were given."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import UnsafeFolder
from orchestrator.host import files, punch
from orchestrator.host.failpoint import reach

TAIL: Final = 64 * 1024
_PIECE: Final = 1024 * 1024
_BLOCK: Final = 4096
_PART: Final = ".part"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPEN: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_log(path: str) -> int:
    """Open the regular file at ``path`` for appending and reading, made 0600 when missing, and its folder.

    Raises an :class:`orchestrator.errors.OrchdError` for a link, a FIFO or anything else that is no file.
    """
    files.ensure_folder(os.path.dirname(path))
    try:
        fd = os.open(path, _OPEN, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise _in_the_way(path) from error
        raise files.failure(error, f"cannot open {visible(path)}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _in_the_way(path)
    os.set_blocking(fd, True)
    return fd


def _in_the_way(path: str) -> UnsafeFolder:
    return UnsafeFolder(f"{visible(path)} is in the way: it is not a file", hint="move it aside")


def rotate(path: str, largest: int, kept: int) -> None:
    """Set a file of more than ``largest`` bytes aside as ``<path>.1``, older ones as ``.2`` to ``.<kept>``.

    For the time before anybody writes to it. Where it cannot be done, the file just grows.
    """
    with suppress(OSError):
        if os.lstat(path).st_size > largest:
            shift(path, kept)
            os.replace(path, f"{path}.1")


def shift(path: str, kept: int) -> None:
    """Make ``<path>.1`` free: what is there becomes ``.2``, and so on; what was ``.<kept>`` goes."""
    for number in range(kept, 1, -1):
        with suppress(FileNotFoundError):
            os.replace(f"{path}.{number - 1}", f"{path}.{number}")


def held(fd: int) -> int:
    """Return how many bytes stand in the open file since the first that :func:`drop_head` left there."""
    return size(fd) - punch.first_byte(fd)


def drop_head(fd: int, keep: int) -> bool:
    """Free the room of all but the newest ``keep`` bytes, and a little more, of an open file that others write to.

    What they write meanwhile stays, too, and every byte at its offset. False where the machine cannot do that.
    """
    head = (size(fd) - keep) // _PIECE * _PIECE
    try:
        reach("log.cut")
        if head > 0:
            punch.punch(fd, head)
    except OSError:
        return False
    return True


def close_gap(fd: int, path: str) -> None:
    """Where the head of the file at ``path``, open as ``fd``, was dropped, make it as short as what is left of it.

    For the time when nobody else writes to it: it is another file afterwards, and ``fd`` leads to that.
    """
    start = punch.first_byte(fd)
    if not start or not os.path.samestat(os.fstat(fd), os.lstat(path)):
        return
    with _draft(path) as draft:
        _copy(fd, start, draft.fileno())
        os.replace(draft.name, path)
        new = os.open(path, _OPEN)
        try:
            os.dup2(new, fd, inheritable=False)
        finally:
            os.close(new)


def close_gap_at(path: str) -> None:
    """Do as :func:`close_gap` with a file that nobody has open, and remove what somebody killed at it left."""
    with suppress(OSError):
        os.unlink(f"{path}{_PART}")
    with suppress(OSError):
        fd = os.open(path, _READ)
        try:
            close_gap(fd, path)
        finally:
            os.close(fd)


def begin_anew(fd: int, path: str, most: int) -> int:
    """Empty the open file, which others write to; its newest bytes, at most ``most``, go to ``<path>.1``.

    For where :func:`drop_head` does not work. Returns how many bytes were dropped or moved. What is written in the
    last moment before the end may be lost, and where the machine refuses the copy (a full disk), all of it is.
    """
    with suppress(OSError), _draft(path) as copy:
        _copy_end(fd, copy, most)
        os.replace(copy.name, f"{path}.1")
    dropped = size(fd)
    os.ftruncate(fd, 0)
    return dropped


@contextmanager
def _draft(path: str) -> Iterator[io.FileIO]:
    """Make an empty private file beside ``path`` for the block; it is gone afterwards, unless it was renamed."""
    part = f"{path}{_PART}"
    with suppress(FileNotFoundError):
        os.unlink(part)
    try:
        with open(part, "xb", buffering=0, opener=_private) as draft:
            yield draft
    finally:
        with suppress(OSError):
            os.unlink(part)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _copy(fd: int, offset: int, into: int) -> None:
    """Copy all from ``offset``, less the zeros of the block in which that begins."""
    data = os.pread(fd, _BLOCK, offset)
    files.write_all(into, data.lstrip(b"\0"))
    while data:
        offset += len(data)
        data = os.pread(fd, _PIECE, offset)
        files.write_all(into, data)


def _copy_end(fd: int, copy: io.FileIO, most: int) -> None:
    """Copy the end of a file that still grows; a quarter of the room is for what comes meanwhile.

    Where more comes than that, there is a gap before the very last of it, which says most.
    """
    offset = max(0, size(fd) - most * 3 // 4)
    left = most
    while left > 0 and (data := os.pread(fd, min(left, _PIECE), offset)):
        files.write_all(copy.fileno(), data)
        offset += len(data)
        left -= len(data)
    last = max(offset, size(fd) - TAIL)
    files.write_all(copy.fileno(), os.pread(fd, TAIL, last))


def make_room(path: str, kept: int, room: int) -> None:
    """Remove the oldest of ``<path>.1`` to ``.<kept>`` until they take at most ``room`` bytes."""
    there = [f"{path}.{number}" for number in range(1, kept + 1)]
    sizes = [(each, os.lstat(each).st_size) for each in there if os.path.lexists(each)]
    while sizes and sum(each for _, each in sizes) > room:
        os.unlink(sizes.pop()[0])


def size(fd: int) -> int:
    """Return how many bytes the file holds."""
    return os.fstat(fd).st_size


def say(fd: int, text: str, now: str) -> int:
    """Add lines of our own, each marked as such and with the time ``now``; return how many bytes that took."""
    gap = b"" if tail(fd)[-1:] in (b"", b"\n") else b"\n"
    lines = "".join(f"[orchd {now}] {line}\n" for line in text.splitlines())
    data = gap + lines.encode("utf-8", "backslashreplace")
    files.write_all(fd, data)
    return len(data)


def tail(fd: int, start: int = 0) -> bytes:
    """Return the last TAIL bytes of what stands after the byte ``start``; nothing where that cannot be read."""
    with suppress(OSError):
        return os.pread(fd, TAIL, max(start, size(fd) - TAIL))
    return b""


def end_of(path: str) -> bytes:
    """Return the last TAIL bytes of the file at ``path``; nothing where there is none, or it cannot be read."""
    with suppress(OSError):
        fd = os.open(path, _READ)
        try:
            return tail(fd) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
        finally:
            os.close(fd)
    return b""
