"""What may start now: slots, limits, paths, order, and the pace of starts.

The order is that of the critical path: first the track that most work waits behind. Of two tracks whose declared paths
overlap one waits until the other is merged, and while the first in order waits for what is active, none behind it
that it overlaps may overtake it: so it is its turn when those are done, whatever else is ready.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core import paths
from orchestrator.core.facts import RunFacts, TrackFacts
from orchestrator.core.graph import Graph
from orchestrator.core.paths import Reach
from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.core.track import Track

_LONGEST_PATH: Final = 120


@dataclass(frozen=True, slots=True)
class Picked:
    """The agents to start now, in order, and for each other one that is ready why it is not started.

    ``batched`` are those that wait for nothing but the end of a batch.
    """

    starts: tuple[str, ...]
    waits: Mapping[str, str]
    batched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """The tracks of a run in the order in which they go, made once: none of it changes while the run lasts.

    ``places`` has the position of each agent's track in ``tracks``. ``clashes`` are masks of positions: the tracks
    whose paths overlap those of the track, but for those that it waits for anyway.
    """

    tracks: tuple[RunTrack, ...]
    places: Mapping[str, int]
    clashes: tuple[int, ...]
    reaches: tuple[tuple[Reach, ...], ...]

    @classmethod
    def of(cls, record: RunRecord) -> "Order":
        """Return the order of a run: by critical path, and where that is the same as they stand in the plan."""
        plain = [_plain(each) for each in record.tracks]
        graph = Graph(plain)
        heights = graph.heights(sizes(plain))
        tracks = sorted(record.tracks, key=lambda each: -heights.get(each.track, 0.0))
        reaches = tuple(paths.reaches(each.paths) for each in tracks)
        before = graph.before({each.track: 1 << place for place, each in enumerate(tracks)})
        clashes = paths.clashes(reaches)
        return cls(
            tracks=tuple(tracks),
            places={each.agent_id: place for place, each in enumerate(tracks)},
            clashes=tuple(mask & ~before.get(each.track, 0) for mask, each in zip(clashes, tracks, strict=True)),
            reaches=reaches,
        )

    def startable(self, ready: Iterable[str], active: Iterable[str], run: RunFacts, now: float) -> Picked:
        """Return which of the agents ``ready`` start now, and why the others do not.

        ``active`` are those that take a slot. A track whose work is done and not merged so far takes none, but its
        paths; with one slot it takes that too: there one track follows the other. ``now`` is monotonic seconds.
        """
        turn = _Turn(self, frozenset(active), run, now)
        starts, waits, batched = [], {}, set()
        for agent_id in sorted(ready, key=self.places.__getitem__):
            why = turn.why_not(agent_id)
            if why:
                waits[agent_id] = why
                if why == turn.batch:
                    batched.add(agent_id)
            else:
                turn.take(agent_id)
                starts.append(agent_id)
        return Picked(tuple(starts), waits, frozenset(batched))


class _Turn:
    """What is left to give away while the tracks are gone through in their order."""

    def __init__(self, order: Order, active: frozenset[str], run: RunFacts, now: float) -> None:
        self._order = order
        self._options = run.record.options
        self._others = run.others
        self._kind = run.record.agent.kind
        self._now = now
        self._due = next_start(run)
        settling = {each.spec.agent_id for each in run.tracks if _is_settling(each)}
        holding = active | settling
        self._held = sum(1 << order.places[each] for each in holding)
        self._first = 0  # who waits for paths, and is not to be overtaken
        self._busy = len(active)
        self._slots = self._options.agents - len(holding if self._options.agents == 1 else active)
        self._profiles: dict[str, int] = dict(run.others.profiles)
        for each in active:
            self._count(each)
        self._taken, self._places = _batch(run, active)
        self.batch: Final = f"the batch of {self._options.batch_size} is not over"

    def why_not(self, agent_id: str) -> str:
        """Return in one line why the agent cannot start now; empty when it can."""
        if self._slots <= 0:
            return "waits for a slot"
        return (
            self._memory()
            or self._batch(agent_id)
            or self._limits(agent_id)
            or self._paths(self._order.places[agent_id])
            or self._pace()
        )

    def take(self, agent_id: str) -> None:
        """Count the agent as started."""
        self._slots -= 1
        self._busy += 1
        self._held |= 1 << self._order.places[agent_id]
        self._count(agent_id)
        self._places -= agent_id not in self._taken
        if self._options.stagger_seconds > 0:
            self._due = self._now + self._options.stagger_seconds

    def _count(self, agent_id: str) -> None:
        profile = self._profile(agent_id)
        self._profiles[profile] = self._profiles.get(profile, 0) + 1

    def _profile(self, agent_id: str) -> str:
        return self._order.tracks[self._order.places[agent_id]].profile

    def _memory(self) -> str:
        left, least = self._others.memory_mb, self._options.min_memory_mb
        return f"the machine has {left} MB left, {least} are kept free" if left is not None and left < least else ""

    def _batch(self, agent_id: str) -> str:
        if self._options.batch_size == 0 or self._places > 0 or agent_id in self._taken:
            return ""
        return self.batch

    def _limits(self, agent_id: str) -> str:
        busy = self._busy + self._others.busy.get(self._kind, 0)
        most = self._options.kind_limits.get(self._kind)
        if most is not None and busy >= most:
            return f"{busy} of {most} {visible(self._kind, 40)} agents are busy"
        profile = self._profile(agent_id)
        busy = self._profiles.get(profile, 0)
        most = self._options.profile_limits.get(profile)
        if most is not None and busy >= most:
            return f"{busy} of {most} agents of profile {visible(profile, 40)} are busy"
        return ""

    def _paths(self, place: int) -> str:
        clash = self._order.clashes[place]
        found = clash & self._held or clash & self._first
        if not found:
            return ""
        self._first |= 1 << place
        other = (found & -found).bit_length() - 1
        path = paths.overlap(self._order.reaches[place], self._order.reaches[other])
        first = "" if clash & self._held else ", which is before it"
        shown = visible(path or "", _LONGEST_PATH)
        return f"its paths overlap those of {self._order.tracks[other].track} ({shown}){first}"

    def _pace(self) -> str:
        if self._due is None or self._now >= self._due:
            return ""
        return f"the next start is due in {self._due - self._now:.1f} s"


def _plain(track: RunTrack) -> Track:
    return Track(track.track, track.title, track.line, depends_on=track.depends_on, estimate=track.estimate)


def _is_settling(track: TrackFacts) -> bool:
    """Tell whether the work is done and not merged so far: who starts now would not see it."""
    return track.outcome is None and track.result is not None and track.result.passed


def _batch(run: RunFacts, active: frozenset[str]) -> tuple[frozenset[str], int]:
    """Return which tracks were taken on so far, and how many more may be before a batch is over."""
    size = run.record.options.batch_size
    if size == 0:
        return frozenset(), 0
    taken = [each for each in run.tracks if each.job_attempt or _worked(each) or each.spec.agent_id in active]
    begun = len(taken) % size
    over = all(each.outcome is not None for each in taken)
    return frozenset(each.spec.agent_id for each in taken), size - begun if begun or over else 0


def _worked(track: TrackFacts) -> bool:
    """Tell whether a track that ended was ever begun: one that was given up before takes no place in a batch."""
    return track.outcome is not None and track.outcome.attempt > 0


def sizes(tracks: Iterable[Track]) -> dict[str, float]:
    """Return the minutes that each track takes: unknown is the mean of those known, or 1 where none is."""
    minutes = {track.track: track.estimate for track in tracks}
    known = [each for each in minutes.values() if each]
    mean = sum(known) / len(known) if known else 1.0
    return {name: float(each) if each else mean for name, each in minutes.items()}


def next_start(run: RunFacts) -> float | None:
    """Return before when (monotonic s) nothing may start; None: there is no such time."""
    return None if run.last_start is None else run.last_start + run.record.options.stagger_seconds
