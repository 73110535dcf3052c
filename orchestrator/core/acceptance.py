"""What is accepted when a run begins: names for everything in it, and the record of it.

What is taken already is looked up by whoever asks; here stands which name comes next.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Final

from orchestrator.core.name import slug
from orchestrator.core.run import Agent, Options, RunRecord, RunTrack, Validator
from orchestrator.core.track import Track

LONGEST_RUN: Final = 60
LONGEST_TRACK: Final = 60
"""Characters of a slug, so that a name stays well below what a file name or a reference may have."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run stands on. ``source`` and ``root`` are absolute, ``base`` is a commit, ``created_at`` ISO 8601 UTC."""

    source: str
    source_kind: str
    root: str
    target_branch: str
    base: str
    remote: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How a run is to be carried out. ``lifted`` are the tracks that a person wants tried again, come what may.

    ``told`` names the options that the command line said.
    """

    agent: Agent
    options: Options
    validators: tuple[Validator, ...] = ()
    lifted: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """One track that is taken on, and where; ``worktree`` is an absolute path.

    ``resume``: work on it stands there already. ``before`` and ``quarantined`` are those of
    :class:`orchestrator.core.run.RunTrack`.
    """

    track: Track
    branch: str
    worktree: str
    resume: bool = False
    before: tuple[str, ...] = ()
    quarantined: str = ""


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


def accept(run: str, taken: Sequence[Taken], ground: Ground, terms: Terms) -> RunRecord:
    """Return the record of a run of the tracks that were taken on, in their order.

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
        agent=terms.agent,
        options=terms.options,
        tracks=tuple(
            _carried(agent_id, each, terms.options.profile)
            for agent_id, each in zip(agent_ids([each.track for each in taken]), taken, strict=True)
        ),
        validators=terms.validators,
        root=ground.root,
        lifted=terms.lifted,
        told=terms.told,
    )


def _carried(agent_id: str, taken: Taken, profile: str) -> RunTrack:
    track = taken.track
    return RunTrack(
        agent_id=agent_id,
        track=track.track,
        title=track.title,
        branch=taken.branch,
        worktree=taken.worktree,
        line=track.line,
        group=track.group,
        number=track.number,
        depends_on=track.depends_on,
        body=track.body,
        acceptance=track.acceptance,
        paths=track.paths,
        resume=taken.resume or track.state == "in_progress",
        estimate=track.estimate,
        quarantined=taken.quarantined,
        before=taken.before,
        profile=profile,
    )
