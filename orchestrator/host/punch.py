"""Giving the disk space of a file's beginning back while others write to its end: fallocate(2) of Linux.

The bytes there read as zeros from then on and take no room; every other byte stays at its offset, so that nobody who
appends, or reads further on, notices.
"""

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Final

from orchestrator.host.identity import IS_LINUX

_KEEP_SIZE: Final = 1
_PUNCH_HOLE: Final = 2
_C: Final = ctypes.CDLL(None, use_errno=True)
_FALLOCATE: Final[Callable[..., int] | None] = getattr(_C, "fallocate64", getattr(_C, "fallocate", None))
"""With offsets of 64 bits, whatever the C library calls it; other systems have neither."""


def punch(fd: int, length: int) -> None:
    """Free the first ``length`` bytes of an open file; ``OSError`` where system or file system cannot do that."""
    if not IS_LINUX or _FALLOCATE is None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    while _FALLOCATE(fd, _PUNCH_HOLE | _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(length)) != 0:
        code = ctypes.get_errno()
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))


def first_byte(fd: int) -> int:
    """Return the offset of the first byte that takes room: 0 where nothing was freed, or nobody can tell.

    The position of the open file is another one afterwards; for who appends it does not count.
    """
    try:
        return os.lseek(fd, 0, os.SEEK_DATA)
    except OSError:
        return 0
