"""What is known of a run at one moment, and the state of each track that follows from it.

The table below is the only place where facts become a state. Facts come from files, the kernel and
the actions under way; nothing here remembers anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from orchestrator.core.claim import State as OwnerState
from orchestrator.core.phase import Cause
from orchestrator.core.result import Attempt
from orchestrator.core.run import Gate, Limit, Outcome, RunRecord, RunTrack

Where = Literal[
    "waiting", "held", "starting", "running", "orphaned", "committed", "merging", "vanished", "failing", "ended"
]
Doing = Literal["", "starting", "started", "merging", "recording"]


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """The lock of a track: whose it is and what is known of the owner."""

    state: OwnerState
    why: str
    owner: str
    run: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What the worker says: its attempt and how far it is."""

    attempt: int
    phase: str
    percent: float | None
    needs_input: str


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """Everything known of one track in one run.

    ``job_attempt`` is 0 before a job was written. ``doing`` is the action of ours under way for it, and
    ``started`` from then on until its end. ``exited`` is the exit status of the worker that we started, None
    while it runs or was started by somebody else; ``trouble`` is why an action of ours failed. ``asked`` is
    when (monotonic s) the worker was asked to end, and ``forced``: it was then killed.

    ``result`` is the present attempt's and ``former`` are those of all before it. ``failed_since``: since when
    (monotonic s) this process knows that the present attempt is over without success, and ``heard``: when the status
    last changed. ``answered`` is the attempt whose question a person has answered, 0 for none. ``limited_until`` is
    when (monotonic s) the usage limit that ended the present attempt is over.
    """

    spec: RunTrack
    job_attempt: int = 0
    claim: ClaimFacts | None = None
    status: StatusFacts | None = None
    result: Attempt | None = None
    outcome: Outcome | None = None
    doing: Doing = ""
    exited: int | None = None
    trouble: str = ""
    asked: float | None = None
    forced: bool = False
    cause: Cause = "first"
    former: tuple[Attempt, ...] = ()
    failed_since: float | None = None
    heard: float | None = None
    answered: int = 0
    limited_until: float | None = None


@dataclass(frozen=True, slots=True)
class Others:
    """What the rest of the machine and its runs leave to this one.

    ``busy`` counts the agents of other runs by kind, ``profiles`` by profile. ``memory_mb`` is what the machine has
    left, None where it does not say. ``limited_until`` is when (monotonic s) the usage limit of this run's kind of
    agent is over. ``spent_today`` is what all runs of the day have spent.
    """

    busy: Mapping[str, int] = field(default_factory=dict)
    profiles: Mapping[str, int] = field(default_factory=dict)
    memory_mb: int | None = None
    limited_until: float | None = None
    spent_today: Limit = field(default_factory=Limit)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything known of one run. ``cancelled`` holds track ids; ``last_start`` is monotonic seconds.

    ``since`` is when (monotonic s) this process began to drive it, ``spent_seconds`` its age before.
    ``approved`` are the gates that a person has opened.
    """

    record: RunRecord
    tracks: tuple[TrackFacts, ...]
    cancelled: frozenset[str] = frozenset()
    last_start: float | None = None
    finishing: bool = False
    ended: bool = False
    others: Others = field(default_factory=Others)
    approved: frozenset[Gate] = frozenset()
    since: float = 0.0
    spent_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TrackState:
    """Where a track is, and why, in one line."""

    where: Where
    why: str


LOST: Final = 75
"""The exit status of a worker that lost the claim."""

ACTIVE: Final[frozenset[Where]] = frozenset({"starting", "running", "orphaned"})
"""Where a track takes up a slot."""


def state_of(facts: TrackFacts, run: str) -> TrackState:
    """Return where the track is; the first rule that applies wins."""
    for rule in (_ended, _doing, _claimed, _finished, _never_claimed):
        state = rule(facts, run)
        if state is not None:
            return state
    return TrackState("waiting", "not started yet")


def _ended(facts: TrackFacts, _run: str) -> TrackState | None:
    outcome = facts.outcome
    if outcome is None:
        return None
    why = {
        "merged": f"merged as {outcome.commit[:10]}" if outcome.commit else "merged",
        "conflict": f"conflict in {', '.join(outcome.files[:3])}",
        "failed": outcome.error or "failed",
        "cancelled": outcome.error or "cancelled",
        "quarantined": outcome.error or "quarantined",
    }
    return TrackState("ended", why[outcome.ended])


def _doing(facts: TrackFacts, _run: str) -> TrackState | None:
    if facts.doing == "merging":
        return TrackState("merging", "its branch is being merged")
    if facts.doing == "recording":
        return TrackState("failing", "its end is being recorded")
    if facts.trouble:
        return TrackState("failing", facts.trouble)
    if facts.doing == "starting":
        return TrackState("starting", "its worktree and job are being made")
    return None


def _claimed(facts: TrackFacts, run: str) -> TrackState | None:
    claim = facts.claim
    if claim is None or claim.state == "dead":
        return None
    if not _is_ours(claim, facts, run):
        if _is_over(facts.result):
            return None  # what it finished before is judged by its fence
        return TrackState("held", f"held by {claim.owner}: {claim.why}")
    if claim.state == "orphaned":
        return TrackState("orphaned", claim.why)
    phase = facts.status.phase if facts.status else ""
    return TrackState("running", f"{phase or 'claimed'}: {claim.why}")


def _is_ours(claim: ClaimFacts, facts: TrackFacts, run: str) -> bool:
    """Tell whether the claim is that of a worker on the track's job; a person may claim for a run by hand."""
    return claim.run == run and facts.job_attempt > 0 and claim.attempt == facts.job_attempt


def _is_over(result: Attempt | None) -> bool:
    return result is not None and result.finished


def _finished(facts: TrackFacts, _run: str) -> TrackState | None:
    result = facts.result
    if facts.job_attempt == 0 or result is None or not result.finished:
        return None
    if result.passed:
        return TrackState("committed", "its last step succeeded")
    return TrackState("failing", result.error or "UNKNOWN: the attempt did not pass")


def _never_claimed(facts: TrackFacts, _run: str) -> TrackState | None:
    """A job without a claim: being started, to be started again, lost, or dead."""
    if facts.job_attempt == 0:
        return None
    if facts.claim is not None:
        return TrackState("vanished", f"{facts.claim.why}; its track is about to be freed")
    if facts.doing == "started" and facts.exited is None:
        return TrackState("starting", "its worker is on the way to the claim")
    began = facts.status is not None and facts.status.attempt == facts.job_attempt
    if began or facts.result is not None:
        return TrackState("failing", f"UNKNOWN: the worker died{_how(facts)} before it could say how the attempt ended")
    if facts.exited is not None and facts.exited != LOST:
        why = f"RESOURCE_ERROR: the worker ended with status {facts.exited} before it claimed the track"
        return TrackState("failing", why)
    return None


def _how(facts: TrackFacts) -> str:
    exited = facts.exited
    if exited is None:
        return ""
    return f" (signal {-exited})" if exited < 0 else f" (status {exited})"


def states_of(run: RunFacts) -> Mapping[str, TrackState]:
    """Return the state of every track, by agent id."""
    return {each.spec.agent_id: state_of(each, run.record.run) for each in run.tracks}
