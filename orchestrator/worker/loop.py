"""The one place where a worker waits: for signals, for its children, and for time to pass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from orchestrator.host import clock, signals, spawn

STOPPING: Final = (signals.TERM, signals.INTERRUPT, signals.HANGUP, signals.QUIT)
"""The signals that ask a worker to end."""


@dataclass(slots=True)
class _Timer:
    every: Callable[[], float]
    due: float
    act: Callable[[], object]


class Loop:
    """Turns while children run. The first ``reason`` to stop counts; a second signal asks to hurry.

    ``heeds`` tells whether a stopping signal is meant for us; ``signal`` is the first that was. ``patient``: SIGTERM
    twice is one request, for who drives a run asks again after its own restart.
    """

    def __init__(
        self,
        events: signals.Signals,
        heeds: Callable[[int], bool] = STOPPING.__contains__,
        *,
        patient: bool = False,
    ) -> None:
        self._events = events
        self._heeds = heeds
        self._patient = patient
        self._timers: list[_Timer] = []
        self._ended: list[spawn.Ended] = []
        self.reason = ""
        self.signal: int | None = None
        self.hurry = False

    def every(self, seconds: float | Callable[[], float], act: Callable[[], object]) -> None:
        """Have ``act`` called every so many seconds from now on; a function is asked anew each time."""
        pace = seconds if callable(seconds) else lambda: seconds
        self._timers.append(_Timer(pace, clock.steady() + pace(), act))

    def stop(self, reason: str) -> None:
        """Ask for the end for a reason, ``TYPE: text``; the first one counts."""
        self.reason = self.reason or reason

    def turn(self, seconds: float) -> bool:
        """Wait at most ``seconds`` for anything to happen and see to it; tell whether there is no hurry."""
        due = min((each.due for each in self._timers), default=float("inf")) - clock.steady()
        for number in self._events.wait(min(seconds, due)):
            if number in STOPPING and self._heeds(number):
                self._asked(number)
        self._ended += spawn.reap()
        for timer in self._timers:
            if timer.due <= clock.steady():
                timer.act()
                timer.due = clock.steady() + timer.every()
        return not self.hurry

    def collected(self) -> list[spawn.Ended]:
        """Return the children and orphaned descendants that have ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def _asked(self, number: int) -> None:
        same = self._patient and self.signal == number == signals.TERM
        self.hurry = self.hurry or (self.signal is not None and not same)
        self.signal = self.signal or number
        self.stop(f"UNKNOWN: cancelled ({signals.signal_name(number)})")
