"""What is known of the attempts at a track before the one that is about to begin."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.core.refusal import Refusals, applied
from orchestrator.core.result import Attempt, PhaseResult
from orchestrator.core.run import RunTrack
from orchestrator.errors import Unreadable
from orchestrator.host import clock, files, logfile
from orchestrator.reports.excerpt import excerpt
from orchestrator.state import answers, refusals, results
from orchestrator.state.answers import Answer
from orchestrator.state.layout import Layout, RunLayout


@dataclass(frozen=True, slots=True)
class Former:
    """The attempts before, the oldest first; since when (s since the epoch) the track is worked on.

    ``output`` is the end of what was printed in the last one that failed, or said against its work; ``answer`` what a
    person said to one of them. ``conflict``: the work of the last one that failed could not be merged.
    """

    attempts: tuple[Attempt, ...]
    since: float
    output: tuple[str, ...] = ()
    answer: Answer | None = None
    conflict: bool = False

    @property
    def failed(self) -> tuple[Attempt, ...]:
        """Those that really failed: what had to wait, for a person or for a limit to end, did not."""
        return tuple(each for each in self.attempts if not each.passed and not each.parked)

    def has_passed(self, phase: str) -> bool:
        """Tell whether one of them came through the phase of that name."""
        return any(each.name == phase and each.passed for attempt in self.attempts for each in attempt.phases)

    def missing(self) -> tuple[str, ...]:
        """Return what they left undone, each thing once: their errors, and what validators did not accept."""
        lines = (line for attempt in self.attempts for line in _left_by(attempt))
        return tuple(dict.fromkeys(lines))


def read(layout: Layout, paths: RunLayout, track: RunTrack, attempt: int) -> Former:
    """Return what is known before ``attempt``; what cannot be read is not known."""
    refused = refusals.known(paths, track.agent_id, track.track)
    every = _attempts(paths.result(track.agent_id), refused)
    before = tuple(each for each in every if each.attempt < attempt)
    found = Former(before, _since(every), answer=_answer(paths.answer(track.agent_id), attempt))
    if not found.failed:
        return found
    last = found.failed[-1]
    against = refused.of(last.attempt)
    output = against.output if against is not None else excerpt(logfile.end_of(layout.log(track.track)), last)
    return replace(found, output=output, conflict=against is not None and against.why == "conflict")


def _attempts(path: str, refused: Refusals) -> Sequence[Attempt]:
    try:
        result = results.read_result(path)
    except Unreadable as error:
        files.raise_if_ran_out(error)
        return ()
    attempts = applied(result.attempts, refused) if result is not None else ()
    return sorted(attempts, key=lambda each: each.attempt)


def _since(attempts: Sequence[Attempt]) -> float:
    """Return when the first attempt began; now, where there is none that says."""
    times = [clock.wall_ns() / 1e9]
    for each in attempts:
        with suppress(ValueError):
            times.append(datetime.fromisoformat(each.started_at).timestamp())
    return min(times)


def _answer(path: str, attempt: int) -> Answer | None:
    try:
        answer = answers.read(path)
    except Unreadable as error:
        files.raise_if_ran_out(error)
        return None
    return answer if answer is not None and answer.attempt < attempt else None


def _left_by(attempt: Attempt) -> Iterator[str]:
    if attempt.error and not attempt.parked:
        yield attempt.error
    if attempt.blocked:
        yield f"blocked: {attempt.blocked}"
    for phase in _last_words(attempt.phases):
        yield from (f"{phase.name}: {line}" for line in phase.report.splitlines() if line.strip())


def _last_words(phases: Sequence[PhaseResult]) -> list[PhaseResult]:
    """Return the last result of each validator that did not accept."""
    last = {each.name: each for each in phases if each.kind == "validator"}
    return [each for each in last.values() if each.verdict != "ACCEPT"]
