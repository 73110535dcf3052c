"""The figures of a run: ``metrics.json``. Unknown is null, never zero."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Final

from orchestrator.core.result import Attempt, PhaseResult, Result
from orchestrator.core.run import Outcome, Publication, RunRecord
from orchestrator.reports.spending import spent

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """Peak memory of one agent's commands (MB, 10^6 bytes); null where nothing was measured.

    ``peak_cpu_percent`` is the mean use of the busiest phase, 100 for one core. ``total_api_calls`` is
    null: the agents do not say.
    """

    peak_memory_mb: float | None
    peak_cpu_percent: float | None
    total_api_calls: int | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What ``metrics.json`` holds. Times ISO 8601 UTC, durations in seconds.

    ``cost_usd`` and ``tokens`` are null where one attempt that ran does not say; ``known_cost_usd`` and
    ``known_tokens`` are what the others spent. ``prs_created`` counts the pull requests that agents name in their
    status files. ``publication_why`` and ``publication_command`` say what became of the push, and what a person can do;
    ``publication_output`` is the end of what whoever was against it printed.
    """

    orchestration_id: str
    run: str
    master_issue: str
    start_time: str
    end_time: str
    duration_seconds: float
    total_sub_tasks: int
    successful_agents: int
    failed_agents: int
    timeout_agents: int
    prs_created: int
    follow_up_issues: int
    agent_durations: Mapping[str, float]
    avg_agent_duration: float | None
    max_agent_duration: float | None
    min_agent_duration: float | None
    success_rate_percentage: float
    speedup_ratio: float | None
    estimated_sequential_time: float | None
    peak_concurrency: int
    resource_usage: ResourceUsage
    cost_usd: float | None
    publication: str
    attempts: int = 0
    known_cost_usd: float | None = None
    tokens: int | None = None
    known_tokens: int | None = None
    publication_why: str = ""
    publication_command: str = ""
    publication_output: tuple[str, ...] = ()
    v: int = VERSION


@dataclass(frozen=True, slots=True)
class AgentMetrics:
    """What ``agent-<n>.metrics.json`` holds: the figures of one track."""

    agent_id: str
    track: str
    ended: str
    attempts: int
    duration_seconds: float | None
    cpu_seconds: float | None
    peak_memory_mb: float | None
    lines_added: int
    lines_removed: int
    cost_usd: float | None
    known_cost_usd: float | None = None
    tokens: int | None = None
    known_tokens: int | None = None
    pull_request: int | None = None
    v: int = VERSION


@dataclass(frozen=True, slots=True)
class Going:
    """A track that has not ended: its state, in the words of ``orchd status``, and why."""

    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Ending:
    """Everything that a report is made from: an outcome of each track, and by agent what is known of the attempts.

    By agent too: ``excerpts``, the last lines of the log of its last attempt; ``pull_requests``, the numbers that
    they gave; ``going``, the tracks that have no outcome yet. ``events`` are the journal's of this run,
    ``judged`` what the validators of the whole run said.
    ``memory_bytes`` is what the machine has. A run that is not ``over`` is reported as it stands at ``ended_at``.
    """

    record: RunRecord
    outcomes: Sequence[Outcome]
    results: Mapping[str, Result]
    publication: Publication
    ended_at: str
    excerpts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pull_requests: Mapping[str, int] = field(default_factory=dict)
    going: Mapping[str, Going] = field(default_factory=dict)
    events: Sequence[Mapping[str, object]] = ()
    judged: Sequence[PhaseResult] = ()
    memory_bytes: int | None = None
    over: bool = True


def encode(metrics: Metrics | AgentMetrics) -> bytes:
    """Return the bytes of ``metrics.json`` or of an agent's."""
    return json.dumps(asdict(metrics), indent=1).encode("ascii") + b"\n"


