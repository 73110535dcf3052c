"""Hung, quiet, alive: the signs of life of an agent. Quiet is not hung, so there are two limits and a warning."""

from collections.abc import Callable
from typing import Final

from orchestrator.core.phase import Job, Phase
from orchestrator.host import changes, clock, cputime
from orchestrator.worker.environment import plain
from orchestrator.worker.log import Log
from orchestrator.worker.loop import Loop
from orchestrator.worker.report import Report

_LOOKS: Final = 20
"""Looks within the limit."""

_LONGEST: Final = 15.0
_LEAST_CPU: Final = 0.01
_BUSY: Final = 0.001
"""An agent lives that uses more than this share of a CPU; a program that waits uses less."""


class Vitals:
    """Watches one phase at a time, and asks the loop to stop where it shows no sign of life for too long.

    Signs are: what the agent reports, what it prints, CPU time of whatever descends from it, and files that change
    in its working directory. The last two are looked for only where the others are silent.
    """

    def __init__(self, job: Job, loop: Loop, log: Log, report: Report, beat: Callable[[], object]) -> None:
        self._job = job
        self._stale = job.stale_seconds
        self._loop = loop
        self._log = log
        self._report = report
        self._beat = beat
        self._watching = ""
        self._may_ask = False
        self._warned = False
        self._silent = 0.0
        self._looked = self._cpu_looked = clock.steady()
        self._last_sign_ns = 0
        self._printed = 0
        self._cpu = 0.0
        self.ended = False
        self._every = min(_LONGEST, self._stale / _LOOKS)
        loop.every(self._every, self._look)

    def begin(self, phase: Phase) -> None:
        """Watch a phase, unless it is orchd's own."""
        self._watching = "" if phase.kind == "commit" else phase.name
        self._may_ask = phase.kind == "agent"
        self._warned = False
        self._looked = self._cpu_looked = clock.steady()
        self._printed = self._log.printed()
        self._cpu = cputime.of_descendants() or 0.0
        self._revive()

    def end(self) -> None:
        """Look no more: the phase is over."""
        self._watching = ""
        self._report.quiet_since = ""

    def _look(self) -> None:
        now = clock.steady()
        # A worker that was itself stopped for a while has not been looking.
        passed, self._looked = min(now - self._looked, 2 * self._every), now
        if not self._watching or self._loop.reason:
            return
        if self._shows_life(now):
            self._revive()
            return
        self._silent += passed
        if self._silent >= self._stale * (2 if self._warned else 1):
            self._judge()

    def _shows_life(self, now: float) -> bool:
        printed = self._log.printed()
        if self._report.heard() or printed != self._printed:
            self._printed = printed
            return True
        cpu = cputime.of_descendants()
        if cpu is None:
            return True  # what nobody can see proves nothing
        used, since = abs(cpu - self._cpu), now - self._cpu_looked
        self._cpu, self._cpu_looked = cpu, now
        return used >= max(_LEAST_CPU, _BUSY * since)

    def _revive(self) -> None:
        self._silent = 0.0
        self._last_sign_ns = clock.wall_ns()
        if self._warned:
            self._warned = False
            self._log.say(f"phase {self._watching}: it shows signs of life again")
        self._report.quiet_since = ""

    def _judge(self) -> None:
        """It was silent up to one of the limits: look at its files, then warn, or end it."""
        if changes.since(self._job.working_dir, self._last_sign_ns):
            self._revive()
            return
        self._beat()
        silent = plain(round(self._silent, 1))
        if self._may_ask and self._report.parks:
            self._end(self._report.parks)
        elif self._warned:
            self._end(f"TIMEOUT: hung: no sign of life for {silent} s in phase {self._watching}")
        else:
            self._warned = True
            self._log.say(
                f"phase {self._watching}: no report, no output, no CPU time and no changed file for {silent} s; "
                "after as many more it is ended"
            )
            self._report.quiet_since = clock.iso(self._last_sign_ns)
            self._beat()

    def _end(self, reason: str) -> None:
        self.ended = True
        self._loop.stop(reason)
