"""The CPU time of everything that descends from this process, the ended included. Source: proc_pid_stat(5)."""

import os
from contextlib import suppress
from typing import Final

from orchestrator.host import identity, spawn, tree

_FIRST: Final = 11
_LAST: Final = 14
"""Positions in what follows the name: user and system time, and those of the children that it waited for."""


def of_descendants() -> float | None:
    """Return seconds, to a hundredth; None where this machine does not show our children.

    It falls a little while a process that ended is not yet waited for.
    """
    living = tree.descendants()
    if not identity.IS_LINUX or (not living and spawn.has_children()):
        return None
    own = os.times()
    return own.children_user + own.children_system + sum(map(_seconds, living))


def _seconds(pid: int) -> float:
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read(4096).rpartition(b")")[2].split(None, _LAST + 1)
        return sum(map(int, fields[_FIRST : _LAST + 1])) / identity.HERTZ
    return 0.0
