"""Tracks whose declared paths overlap, and the order that lets them run one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.core import paths
from orchestrator.core.graph import SETTLED, Graph
from orchestrator.core.paths import Reach
from orchestrator.core.text import visible
from orchestrator.core.track import Finding, Plan, Track
from orchestrator.errors import CannotParse

CONFLICT: Final = "shared_path"
"""The rule of the findings about overlapping paths."""

_MOST: Final = 10_000  # tracks that are put in order
_MOST_RULES: Final = 5  # that are shown of a track
_LONGEST_PATH: Final = 120


@dataclass(frozen=True, slots=True)
class Other:
    """A track that comes before another one in the plan, and a path of one that overlaps one of the other."""

    track: Track
    path: str


@dataclass(frozen=True, slots=True)
class Shared:
    """The unsettled tracks whose paths overlap those of any other, each behind those it waits for.

    ``clashes`` and ``before`` are masks of positions: whose paths overlap, and what each waits for anyway.
    """

    tracks: tuple[Track, ...]
    reaches: tuple[tuple[Reach, ...], ...]
    clashes: tuple[int, ...]
    before: tuple[int, ...]
    left_out: int = 0

    @classmethod
    def of(cls, tracks: Sequence[Track], most: int) -> "Shared":
        """Compare the first ``most`` of the tracks that share anything; the others are counted."""
        open_ones = [track for track in tracks if track.state not in SETTLED and track.paths]
        found = paths.sharing([paths.reaches(track.paths) for track in open_ones])
        if not found:
            return cls((), (), (), ())
        compared = {open_ones[position].track: open_ones[position] for position in found[:most]}
        graph = Graph(tracks)
        row = tuple(compared[name] for name in graph.sequence() if name in compared)
        reaches = tuple(paths.reaches(track.paths) for track in row)
        before = graph.before({track.track: 1 << position for position, track in enumerate(row)})
        clashes = tuple(paths.clashes(reaches))
        return cls(row, reaches, clashes, tuple(before[track.track] for track in row), max(0, len(found) - most))

    def conflicts(self) -> Iterator[tuple[Track, tuple[Other, ...]]]:
        """Yield each track that overlaps earlier ones it does not wait for, with those it has to wait for.

        They are the nearest ones: what those wait for, by their own or for the same reason, is not repeated.
        """
        waits = list(self.before)
        for position, track in enumerate(self.tracks):
            others = []
            left = self.clashes[position] & ((1 << position) - 1) & ~waits[position]
            while left:
                nearest = left.bit_length() - 1
                waits[position] |= waits[nearest] | 1 << nearest
                left &= ~waits[position]
                path = paths.overlap(self.reaches[nearest], self.reaches[position])
                others.append(Other(self.tracks[nearest], path or ""))
            if others:
                yield track, tuple(others)


def in_order(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Return ``tracks`` so that of two whose paths overlap the later one depends on the earlier one.

    Earlier is what stands first in the plan, but for what waits for another already. The tracks of a run are put in
    order after they were selected: what is not carried out holds nothing up.

    Raises :class:`CannotParse` where there are more of them than anybody can make use of.
    """
    shared = Shared.of(tracks, _MOST)
    if shared.left_out:
        number = len(shared.tracks) + shared.left_out
        raise CannotParse(f"{number} tracks name files that others name too", hint="order one group at a time")
    behind = {id(track): _behind(track, others) for track, others in shared.conflicts()}
    return tuple(behind.get(id(track), track) for track in tracks)


def ordered(plan: Plan) -> Plan:
    """Return ``plan`` with its path conflicts turned into dependencies, and without the findings about them.

    This is what ``--order`` refuses and shows by; the tracks that a run carries go through :func:`in_order`.
    """
    tracks = in_order(plan.tracks)
    findings = [each for each in plan.findings if each.rule != CONFLICT]
    number = sum(new is not old for new, old in zip(tracks, plan.tracks, strict=True))
    if number:
        what = "1 track waits for another" if number == 1 else f"{number} tracks wait for others"
        findings.append(Finding("ok", "order", f"--order: {what} because their paths overlap"))
    return replace(plan, tracks=tracks, findings=tuple(findings))


def _behind(track: Track, others: Sequence[Other]) -> Track:
    rules = [
        f"its paths overlap those of {each.track.track} ({visible(each.path, _LONGEST_PATH)})"
        for each in others[:_MOST_RULES]
    ]
    more = ["and more"] if len(others) > _MOST_RULES else []
    needs = dict.fromkeys((*track.depends_on, *(each.track.track for each in others)))
    return replace(
        track, depends_on=tuple(needs), rule="; ".join([*([track.rule] if track.rule else []), *rules, *more])
    )
