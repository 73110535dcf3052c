"""The guard of one track: its flock, and the fence that only rises.

The guard file holds ``<last fence> <reserved bound> <boot id>``. The bound is on the disk before any
fence below it is given out, so that after a power cut, when the last fence may have been forgotten,
counting goes on from the bound.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from orchestrator.errors import SystemFailure
from orchestrator.host import files
from orchestrator.host.failpoint import reach

RESERVE: Final = 1024
_LONGEST: Final = 256


class Guard:
    """A held guard. Made by :func:`hold`; worth nothing after its block."""

    def __init__(self, fd: int, path: str, boot_id: str) -> None:
        self._fd = fd
        self._path = path
        self._boot_id = boot_id

    def last(self) -> int:
        """Return the greatest fence that may have been given out."""
        last, bound, boot_id = self._fields()
        return last if boot_id == self._boot_id else bound

    def next(self) -> int:
        """Return a fence greater than every one before, durable before anybody can see it."""
        last, bound, boot_id = self._fields()
        if boot_id != self._boot_id:
            last, bound = bound, 0
        fence = last + 1
        if fence > bound:
            bound = fence + RESERVE
            self._write(last, bound)
            os.fsync(self._fd)
            if last == 0:
                files.sync_folder(os.path.dirname(self._path))
            reach("guard.reserved")
        self._write(fence, bound)
        return fence

    def _fields(self) -> tuple[int, int, str]:
        data = os.pread(self._fd, _LONGEST, 0).strip(b"\0\n ")
        if not data:
            return 0, 0, self._boot_id
        try:
            last, bound, boot_id = data.decode("ascii").split(" ")
            return int(last), int(bound), boot_id
        except ValueError as error:
            raise SystemFailure(
                f"the guard file {self._path} is damaged",
                hint="while nobody works on the track, write a line '<fence> <fence> none' with a fence greater than any used",
            ) from error

    def _write(self, last: int, bound: int) -> None:
        os.pwrite(self._fd, f"{last:020d} {bound:020d} {self._boot_id:<40}\n".encode("ascii"), 0)


@contextmanager
def hold(path: str, boot_id: str | None, wait: float, track: str) -> Iterator[Guard]:
    """Hold the guard at ``path``; see :func:`orchestrator.host.files.guard`."""
    with files.guard(path, wait, f"track {track}") as fd:
        yield Guard(fd, path, boot_id or "none")
