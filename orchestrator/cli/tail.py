"""The lines of a file that grows, as ``tail -f`` shows them: also when it is replaced, begins anew or is cut."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Final

from orchestrator.errors import Unreadable
from orchestrator.host import clock

LONGEST: Final = 65536
"""A line of more bytes comes in pieces."""

_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PAUSE: Final = 0.1


def batches(path: str, *, follow: bool) -> Iterator[list[bytes]]:
    """Yield the lines of the file without their ends, some at a time, none where it is missing.

    With ``follow`` it never ends: it waits for more, and for the file itself. Raises :class:`Unreadable`
    for what is not a regular file, ``OSError`` where it may not be read.
    """
    with ExitStack() as former:
        before = None
        while True:
            fd = _opened(path)
            if fd is not None:
                if before is not None:
                    _go_on(before, fd)
                former.close()
                former.callback(os.close, fd)
                before = fd
                yield from _lines(fd, path, follow=follow)
            if not follow:
                return
            clock.pause(_PAUSE)


def _opened(path: str) -> int | None:
    try:
        fd = os.open(path, _OPEN)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(f"the file cannot be opened: {os.strerror(error.errno or 0).lower()}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Unreadable("it is not a file")
    return fd


def _lines(fd: int, path: str, *, follow: bool) -> Iterator[list[bytes]]:
    """Yield the lines of one opened file, until its end or, with ``follow``, until another is at its place."""
    rest = b""
    while True:
        at = os.lseek(fd, 0, os.SEEK_CUR)
        data = os.read(fd, LONGEST)
        if data[:1] == b"\0" and (there := _after_gap(fd, at)) > at:
            os.lseek(fd, there, os.SEEK_SET)
            if rest:
                yield [rest]
            rest = b""
        elif data:
            *whole, rest = (rest + data).split(b"\n")
            if len(rest) >= LONGEST:
                whole, rest = [*whole, rest], b""
            yield whole
        elif not follow or _replaced(fd, path):
            if rest:
                yield [rest]
            return
        else:
            clock.pause(_PAUSE)


def _after_gap(fd: int, at: int) -> int:
    """Return where the file goes on, at ``at`` or after a gap: the head of a log that grew too large is dropped."""
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError:
        return at


def _go_on(before: int, fd: int) -> None:
    """Where the file is the one read before without the gap at its head, go on where that was left."""
    read = os.lseek(before, 0, os.SEEK_CUR)
    at = read - _after_gap(before, 0)
    some = min(at, LONGEST)
    if 0 < at < read and os.pread(before, some, read - some) == os.pread(fd, some, at - some):
        os.lseek(fd, at, os.SEEK_SET)


def _replaced(fd: int, path: str) -> bool:
    """Tell whether another file is at ``path`` now, or this one is shorter than what was read of it."""
    ours = os.fstat(fd)
    with suppress(OSError):
        there = os.lstat(path)
        moved = (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino)
        return moved or ours.st_size < os.lseek(fd, 0, os.SEEK_CUR)
    return False
