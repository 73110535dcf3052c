"""What time it is, and how much of it was ours."""

import os
import time
from typing import Final

_SINCE_BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_STAMPED_AT_BOOT: Final = "/dev/pts"
"""A file system in memory, mounted while the machine starts: its root shows the wall clock of that moment."""

_STEP_NS: Final = 1_000_000_000

_YEAR_1000_NS: Final = -30_610_224_000_000_000_000
_YEAR_9999_NS: Final = 253_402_300_800_000_000_000 - 1
"""Years have four digits. A file may bear a time beyond these, or one for which there is no calendar at all."""


def wall_ns() -> int:
    """Nanoseconds since the epoch, UTC. Moves when somebody sets the clock: for people only."""
    return time.time_ns()


def steady() -> float:
    """Seconds on the monotonic clock: for durations and deadlines."""
    return time.monotonic()


def thread_cpu() -> float:
    """Seconds of CPU time that this thread has used."""
    return time.thread_time()


def steady_offset_ns() -> int:
    """Wall clock less time since boot, ns. Changes only when somebody moves the wall clock."""
    return time.time_ns() - time.clock_gettime_ns(_SINCE_BOOT)


def was_set(before_ns: int) -> bool:
    """Tell whether the wall clock was moved since :func:`steady_offset_ns` returned ``before_ns``."""
    return abs(steady_offset_ns() - before_ns) > _STEP_NS


def was_set_forward() -> bool:
    """Tell whether the wall clock shows to have been set forward since this machine was started.

    Then something made after the start bears a time before it. False: nothing shows it.
    """
    try:
        stamped = os.stat(_STAMPED_AT_BOOT).st_ctime_ns
    except OSError:
        return False
    return stamped < steady_offset_ns() - _STEP_NS


def pause(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


def iso(wall: int | None = None) -> str:
    """Return a time (ns since the epoch; None: now) as ``2026-01-31T12:00:00.123Z``; at most what that can say."""
    moment = time.time_ns() if wall is None else max(_YEAR_1000_NS, min(wall, _YEAR_9999_NS))
    seconds, nanoseconds = divmod(moment, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds // 1_000_000:03d}Z"
