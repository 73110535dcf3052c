"""What is accepted when a run begins: names for everything in it, and the record of it.

What is taken already is looked up by whoever asks; here stands which name comes next.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Final

from orchestrator.core.name import slug
from orchestrator.core.run import Agent, Options, RunRecord, RunTrack
from orchestrator.core.track import Track

LONGEST_RUN: Final = 60
LONGEST_TRACK: Final = 60
"""Characters of a slug, so that a name stays well below what a file name or a reference may have."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run stands on. ``source`` is an absolute path, ``base`` a commit, ``created_at`` ISO 8601 UTC."""

    source: str
    source_kind: str
    target_branch: str
    base: str
    remote: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where one track is worked on; ``worktree`` is an absolute path."""

    branch: str
    worktree: str


def numbered(name: str) -> Iterator[str]:
    """Return ``name``, ``name-2``, ``name-3`` and so on, without end."""
    return chain((name,), (f"{name}-{number}" for number in count(2)))


def run_names(stem: str) -> Iterator[str]:
    """Return the names that a run of the source ``stem`` may have, the best one first."""
    return numbered(slug(stem, LONGEST_RUN))


def worktree_names(run: str, agent_id: str) -> Iterator[str]:
    """Return the names that the worktree of an agent may have, the best one first."""
    return chain((agent_id,), numbered(f"{run}-{agent_id}"))


def branch_name(track: Track) -> str:
    """Return the branch that a track should have: it says which track, and what it is about."""
    return f"feat/{slug(track.track, LONGEST_TRACK)}-{slug(track.title)}"


def first_free(names: Iterable[str], is_taken: Callable[[str], bool]) -> str:
    """Return the first of ``names``, which do not end, that is not taken."""
    return next(each for each in names if not is_taken(each))


def agent_ids(tracks: Sequence[Track]) -> list[str]:
    """Return the agents that carry ``tracks``, one each."""
    return [f"agent-{number}" for number in range(1, len(tracks) + 1)]


def orchestration_id(run: str, created_at: str) -> str:
    """Return ``orch-<run>-<YYYYMMDD>-<HHMMSS>``."""
    day, _, time = created_at.partition("T")
    return f"orch-{run}-{day.replace('-', '')}-{time[:8].replace(':', '')}"


def accept(
    run: str, tracks: Sequence[tuple[Track, Place]], ground: Ground, agent: Agent, options: Options
) -> RunRecord:
    """Return the record of a run of ``tracks``, in their order.

    A track that its source marks as in progress was begun before: its agent is told so.
    """
    return RunRecord(
        run=run,
        orchestration_id=orchestration_id(run, ground.created_at),
        source=ground.source,
        source_kind=ground.source_kind,
        created_at=ground.created_at,
        target_branch=ground.target_branch,
        base=ground.base,
        remote=ground.remote,
        agent=agent,
        options=options,
        tracks=tuple(
            _carried(agent_id, track, place)
            for agent_id, (track, place) in zip(agent_ids([each for each, _ in tracks]), tracks, strict=True)
        ),
    )


def _carried(agent_id: str, track: Track, place: Place) -> RunTrack:
    return RunTrack(
        agent_id=agent_id,
        track=track.track,
        title=track.title,
        branch=place.branch,
        worktree=place.worktree,
        line=track.line,
        group=track.group,
        number=track.number,
        depends_on=track.depends_on,
        body=track.body,
        acceptance=track.acceptance,
        paths=track.paths,
        resume=track.state == "in_progress",
    )
