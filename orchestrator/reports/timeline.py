"""What happened in a run, in order: from its files, and from the journal what they do not say. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from orchestrator.core.outcome import FAILED, OK
from orchestrator.core.result import Attempt, PhaseResult, Result
from orchestrator.core.run import Outcome
from orchestrator.core.text import first_line, visible
from orchestrator.reports.metrics import Ending, moment
from orchestrator.reports.words import dollars, human

_TOLD: Final = frozenset(
    {
        "claim.won", "claim.released", "run.accepted", "run.ended", "status.changed", "worker.started",
        "track.merged", "track.conflict", "track.failed", "track.cancelled", "track.quarantined",
        "track.changed", "run.answered", "run.approved",
    }
)  # fmt: skip
"""Events that tell what the files of the run say better, or that come too often to read."""

_ORDERLY: Final = (None, OK, FAILED)
"""How workers end that have said the rest in their files."""

_NAMES: Final = frozenset({"v", "at", "event", "run", "track", "agent_id", "token", "fence"})
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_LONGEST: Final = 300
_CAUSES: Final[Mapping[str, str]] = {
    "retry": "again, after a failure",
    "answered": "again, with an answer",
    "limit": "again, after the usage limit",
    "cleanup": "for what is missing",
    "resolve": "to resolve a conflict",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: when (ISO 8601), to which track (empty: the run), what, and more of it."""

    at: str
    track: str
    what: str
    detail: str = ""


def timeline(ending: Ending) -> list[Entry]:
    """Return everything that is known to have happened, the oldest first; what has no time comes first."""
    found = [Entry(ending.record.created_at, "", "run accepted", visible(ending.record.source, _LONGEST))]
    for result in ending.results.values():
        found += _of_result(result)
    found += [_of_outcome(each) for each in ending.outcomes]
    tracks = {each.agent_id: each.track for each in ending.record.tracks}
    found += [_of_event(each, tracks) for each in ending.events if _is_news(each)]
    found += [Entry(each.ended_at, "", phase_words(each), _phase_detail(each)) for each in ending.judged]
    if ending.over:
        found.append(Entry(ending.ended_at, "", "run ended", visible(ending.publication.why, _LONGEST)))
    return sorted(found, key=lambda each: moment(each.at) or _NEVER)


def _of_result(result: Result) -> Iterator[Entry]:
    for attempt in result.attempts:
        began = f"attempt {attempt.attempt} began"
        yield Entry(attempt.started_at, result.track, began, _CAUSES.get(attempt.cause, ""))
        for phase in attempt.phases:
            yield Entry(phase.ended_at, result.track, phase_words(phase), _phase_detail(phase))
        if attempt.finished:
            ended = f"attempt {attempt.attempt} {_end(attempt)}"
            yield Entry(attempt.ended_at, result.track, ended, _end_detail(attempt))


def phase_words(phase: PhaseResult) -> str:
    """Return what became of a phase, in a few words."""
    if phase.kind == "validator":
        return f"validator {visible(phase.name, 60)}: {phase.verdict or ('ACCEPT' if phase.passed else 'no verdict')}"
    return f"phase {visible(phase.name, 60)} {'passed' if phase.passed else 'did not pass'}"


def _phase_detail(phase: PhaseResult) -> str:
    said = phase.error or (first_line(phase.report) if phase.kind == "validator" else "")
    return visible(f"after {human(phase.seconds)}{f': {said}' if said else ''}", _LONGEST)


def _end(attempt: Attempt) -> str:
    waits = (("asks", attempt.asked), ("is blocked", attempt.blocked), ("met a usage limit", attempt.limited))
    return next((words for words, true in waits if true), "passed" if attempt.passed else "failed")


def _end_detail(attempt: Attempt) -> str:
    said = attempt.asked or attempt.blocked or (attempt.limited_until and f"until {attempt.limited_until}")
    cost = "" if attempt.cost_usd is None else dollars(attempt.cost_usd, None)
    return visible("; ".join(each for each in (said or attempt.error, cost) if each), _LONGEST)


def _of_outcome(outcome: Outcome) -> Entry:
    said = f"as {outcome.commit[:12]}" if outcome.ended == "merged" else outcome.error
    note = f"; {outcome.note}" if outcome.note else ""
    return Entry(outcome.at, outcome.track, outcome.ended, visible(f"{said}{note}", _LONGEST))


def _is_news(event: Mapping[str, object]) -> bool:
    quiet = event.get("event") == "worker.ended" and event.get("status") in _ORDERLY
    return event.get("event") not in _TOLD and not quiet


def _of_event(event: Mapping[str, object], tracks: Mapping[str, str]) -> Entry:
    track = event.get("track") or tracks.get(str(event.get("agent_id")), "")
    more = [f"{name} {event[name]}" for name in event if name not in _NAMES and event[name] not in ("", None)]
    return Entry(
        str(event.get("at", "")),
        visible(str(track), 120),
        visible(str(event.get("event")), 60),
        visible(", ".join(more), _LONGEST),
    )


def bounded(entries: Sequence[Entry], most: int) -> tuple[Sequence[Entry], int, Sequence[Entry]]:
    """Return the first, how many are left out, and the last: at most ``most`` in all."""
    if len(entries) <= most:
        return entries, 0, ()
    return entries[: most // 2], len(entries) - 2 * (most // 2), entries[-(most // 2) :]
