"""What time it is, three ways."""

import time


def wall_ns() -> int:
    """Nanoseconds since the epoch, UTC. Moves when somebody sets the clock: for people only."""
    return time.time_ns()


def steady() -> float:
    """Seconds on the monotonic clock: for durations and deadlines."""
    return time.monotonic()


def steady_offset_ns() -> int:
    """Wall clock less time since boot, ns. Changes only when somebody moves the wall clock."""
    return time.time_ns() - time.clock_gettime_ns(_SINCE_BOOT)


def pause(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


def iso(wall: int | None = None) -> str:
    """Return a time (ns since the epoch; None: now) as ``2026-01-31T12:00:00.123Z``."""
    moment = time.time_ns() if wall is None else wall
    seconds, nanoseconds = divmod(moment, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds // 1_000_000:03d}Z"


_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
