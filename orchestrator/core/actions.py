"""What may be done about a run: the decisions that ``perform`` carries out. All of them are idempotent."""

from dataclasses import dataclass
from typing import Literal

from orchestrator.core.phase import Cause, Toolset

Unmerged = Literal["failed", "cancelled", "quarantined", "conflict"]
"""How a track ends that is not merged."""


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Make the track's worktree and job, and start a worker on it.

    A ``cleanup`` is to do exactly what the attempts before left undone, and no more; a ``resolve`` is to resolve the
    conflict that keeps the track from being merged.
    """

    run: str
    agent_id: str
    attempt: int
    cause: Cause = "first"
    toolset: Toolset = "full"


@dataclass(frozen=True, slots=True)
class StopWorker:
    """Ask the track's worker to end, or what it left behind where it is dead. ``force``: kill all of it."""

    run: str
    agent_id: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Integrate:
    """Merge the track's branch into the target and record the outcome. ``fence`` is that of the work."""

    run: str
    agent_id: str
    attempt: int
    fence: int


@dataclass(frozen=True, slots=True)
class EndTrack:
    """Record that the track ended without being merged."""

    run: str
    agent_id: str
    ended: Unmerged
    error: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Push once and write the report: the run is over."""

    run: str


Action = StartWorker | StopWorker | Integrate | EndTrack | Finish
"""Everything that can be decided."""
