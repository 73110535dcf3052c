"""Which tracks of a plan a run offers, now or later."""

from collections.abc import Iterable, Sequence
from typing import Final

from orchestrator.core.graph import SETTLED, Graph
from orchestrator.core.text import visible
from orchestrator.core.track import Plan, Track
from orchestrator.errors import NotFound, NotIndependent

_SHOWN: Final = 8  # names in one message


def select(plan: Plan, group: str | None, tracks: frozenset[str]) -> tuple[Track, ...]:
    """The unsettled tracks that a run of ``plan`` carries out, in the order of the document.

    Without more words: those of every current group, which is one whose prerequisites are settled.
    With ``group``: those of that group, by its letter or name, whatever the case. With ``tracks``:
    of those, the ones named. A track that waits for one that is not offered is not offered either.

    Raises :class:`NotFound` for a name that the plan does not have, and :class:`NotIndependent`
    where the group, or a track that is named, waits for something that would not run.
    """
    chosen = _chosen(plan, group, tracks)
    unsettled = _unsettled(plan.tracks)
    names = frozenset(track.track for track in chosen) & unsettled
    graph = Graph(plan.tracks)
    running = frozenset(name for wave in graph.waves(names) for name in wave)
    if tracks and running != names:
        blocked = next(track for track in chosen if track.track in names - running)
        needs = [need for need in graph.needs(blocked.track) if need not in running]
        raise _waits(f"track {blocked.track}", blocked, needs)
    return tuple(track for track in plan.tracks if track.track in running)


def current(tracks: Sequence[Track]) -> tuple[str | None, ...]:
    """The groups that have unsettled tracks, and whose prerequisites are all settled."""
    unsettled = _unsettled(tracks)
    return tuple(
        key
        for key, members in _groups(tracks).items()
        if any(track.track in unsettled for track in members) and not _open_prerequisites(members, unsettled)
    )


def _chosen(plan: Plan, group: str | None, tracks: frozenset[str]) -> list[Track]:
    groups = _groups(plan.tracks)
    if group is not None:
        key = _key(plan, groups, group)
        members = groups[key]
        needs = _open_prerequisites(members, _unsettled(plan.tracks))
        if needs:
            raise _waits(f"group {visible(group, 40)}", members[0], needs)
    elif tracks:
        members = list(plan.tracks)
    else:
        members = [track for key in current(plan.tracks) for track in groups[key]]
    unknown = sorted(tracks - {track.track for track in members})
    if unknown:
        raise NotFound(
            f"there is no track {_listed(unknown)}" + ("" if group is None else f" in group {visible(group, 40)}"),
            hint=f"the tracks are {_listed([track.track for track in members])}",
        )
    return [track for track in members if not tracks or track.track in tracks]


def _key(plan: Plan, groups: Iterable[str | None], wanted: str) -> str | None:
    """The group that is meant: its letter as written, then whatever its case, then its name."""
    known = [key for key in groups if key is not None]
    folded = wanted.strip().casefold()
    for found in (
        [key for key in known if key == wanted],
        [key for key in known if key.casefold() == folded],
        [key for key in known if plan.groups.get(key, "").casefold() == folded],
    ):
        if found:
            return found[0]
    named = [f"{key} ({plan.groups[key]})" if plan.groups.get(key) else key for key in known]
    raise NotFound(
        f"there is no group '{visible(wanted, 60)}'",
        hint=f"the groups are {_listed(named)}" if named else "the plan has no groups",
    )


def _groups(tracks: Sequence[Track]) -> dict[str | None, list[Track]]:
    groups: dict[str | None, list[Track]] = {}
    for track in tracks:
        groups.setdefault(track.group, []).append(track)
    return groups


def _unsettled(tracks: Sequence[Track]) -> frozenset[str]:
    return frozenset(track.track for track in tracks if track.state not in SETTLED)


def _open_prerequisites(members: Sequence[Track], unsettled: frozenset[str]) -> list[str]:
    """The unsettled tracks outside of a group that all of its tracks wait for."""
    lists = {id(track.depends_on): track.depends_on for track in members}
    first, *others = sorted(lists.values(), key=len)
    shared = unsettled.intersection(first).difference(track.track for track in members)
    for each in others:
        shared = shared.intersection(each)
    return [need for need in first if need in shared]


def _waits(what: str, track: Track, needs: Sequence[str]) -> NotIndependent:
    rule = f", line {track.line}" if not track.rule else f": {track.rule}"
    return NotIndependent(f"{what} cannot start yet{visible(rule, 300)}", hint=f"still open: {_listed(needs)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(visible(name, 60) for name in names[:_SHOWN]) + more