def measure(ending: Ending) -> Metrics:
    """Return the figures of a run; of one that is not over, as far as it has come."""
    record, outcomes = ending.record, ending.outcomes
    total = len(outcomes) + len(ending.going)
    used = spent(ending.results.values())
    merged = sum(each.ended == "merged" for each in outcomes)
    timeouts = sum(each.ended != "merged" and each.error.startswith("TIMEOUT") for each in outcomes)
    durations = {agent: seconds for agent in ending.results if (seconds := duration(ending.results[agent])) is not None}
    whole = seconds_between(record.created_at, ending.ended_at) or 0.0
    sequential = sum(durations.values()) if durations else None
    return Metrics(
        orchestration_id=record.orchestration_id,
        run=record.run,
        master_issue=record.source,
        start_time=record.created_at,
        end_time=ending.ended_at,
        duration_seconds=whole,
        total_sub_tasks=total,
        successful_agents=merged,
        failed_agents=len(outcomes) - merged - timeouts,
        timeout_agents=timeouts,
        prs_created=len(set(ending.pull_requests.values())),
        follow_up_issues=0,
        agent_durations=durations,
        avg_agent_duration=round(sequential / len(durations), 3) if sequential is not None else None,
        max_agent_duration=max(durations.values(), default=None),
        min_agent_duration=min(durations.values(), default=None),
        success_rate_percentage=round(100 * merged / total, 1) if total else 0.0,
        speedup_ratio=round(sequential / whole, 2) if sequential is not None and whole > 0 else None,
        estimated_sequential_time=round(sequential, 3) if sequential is not None else None,
        peak_concurrency=peak_concurrency(ending.results),
        resource_usage=_resources(_phases(ending.results.values())),
        cost_usd=used.cost_usd,
        publication=ending.publication.state,
        attempts=sum(len(each.attempts) for each in ending.results.values()),
        known_cost_usd=used.known_cost_usd,
        tokens=used.tokens,
        known_tokens=used.known_tokens,
        publication_why=ending.publication.why,
        publication_command=ending.publication.command,
        publication_output=ending.publication.output,
    )


def duration(result: Result) -> float | None:
    """Return how long (s) a track was worked on, all attempts together; None where that is not known."""
    spans = [seconds_between(start, end) for start, end in map(span, result.attempts) if end]
    known = [seconds for seconds in spans if seconds is not None]
    return round(sum(known), 3) if known else None


def span(attempt: Attempt) -> tuple[str, str]:
    """Return when an attempt began and when it was last heard of (empty: never)."""
    phases = [each.ended_at for each in attempt.phases]
    return attempt.started_at, attempt.ended_at or max(phases, default="")


def seconds_between(start: str, end: str) -> float | None:
    """Return the seconds between two ISO times, never less than 0; None where one of them is no time."""
    begun, ended = moment(start), moment(end)
    if begun is None or ended is None:
        return None
    return round(max((ended - begun).total_seconds(), 0.0), 3)


def moment(text: str) -> datetime | None:
    """Return an ISO time, UTC where it names no zone; None for what is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def peak_concurrency(results: Mapping[str, Result]) -> int:
    """Return the greatest number of attempts that were under way at one moment."""
    spans = [span(attempt) for result in results.values() for attempt in result.attempts]
    steps = sorted([(end, -1) for _, end in spans if end] + [(start, 1) for start, end in spans if end])
    running = highest = 0
    for _, step in steps:
        running += step
        highest = max(highest, running)
    return highest


def _phases(results: Iterable[Result]) -> list[PhaseResult]:
    return [phase for result in results for attempt in result.attempts for phase in attempt.phases]


def _peak_memory_mb(phases: Sequence[PhaseResult]) -> float | None:
    memory = max((phase.peak_memory_bytes for phase in phases), default=None)
    return None if memory is None else round(memory / 1e6, 1)


def _resources(phases: Sequence[PhaseResult]) -> ResourceUsage:
    busy = [100 * phase.cpu_seconds / phase.seconds for phase in phases if phase.seconds > 0]
    return ResourceUsage(
        peak_memory_mb=_peak_memory_mb(phases),
        peak_cpu_percent=round(max(busy), 1) if busy else None,
        total_api_calls=None,
    )


def measure_agent(outcome: Outcome, result: Result | None, pull_request: int | None = None) -> AgentMetrics:
    """Return the figures of one track that has ended."""
    phases = _phases([result] if result is not None else [])
    used = spent([result] if result is not None else [])
    return AgentMetrics(
        agent_id=outcome.agent_id,
        track=outcome.track,
        ended=outcome.ended,
        attempts=len(result.attempts) if result is not None else 0,
        duration_seconds=duration(result) if result is not None else None,
        cpu_seconds=round(sum(phase.cpu_seconds for phase in phases), 3) if phases else None,
        peak_memory_mb=_peak_memory_mb(phases),
        lines_added=outcome.lines_added,
        lines_removed=outcome.lines_removed,
        cost_usd=used.cost_usd,
        known_cost_usd=used.known_cost_usd,
        tokens=used.tokens,
        known_tokens=used.known_tokens,
        pull_request=pull_request,
    )
