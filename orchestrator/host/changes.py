"""Whether anything below a folder has changed."""

import os
from collections import deque
from contextlib import suppress
from typing import Final

from orchestrator.host import clock

_MOST: Final = 50_000
"""Entries that are looked at, at most."""

_SECONDS: Final = 2.0


def since(folder: str, wall_ns: int, skipped: str = ".git") -> bool:
    """Tell whether a file or folder below ``folder`` was written, made, moved or removed after ``wall_ns``.

    By the kernel's own time of change, which nobody can set. Links are not followed, what is named ``skipped`` is
    left out, and a folder too large for a look of two seconds is looked at in part, its top first.
    """
    deadline, seen = clock.steady() + _SECONDS, 0
    folders = deque([folder])
    while folders and seen < _MOST and clock.steady() < deadline:
        with suppress(OSError), os.scandir(folders.popleft()) as entries:
            for entry in entries:
                seen += 1
                if entry.name == skipped:
                    continue
                if _changed(entry, wall_ns):
                    return True
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    with suppress(OSError):
        return os.stat(folder).st_ctime_ns > wall_ns
    return False


def _changed(entry: os.DirEntry[str], wall_ns: int) -> bool:
    with suppress(OSError):
        return entry.stat(follow_symlinks=False).st_ctime_ns > wall_ns
    return False
