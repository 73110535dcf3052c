"""The guard of one track: its flock, and the fence that only rises.

The guard file holds ``<last fence> <reserved bound> <boot id>``. The bound is on the disk before any
fence below it is given out, so that after a power cut, when the last fence may have been forgotten,
counting goes on from the bound.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from orchestrator.core.claim import GREATEST
from orchestrator.core.text import visible
from orchestrator.errors import SystemFailure
from orchestrator.host import files
from orchestrator.host.failpoint import reach

RESERVE: Final = 1024
_LONGEST: Final = 256
_UNKNOWN_BOOT: Final = "none"
_LINE: Final = re.compile(rb"([0-9]{1,20}) ([0-9]{1,20}) ([0-9A-Za-z-]{1,40}) *\n?\Z")


class Guard:
    """A held guard. Made by :func:`hold`; worth nothing after its block."""

    def __init__(self, fd: int, folder: int, path: str, boot_id: str) -> None:
        self._fd = fd
        self._folder = folder
        self._path = path
        self._boot_id = boot_id

    def last(self) -> int:
        """Return the greatest fence that is known to have been given out.

        A restart of the machine gives none out, so what was finished before it is not superseded by it.
        """
        return self._fields(0)[0]

    def next(self, above: int = 0) -> int:
        """Return a fence greater than every one before, durable before anybody can see it.

        ``above`` is the fence of the lock that is being replaced; it counts where the guard remembers nothing,
        and where a greater one is left.
        """
        last, bound, boot_id = self._fields(above if above < GREATEST else 0)
        if boot_id != self._boot_id:
            last, bound = bound, 0
        fence = last + 1
        if fence > GREATEST:
            raise self._damaged()
        if fence > bound:
            bound = fence + RESERVE
            self._write(last, bound)
            os.fsync(self._fd)
            os.fsync(self._folder)
            reach("guard.reserved")
        self._write(fence, bound)
        if self._boot_id == _UNKNOWN_BOOT:
            os.fsync(self._fd)  # a restart of the machine will go unnoticed
        return fence

    def check(self) -> None:
        """Raise ``FileNotFoundError`` if the guard is no longer the one that others find."""
        ours = os.fstat(self._fd)
        there = os.stat(self._path, follow_symlinks=False)
        if (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            raise FileNotFoundError(errno.ENOENT, "the folder of the guards was replaced")

    def _fields(self, fallback: int) -> tuple[int, int, str]:
        data = os.pread(self._fd, _LONGEST, 0)
        if not data.strip(b"\0\n "):
            return fallback, fallback, self._boot_id
        match = _LINE.match(data)
        if match is None:
            raise self._damaged()
        return int(match[1]), int(match[2]), match[3].decode("ascii")

    def _damaged(self) -> SystemFailure:
        return SystemFailure(
            f"the guard file {visible(self._path)} is damaged",
            hint="while nobody works on the track, write a line '<fence> <fence> none' "
            "with a fence greater than any used",
        )

    def _write(self, last: int, bound: int) -> None:
        line = f"{last:020d} {bound:020d} {self._boot_id:<40}\n".encode("ascii")
        if os.pwrite(self._fd, line, 0) != len(line):
            os.ftruncate(self._fd, 0)  # only a new one can be too long for its place
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def hold(path: str, folder: int, boot_id: str | None, wait: float) -> Iterator[Guard]:
    """Hold the guard at ``path``, whose folder is open as ``folder``; see :func:`orchestrator.host.files.guard`."""
    track = os.path.basename(path)
    with files.guard(track, wait, f"track {track}", folder=folder) as fd:
        yield Guard(fd, folder, path, boot_id or _UNKNOWN_BOOT)
