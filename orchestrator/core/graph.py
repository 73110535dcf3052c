"""What can run when: waves, circles, and what takes longest, from the dependencies of a plan.

A track that is done or skipped is settled: nothing waits for it. A dependency on a track that is
not among those given is taken as settled too; a plan that names such a track says so itself.
Tracks that wait for the same others share one list of them, so that all of this stays linear where
a hundred tracks wait for a hundred.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush
from typing import Final

from orchestrator.core.track import Mark, Track

SETTLED: Final[frozenset[Mark]] = frozenset({"done", "skipped"})


class Graph:
    """The unsettled tracks of a plan and what they wait for."""

    def __init__(self, tracks: Iterable[Track]) -> None:
        unsettled = {track.track: track for track in tracks if track.state not in SETTLED}
        rooms: dict[tuple[str, ...], int] = {}
        quick: dict[int, int] = {}  # the same list is compared once: hashing it takes as long as reading it
        for track in unsettled.values():
            if id(track.depends_on) not in quick:
                quick[id(track.depends_on)] = rooms.setdefault(track.depends_on, len(rooms))
        self._room = {name: quick[id(track.depends_on)] for name, track in unsettled.items()}
        self._needs = [tuple(dict.fromkeys(need for need in needs if need in unsettled)) for needs in rooms]
        self._waiting: list[list[str]] = [[] for _ in rooms]
        for name, room in self._room.items():
            self._waiting[room].append(name)
        self._position = {name: position for position, name in enumerate(unsettled)}

    def needs(self, track: str) -> tuple[str, ...]:
        """The unsettled tracks that ``track`` waits for directly."""
        return self._needs[self._room[track]]

    def waves(self, among: AbstractSet[str] | None = None) -> tuple[tuple[str, ...], ...]:
        """The tracks by levels: those of a wave wait for nothing but earlier waves.

        With ``among``, only those run, so that whatever waits for another stands in no wave. Nor does
        a track in a circle or behind one.
        """
        left = [len(needs) for needs in self._needs]
        holds = self._holds()
        rows: list[tuple[str, ...]] = []
        free = [room for room, count in enumerate(left) if not count]
        while row := self._row(free, among):
            rows.append(row)
            free = []
            for name in row:
                for room in holds.get(name, ()):
                    left[room] -= 1
                    if not left[room]:
                        free.append(room)
        return tuple(rows)

    def _holds(self) -> dict[str, list[int]]:
        """For each track that others wait for, their rooms."""
        holds: dict[str, list[int]] = {}
        for room, needs in enumerate(self._needs):
            for need in needs:
                holds.setdefault(need, []).append(room)
        return holds

    def _row(self, free: Iterable[int], among: AbstractSet[str] | None) -> tuple[str, ...]:
        names = (name for room in free for name in self._waiting[room] if among is None or name in among)
        return tuple(sorted(names, key=self._position.__getitem__))

    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Tracks that wait for each other in a circle, each before the one it waits for.

        Every knot of circles gives at least one; each starts with its first track in the plan.
        """
        running = {name for row in self.waves() for name in row}
        stuck = [next((need for need in needs if need not in running), "") for needs in self._needs]
        seen: set[str] = set()
        found = []
        for first in self._room:
            path: dict[str, None] = {}
            name = first
            while name not in running and name not in seen:
                seen.add(name)
                path[name] = None
                name = stuck[self._room[name]]
            if name in path:
                circle = list(path)
                circle = circle[circle.index(name) :]
                start = min(range(len(circle)), key=lambda position: self._position[circle[position]])
                found.append(tuple(circle[start:] + circle[:start]))
        return tuple(found)

    def sequence(self) -> tuple[str, ...]:
        """The tracks one after the other, each behind those it waits for and else as early as in the plan.

        Tracks in a circle, or behind one, are left out.
        """
        left = [len(needs) for needs in self._needs]
        holds = self._holds()
        names = tuple(self._position)
        free = [self._position[name] for room, count in enumerate(left) if not count for name in self._waiting[room]]
        heapify(free)
        found: list[str] = []
        while free:
            name = names[heappop(free)]
            found.append(name)
            for room in holds.get(name, ()):
                left[room] -= 1
                for each in () if left[room] else self._waiting[room]:
                    heappush(free, self._position[each])
        return tuple(found)

    def before(self, bits: Mapping[str, int]) -> dict[str, int]:
        """All that each track waits for, directly or not, as a mask of ``bits``, in the order of the waves.

        Tracks in a circle, or behind one, are left out.
        """
        found: dict[str, int] = {}
        masks: dict[int, int] = {}
        for name in (name for wave in self.waves() for name in wave):
            room = self._room[name]
            if room not in masks:
                masks[room] = 0
                for need in self._needs[room]:
                    masks[room] |= found[need] | bits.get(need, 0)
            found[name] = masks[room]
        return found

    def heights(self, sizes: Mapping[str, float]) -> dict[str, float]:
        """How long it takes from the start of each track to the end of the last one that waits for it.

        ``sizes`` says how long each takes by itself. Tracks in a circle, or behind one, are left out.
        """
        holds = self._holds()
        found: dict[str, float] = {}
        behind = [0.0] * len(self._needs)
        for name in (name for wave in reversed(self.waves()) for name in wave):
            room = self._room[name]
            found[name] = sizes[name] + max((behind[each] for each in holds.get(name, ())), default=0.0)
            behind[room] = max(behind[room], found[name])
        return found

    def critical_path(self, sizes: Mapping[str, float]) -> tuple[str, ...]:
        """The tracks, each waiting for the one before, that take longest one after the other."""
        heights = self.heights(sizes)
        holds = self._holds()
        path: list[str] = []
        row: Iterable[str] = heights
        while name := max(row, key=lambda each: (heights[each], -self._position[each]), default=""):
            path.append(name)
            row = [each for room in holds.get(name, ()) for each in self._waiting[room] if each in heights]
        return tuple(path)
