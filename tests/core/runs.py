"""Makers of runs and facts, for the tests of decisions."""

from dataclasses import replace

from orchestrator.core.claim import State
from orchestrator.core.facts import ClaimFacts, RunFacts, StatusFacts, TrackFacts
from orchestrator.core.result import Attempt, PhaseResult
from orchestrator.core.run import Agent, Ended, Options, Outcome, RunRecord, RunTrack

RUN = "roadmap"


def spec(number: int, *depends_on: int) -> RunTrack:
    """Return track ``t<number>`` of agent ``agent-<number>``."""
    return RunTrack(
        agent_id=f"agent-{number}",
        track=f"t{number}",
        title=f"Track {number}",
        branch=f"feat/t{number}",
        worktree=f"/project/worktrees/agent-{number}",
        depends_on=tuple(f"t{each}" for each in depends_on),
    )


def record(*tracks: RunTrack, **options: object) -> RunRecord:
    """Return an accepted run; ``options`` as in :class:`Options`, with no stagger and one attempt unless said."""
    chosen = replace(Options(stagger_seconds=0.0, attempts=1, cleanup=False), **options)  # type: ignore[arg-type]  # the tests name real fields
    return RunRecord(
        run=RUN,
        orchestration_id="orch-roadmap-20260131-120000",
        source="/project/ROADMAP.md",
        source_kind="roadmap",
        created_at="2026-01-31T12:00:00.000Z",
        target_branch="main",
        base="0" * 40,
        remote="origin",
        agent=Agent("scripted", scripts="/project/agents"),
        options=chosen,
        tracks=tracks,
    )


def facts(*tracks: TrackFacts, **options: object) -> RunFacts:
    """Return the facts of a run of these tracks."""
    return RunFacts(record(*(each.spec for each in tracks), **options), tracks)


def claim(state: State = "alive", run: str | None = RUN, attempt: int | None = 1) -> ClaimFacts:
    """Return a lock of our run's worker, or of somebody else."""
    return ClaimFacts(state, f"process 7 is {state}", "scripted:agent-1", run, attempt)


def status(attempt: int = 1, phase: str = "work") -> StatusFacts:
    """Return what a worker says in ``attempt``."""
    return StatusFacts(attempt, phase, 40, "")


def phase(name: str = "work", status: int = 0, **fields: object) -> PhaseResult:
    """Return a phase that ended with an exit status."""
    made = PhaseResult(
        name, "exited", status, None, "2026-01-31T12:00:01Z", "2026-01-31T12:00:05Z", 4.0, 2.0, 20_000_000
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # the tests name real fields


def attempt(
    *phases: PhaseResult, finished: bool = True, error: str = "", ended_at: str = "2026-01-31T12:00:09Z"
) -> Attempt:
    """Return attempt 1; finished unless said otherwise."""
    made = phases or (phase(),)
    return Attempt(1, 3, "a" * 32, "2026-01-31T12:00:00Z", made, finished, ended_at if finished else "", error)


def outcome(number: int, ended: Ended = "merged", error: str = "") -> Outcome:
    """Return how track ``t<number>`` ended."""
    commit = "c" * 40 if ended == "merged" else ""
    return Outcome(f"agent-{number}", f"t{number}", ended, "2026-01-31T12:00:10Z", 1, commit=commit, error=error)
