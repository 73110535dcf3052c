"""Names of private temporary files, and what becomes of those whose makers died.

A name says who made the file: pid namespace, pid and start ticks. So a sweep can tell what is left over
from what is in use, however long its maker was stopped.
"""

import os
import re
from contextlib import suppress
from typing import Final

from orchestrator.host import clock, identity

_NAME: Final = re.compile(r"([0-9]{1,20})-([0-9]{1,10})-([0-9]{1,20})-[0-9a-z]+\Z")

FOREIGN_NS: Final = 24 * 3600 * 1_000_000_000
"""A file whose maker cannot be seen from here (another container) is left over after a day."""


def name() -> str:
    """Return a new name for a file of this process."""
    pid = os.getpid()
    return f"{identity.pid_namespace() or 0}-{pid}-{identity.start_ticks(pid) or 0}-{os.urandom(16).hex()}"


def sweep(folder: int) -> int:
    """Remove the left-over files in the folder of that descriptor; return how many went."""
    gone = 0
    for each in left_over(folder):
        with suppress(FileNotFoundError, PermissionError, IsADirectoryError):
            os.unlink(each, dir_fd=folder)
            gone += 1
    return gone


def left_over(folder: int) -> list[str]:
    """Return the names of the files in the folder of that descriptor whose makers are gone, sorted."""
    namespace = identity.pid_namespace() or 0
    matches = (_NAME.match(each) for each in sorted(os.listdir(folder)))
    return [match[0] for match in matches if match is not None and _left_over(folder, match, namespace)]


def _left_over(folder: int, match: re.Match[str], namespace: int) -> bool:
    if int(match[1]) != namespace:
        try:
            written = os.stat(match[0], dir_fd=folder, follow_symlinks=False).st_mtime_ns
        except FileNotFoundError:
            return False
        return clock.wall_ns() - written > FOREIGN_NS
    sight = identity.look(int(match[2]))
    if sight.seen in ("gone", "zombie"):
        return True
    ticks = int(match[3])
    return bool(ticks) and sight.start_ticks is not None and sight.start_ticks != ticks
