"""What is known of a run at one moment. It comes from files, the kernel, and the actions of ours under way.

Nothing here remembers anything; what follows from it stands in :mod:`orchestrator.core.standing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.core.claim import State as OwnerState
from orchestrator.core.phase import Cause, Toolset
from orchestrator.core.probe import Clash
from orchestrator.core.refusal import Why
from orchestrator.core.result import Attempt
from orchestrator.core.run import Ended, Gate, Limit, Outcome, RunRecord, RunTrack

Doing = Literal["", "starting", "started", "merging", "tidying", "recording"]


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
    """What the worker says: its attempt, how far it is, and what it has cost so far (None: it does not say).

    ``quiet`` is since when (ISO 8601) its agent gives no sign of life, empty where it does.
    """

    attempt: int
    phase: str
    percent: float | None
    needs_input: str
    blocked: str = ""
    quiet: str = ""
    cost_usd: float | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """Everything known of one track in one run.

    ``job_attempt`` is 0 before a job was written. ``doing`` is the action of ours under way for it, and
    ``started`` from then on until its end. ``exited`` is the exit status of the worker that we started, None
    while it runs or was started by somebody else; ``trouble`` is why an action of ours failed. ``asked`` is
    when (monotonic s) the worker was asked to end, and ``forced``: it was then killed. ``ending`` is the end of the
    track that is being recorded.

    ``result`` is the present attempt's and ``former`` are those of all before it. ``failed_since``: since when
    (monotonic s) this process knows that the present attempt is over without success, and ``heard``: when the status
    last changed. ``answered`` is the attempt whose question a person has answered, 0 for none. ``limited_until`` is
    when (monotonic s) the usage limit that ended the present attempt is over. ``spent`` counts all attempts, the
    running one included. ``refused`` is why the work of the present attempt was not merged although it passed: then its
    ``result`` has that for its error.
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
    ending: Ended | None = None
    cause: Cause = "first"
    toolset: Toolset = "full"
    former: tuple[Attempt, ...] = ()
    failed_since: float | None = None
    heard: float | None = None
    answered: int = 0
    limited_until: float | None = None
    spent: Limit = field(default_factory=Limit)
    refused: Why | None = None


@dataclass(frozen=True, slots=True)
class Others:
    """What the rest of the machine and its runs leave to this one.

    ``busy`` counts the agents of other runs by kind, ``profiles`` by profile. ``memory_mb`` is what the machine has
    left, None where it does not say. ``limited_until`` is when (monotonic s) the usage limit of this run's kind of
    agent is over. ``spent_today`` is what the other runs of the day have spent.
    """

    busy: Mapping[str, int] = field(default_factory=dict)
    profiles: Mapping[str, int] = field(default_factory=dict)
    memory_mb: int | None = None
    limited_until: float | None = None
    spent_today: Limit = field(default_factory=Limit)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything known of one run. ``cancelled`` holds track ids; ``last_start`` is monotonic seconds.

    ``since`` is when (monotonic s) this process began to look at it, ``spent_seconds`` its age then.
    ``approved`` are the gates that a person has opened, ``settled_since`` is since when every track has an outcome.
    ``clashes`` are the conflicts that are ahead, as they were seen last.
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
    settled_since: float | None = None
    clashes: tuple[Clash, ...] = ()
