"""How long a run would take, one track after the other and side by side, if the estimates were right."""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from orchestrator.core import paths
from orchestrator.core.graph import Graph
from orchestrator.core.schedule import sizes
from orchestrator.core.track import Track

_MOST_COMPARED: Final = 2000  # tracks that share paths


@dataclass(frozen=True, slots=True)
class Forecast:
    """What ``tracks`` would take. Times are minutes; where no track says how long it takes, each counts as one.

    ``critical_path`` is the row of tracks, each waiting for the one before, that takes longest, and ``critical`` its
    time: no number of agents is faster. ``guessed`` counts the tracks without an estimate, ``mean`` is what is taken
    for them. ``first`` are those that start at once.
    """

    critical_path: tuple[str, ...]
    critical: float
    sequential: float
    parallel: float
    guessed: int
    mean: float
    first: tuple[str, ...]


def forecast(tracks: Sequence[Track], agents: int) -> Forecast:
    """Play a run of unsettled ``tracks`` with so many agents at once, by the rules of the schedule.

    Time to merge, retries and the pause between two starts are left out.
    """
    graph = Graph(tracks)
    minutes = sizes(tracks)
    path = graph.critical_path(minutes)
    known = [track.estimate for track in tracks if track.estimate]
    starts = _Play(tracks, graph, minutes).starts(agents)
    return Forecast(
        critical_path=path,
        critical=sum(minutes[name] for name in path),
        sequential=sum(minutes[name] for name in starts),
        parallel=max((at + minutes[name] for name, at in starts.items()), default=0.0),
        guessed=len(tracks) - len(known),
        mean=sum(known) / len(known) if known else 1.0,
        first=tuple(name for name, at in starts.items() if not at),
    )


class _Play:
    """A run against a clock that goes from one end of a track to the next."""

    def __init__(self, tracks: Sequence[Track], graph: Graph, minutes: Mapping[str, float]) -> None:
        heights = graph.heights(minutes)
        self._minutes = minutes
        names = [track.track for track in tracks if track.track in heights]
        self._names = sorted(names, key=lambda name: -heights[name])
        self._left = [len(graph.needs(name)) for name in self._names]
        places = {name: place for place, name in enumerate(self._names)}
        self._behind: list[list[int]] = [[] for _ in self._names]
        for place, name in enumerate(self._names):
            for need in graph.needs(name):
                self._behind[places[need]].append(place)
        self._bits, self._clashes = _compared(tracks, places)

    def starts(self, agents: int) -> dict[str, float]:
        """Return when each track starts (minutes), in the order in which they do."""
        ready = [place for place, left in enumerate(self._left) if not left]
        running: list[tuple[float, int]] = []
        found: dict[str, float] = {}
        now = 0.0
        while ready or running:
            for place in self._next(ready, [place for _, place in running], agents):
                ready.remove(place)
                found[self._names[place]] = now
                heappush(running, (now + self._minutes[self._names[place]], place))
            now = running[0][0]
            while running and running[0][0] == now:
                self._end(heappop(running)[1], ready)
        return found

    def _end(self, place: int, ready: list[int]) -> None:
        for each in self._behind[place]:
            self._left[each] -= 1
            if not self._left[each]:
                insort(ready, each)

    def _next(self, ready: Sequence[int], running: Sequence[int], agents: int) -> list[int]:
        """Return who starts now: the first ones, but none that overlaps who runs, or who waits ahead of it."""
        held = sum(self._bits.get(place, 0) for place in running)
        picked: list[int] = []
        for place in ready:
            if len(running) + len(picked) == agents:
                break
            if not self._clashes.get(place, 0) & held:
                picked.append(place)
            held |= self._bits.get(place, 0)
        return picked


def _compared(tracks: Sequence[Track], places: Mapping[str, int]) -> tuple[dict[int, int], dict[int, int]]:
    """Return a bit for each place whose paths overlap any other's, and the bits of those that it overlaps."""
    rows = [(places[track.track], paths.reaches(track.paths)) for track in tracks if track.track in places]
    found = [rows[position] for position in paths.sharing([row for _, row in rows])[:_MOST_COMPARED]]
    masks = paths.clashes([row for _, row in found])
    return (
        {place: 1 << position for position, (place, _) in enumerate(found)},
        {place: mask for (place, _), mask in zip(found, masks, strict=True)},
    )
