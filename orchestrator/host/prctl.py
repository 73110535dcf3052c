"""What Linux lets a process say about its parent and its children: prctl(2). Elsewhere: nothing."""

import ctypes
import os
import signal
from typing import Final

from orchestrator.host.identity import IS_LINUX

_SET_PDEATHSIG: Final = 1
_SET_CHILD_SUBREAPER: Final = 36


def become_subreaper() -> bool:
    """Become the parent of every descendant whose own parent ends; tell whether this system can do so."""
    return _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> bool:
    """Have the kernel kill this process when its parent dies; tell whether ``parent`` is still the parent.

    For a child between fork and exec. A parent that died before the kernel was told leaves no signal.
    """
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def _prctl(option: int, value: int) -> bool:
    return IS_LINUX and _C.prctl(option, ctypes.c_ulong(value), *_UNUSED) == 0


_C: Final = ctypes.CDLL(None)
_UNUSED: Final = (ctypes.c_ulong(0),) * 3
