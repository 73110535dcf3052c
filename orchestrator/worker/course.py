"""The course of an attempt: its phases in order, and the rounds of its validators, until one does not pass."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from orchestrator.core import usage_limit
from orchestrator.core.claim import Claim
from orchestrator.core.phase import Job, Phase
from orchestrator.core.result import PhaseResult
from orchestrator.host import clock, files
from orchestrator.host.failpoint import reach
from orchestrator.host.spawn import Program
from orchestrator.state.layout import RunLayout, findings
from orchestrator.state.status import prepare, temp
from orchestrator.worker import environment
from orchestrator.worker.ending import error_of, last_line
from orchestrator.worker.log import Log
from orchestrator.worker.loop import Loop
from orchestrator.worker.phases import PhaseRunner
from orchestrator.worker.record import NOT_PARKED, Parked
from orchestrator.worker.report import Report
from orchestrator.worker.verdict import judge
from orchestrator.worker.vitals import Vitals


@dataclass(frozen=True, slots=True)
class Workplace:
    """What an attempt works with. ``beat`` says that we live, ``heed`` returns the error that the agent reports.

    ``told`` takes a step that must keep nobody from the next one. ``keep`` writes down how the phases so far ended.
    ``loaded`` are modules of ours that need not be started.
    """

    job: Job
    claim: Claim
    paths: RunLayout
    loop: Loop
    log: Log
    report: Report
    beat: Callable[[], None]
    heed: Callable[[], str]
    told: Callable[[Callable[[], None]], bool]
    keep: Callable[[list[PhaseResult]], None]
    loaded: Mapping[str, Program]


class Course:
    """Carries the phases out. ``phases`` is how each execution ended, ``parked`` what the attempt has to wait for.

    ``survivors`` tells whether processes of the last phase could not be ended.
    """

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._job: Final = place.job
        self._runner = PhaseRunner(place.job, place.loop, place.log, place.loaded)
        self._vitals = Vitals(place.job, place.loop, place.log, place.report, place.beat)
        self.phases: list[PhaseResult] = []
        self.parked = NOT_PARKED

    @property
    def survivors(self) -> bool:
        """Processes of the last phase live on."""
        return self._runner.survivors

    def run(self) -> str:
        """Go from phase to phase; return why one did not pass, ``TYPE: text``."""
        for phase in self._job.phases:
            self._place.loop.turn(0)
            error = self._place.loop.reason or self._step(phase)
            if error:
                return error
            if phase is not self._job.phases[-1]:
                self._keep()
        return ""

    def _step(self, phase: Phase) -> str:
        return self._validate(phase) if phase.kind == "validator" else self._work(phase)

    def _work(self, phase: Phase) -> str:
        """Carry out a phase that is no validator; return why the attempt ends with it, if it does."""
        how = self._carry(phase)
        how = replace(how, error=error_of(how, last_line(self._place.log.tail()), self._place.heed()))
        self._add(how)
        if phase.kind == "agent":
            self.parked = self._waits(how)
        return self.parked.error or how.error

    def _validate(self, phase: Phase) -> str:
        """Ask a validator; where it asks for more, have that done and ask again, as often as its rounds allow."""
        for left in reversed(range(phase.rounds)):
            how = self._carry(phase)
            self._place.heed()
            output = self._place.log.tail()
            if how.ending == "cancelled" or self.survivors:
                self._add(how)
                return how.error
            judged = judge(phase, how, output)
            self._add(replace(how, verdict=judged.verdict, report=judged.report, error=judged.error))
            if not judged.verdict and phase.judges_by == "words":  # an agent too, which may have met its limit
                self.parked = self._limit()
                return self.parked.error or judged.error
            if judged.verdict != "REVISE" or phase.mend is None or not left:
                return judged.error
            self._keep()
            self._find(output)
            error = self._work(phase.mend)
            if error:
                return error
            self._keep()
        return ""

    def _carry(self, phase: Phase) -> PhaseResult:
        """Carry out one execution under the eyes of the vitals."""
        place = self._place
        place.told(lambda: place.report.phase(phase.name))
        status_file = place.paths.status(self._job.agent_id)
        env = environment.of_phase(os.environ, self._job, phase, place.claim, status_file)
        self._vitals.begin(phase)
        try:
            how = self._runner.run(phase, env)
        finally:
            self._vitals.end()
        reach("worker.phase_ended")
        return how

    def _add(self, how: PhaseResult) -> None:
        self.phases.append(how)
        said = f"{how.verdict} {how.error}".strip() or "passed"
        self._place.log.say(f"phase {how.name}: {said}, after {how.seconds:.1f} s")
        if how.leftovers:
            self._place.log.say(f"phase {how.name}: ended what it left behind, processes: {how.leftovers}")

    def _keep(self) -> None:
        self._place.keep(self.phases)
        reach("worker.result_written")

    def _waits(self, how: PhaseResult) -> Parked:
        """Return what an agent's phase left to wait for; nothing where somebody else ended it."""
        ended_by_others = self._place.loop.reason and not self._vitals.ended
        if ended_by_others or self.survivors:
            return NOT_PARKED
        report = self._place.report
        if report.parks:
            return Parked(report.parks, asked=report.question, blocked=report.blocked)
        return NOT_PARKED if how.passed else self._limit()

    def _limit(self) -> Parked:
        here = datetime.fromtimestamp(clock.wall_ns() / 1e9, UTC).astimezone()
        limit = usage_limit.read(self._place.log.tail().decode("utf-8", "replace"), here)
        if limit is None:
            return NOT_PARKED
        until = f"{limit.until:%Y-%m-%dT%H:%M:%SZ}" if limit.until else ""
        ends = f"; resets at {until}" if until else ""
        return Parked(f"API_ERROR: usage limit: {limit.said}{ends}", limited=True, limited_until=until)

    def _find(self, output: bytes) -> None:
        """Put what a validator said where the phase that mends looks for it."""
        paths = self._place.paths
        prepare(paths)
        files.publish(findings(paths, self._job.agent_id), output, temp(paths))
