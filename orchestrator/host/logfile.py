"""Files that other processes write to directly, through a descriptor that they were given."""

import errno
import os
import stat
from contextlib import suppress
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import UnsafeFolder
from orchestrator.host import files

TAIL: Final = 64 * 1024
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
            for number in range(kept, 0, -1):
                with suppress(FileNotFoundError):
                    os.replace(path if number == 1 else f"{path}.{number - 1}", f"{path}.{number}")


def size(fd: int) -> int:
    """Return how many bytes the file holds."""
    return os.fstat(fd).st_size


def tail(fd: int, start: int = 0) -> bytes:
    """Return the last TAIL bytes of what stands after the byte ``start``; nothing where that cannot be read."""
    with suppress(OSError):
        return os.pread(fd, TAIL, max(start, size(fd) - TAIL))
    return b""


def cut(fd: int, largest: int) -> None:
    """Keep only the first ``largest`` bytes."""
    with suppress(OSError):
        if size(fd) > largest:
            os.ftruncate(fd, largest)
