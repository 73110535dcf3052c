"""What went wrong with a track, and how to go on: for each that was not merged. Pure."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from orchestrator.core.duration import brief
from orchestrator.core.result import Attempt
from orchestrator.core.retry import FailureClass, classify
from orchestrator.core.run import Outcome, RunRecord
from orchestrator.core.text import visible
from orchestrator.reports.causes import Case, cause, signal_word
from orchestrator.reports.metrics import Ending


@dataclass(frozen=True, slots=True)
class Step:
    """A command that a person can give now, and what for."""

    what: str
    command: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One track that was not merged.

    ``failed_as`` is None where nothing failed: a person ended it, it was never started, it waits, or others changed
    the same lines. ``how`` is the phase that did not pass, and its ending. ``log`` are the last lines that its agent
    printed. ``kept`` says where its work stands, and ``steps`` how to go on.
    """

    agent_id: str
    track: str
    ended: str
    error: str
    failed_as: FailureClass | None
    how: str
    cause: str
    log: tuple[str, ...]
    kept: str
    steps: tuple[Step, ...]


def diagnose(ending: Ending) -> list[Diagnosis]:
    """Return a diagnosis of each track that ended unmerged, in the order of the run."""
    return [_diagnosis(ending, each) for each in ending.outcomes if each.ended != "merged"]


def _diagnosis(ending: Ending, outcome: Outcome) -> Diagnosis:
    result = ending.results.get(outcome.agent_id)
    attempt = result.of(outcome.attempt) if result is not None else None
    case = Case(ending.record.find(outcome.agent_id), outcome, attempt, ending.memory_bytes)
    failed = outcome.ended == "failed" and outcome.attempt > 0
    return Diagnosis(
        agent_id=outcome.agent_id,
        track=outcome.track,
        ended=outcome.ended,
        error=visible(outcome.error, 500) or "no reason was recorded",
        failed_as=classify(attempt, outcome.error) if failed and not _parked(attempt) else None,
        how=_how(case),
        cause=cause(case),
        log=tuple(ending.excerpts.get(outcome.agent_id, ())) if outcome.attempt else (),
        kept=visible(outcome.kept, 1000),
        steps=tuple(_steps(ending.record, case)),
    )


def _parked(attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.parked


def _how(case: Case) -> str:
    phase = case.phase
    if phase is None:
        return ""
    ends = {
        "exited": f"ended with status {phase.status}",
        "signalled": f"was ended by {signal_word(phase.signal or 0)}",
        "timed_out": "ran out of its time",
        "cancelled": "was told to end",
        "not_started": "could not be started",
    }
    return f"phase {visible(phase.name, 60)} {ends[phase.ending]}"


def _steps(record: RunRecord, case: Case) -> Iterator[Step]:
    """Yield what a person can do, the most useful first."""
    track, outcome, attempt = case.track, case.outcome, case.attempt
    branch, target = visible(track.branch), visible(record.target_branch)
    if outcome.ended == "conflict":
        yield Step("resolve the conflict, then mark the track done in the source", f"git merge {shlex.quote(branch)}")
    elif "orchd approve" in outcome.error:
        yield Step("let it begin", f"orchd approve {record.run}")
    elif attempt is not None and attempt.parked and (attempt.asked or attempt.blocked):
        yield Step("answer it", f"orchd answer {track.track} 'YOUR ANSWER'")
    if outcome.attempt:
        yield Step("read all that it printed", f"orchd logs {track.track}")
    holds = visible(outcome.kept_on) or (branch if f"branch {track.branch}" in outcome.kept else "")
    if outcome.kept and holds:
        yield Step("see what it committed", f"git diff {shlex.quote(f'{target}...{holds}')}")
    yield _again(record, case)


def _again(record: RunRecord, case: Case) -> Step:
    """Return how its agent goes on with what it has: with twice the time where that ran out."""
    phase = case.phase
    if phase is None or phase.ending != "timed_out" or phase.kind == "validator":
        return Step("try again what was not merged", f"orchd retry {record.run}")
    more = brief(ceil(2 * phase.seconds))
    return Step("try again what was not merged, with more time", f"orchd retry {record.run} --timeout {more}")
