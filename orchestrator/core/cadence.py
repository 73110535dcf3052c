"""When a schedule runs its source again, and when it is over. Times are monotonic seconds.

Ticks lie on a grid from the start: 0, every, 2 x every, and so on, for as long as they come before the end.
A run that takes longer than its tick is followed by the next one at once, however many ticks it missed; what
comes after that is on the grid again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from orchestrator.core import outcome

EVERY: Final = 600.0
LASTS: Final = 21600.0
"""Ten minutes and six hours, in seconds: what a schedule does unless told otherwise."""

HOPELESS: Final = frozenset({outcome.USAGE, outcome.BUG})
"""Exit codes after which another run of the same words would end the same way."""

Reason = Literal["no work", "time", "stopped", "refused"]


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often (s), for how long (s), and since when (monotonic s)."""

    start: float
    every: float = EVERY
    lasts: float = LASTS

    @property
    def end(self) -> float:
        """No run begins at this moment (monotonic s) or later."""
        return self.start + self.lasts


@dataclass(frozen=True, slots=True)
class Tick:
    """One run that is over: when it began and ended (monotonic s), its exit code, and whether there was work.

    ``stopped``: somebody asked the schedule to end meanwhile.
    """

    began: float
    ended: float
    code: int
    worked: bool
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """The next run begins ``at`` (monotonic s); ``overran``: its time came while the last one was going on."""

    at: float
    overran: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """There is no next run, and why."""

    reason: Reason


def after(cadence: Cadence, tick: Tick) -> Next | Over:
    """Return what comes after a run."""
    if tick.stopped or tick.code == outcome.INTERRUPTED:
        return Over("stopped")
    if tick.code in HOPELESS:
        return Over("refused")
    if tick.code == outcome.OK and not tick.worked:
        return Over("no work")
    due = cadence.start + (_slot(cadence, tick.began) + 1) * cadence.every
    upcoming = Next(tick.ended, overran=True) if tick.ended >= due else Next(due)
    return Over("time") if upcoming.at >= cadence.end else upcoming


def _slot(cadence: Cadence, moment: float) -> int:
    """Return the number of the tick that ``moment`` belongs to; a float just below a tick counts as on it."""
    return int((moment - cadence.start) / cadence.every + 1e-9)


def worst(codes: Iterable[int]) -> int:
    """Return the exit code of a schedule: that of its worst run, 0 for none.

    All done is better than partly done, that than below the threshold, and that than no run at all.
    """
    return max(codes, default=outcome.OK)
