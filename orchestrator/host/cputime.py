"""The CPU time of everything that descends from this process, the ended included. Source: proc_pid_stat(5)."""

import os
from contextlib import suppress
from typing import Final

from orchestrator.host import identity, tree

_FIRST: Final = 11
_LAST: Final = 14
"""Positions in what follows the name: user and system time, and those of the children that it waited for."""


def of_descendants() -> float | None:
    """Return seconds, to a hundredth; None where this machine does not show who descends from whom.

    It falls a little while a process that ended is not yet waited for.
    """
    if not identity.IS_LINUX:
        return None
    own = os.times()
    return own.children_user + own.children_system + sum(map(_seconds, tree.descendants()))


def _seconds(pid: int) -> float:
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read(4096).rpartition(b")")[2].split(None, _LAST + 1)
        return sum(map(int, fields[_FIRST : _LAST + 1])) / identity.HERTZ
    return 0.0
