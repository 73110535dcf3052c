"""Who a process is, on systems without /proc. Asked through psutil, which Linux never imports here.

Start times are the ones that the system stored when the process began. Where they follow a moved wall
clock, or the clock was moved while we run, they are not told, so that nobody is taken for a stranger.
"""

import os
import sys
from typing import Final

import psutil

from orchestrator.core.machine import Sight

_STORED: Final = sys.platform == "darwin"
"""Elsewhere (FreeBSD, OpenBSD) the start is stored since boot and told by the wall clock of the moment."""

_BOOT: Final = psutil.boot_time()

_PER_SECOND: Final = 100


def look(pid: int, *, group: bool = False) -> Sight:
    """Return what the machine says of ``pid`` now; see :func:`orchestrator.host.identity.look`."""
    if pid <= 0:
        return Sight("gone")
    try:
        process = psutil.Process(pid)
        status, started = process.status(), process.create_time()
    except psutil.ZombieProcess:
        return Sight("zombie", group=group and group_lives(pid))
    except (psutil.NoSuchProcess, OverflowError):
        return Sight("gone", group=group and group_lives(pid))
    except psutil.AccessDenied:
        return Sight("hidden")
    ticks = int(started * _PER_SECOND) if _STORED and abs(psutil.boot_time() - _BOOT) < 1 else None
    if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return Sight("zombie", ticks, group=group and group_lives(pid))
    stopped = status in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    return Sight("stopped" if stopped else "running", ticks, int(started * 1_000_000_000))


def group_lives(pgid: int) -> bool:
    """Tell whether any process of that group is alive, zombies not counted."""
    return any(_alive_in(process, pgid) for process in psutil.process_iter())


def _alive_in(process: psutil.Process, pgid: int) -> bool:
    try:
        return os.getpgid(process.pid) == pgid and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
