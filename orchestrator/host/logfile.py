"""Files that other processes write to directly, through a descriptor that they were given."""

import errno
import io
import os
import stat
from contextlib import suppress
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import UnsafeFolder
from orchestrator.host import files

TAIL: Final = 64 * 1024
_PIECE: Final = 1024 * 1024
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


def begin_anew(fd: int, path: str, most: int) -> int:
    """Empty the open file, which others write to; its newest bytes, at most ``most``, go to ``<path>.1``.

    Returns how many bytes were dropped or moved. What is written in the last moment before the end may be lost, and
    where the machine refuses the copy (a full disk), all of it is.
    """
    part = f"{path}.part"
    try:
        with suppress(FileNotFoundError):
            os.unlink(part)
        with open(part, "xb", buffering=0, opener=_private) as copy:
            _copy_end(fd, copy, most)
        os.replace(part, f"{path}.1")
    except OSError:
        with suppress(OSError):
            os.unlink(part)
    dropped = size(fd)
    os.ftruncate(fd, 0)
    return dropped


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


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
