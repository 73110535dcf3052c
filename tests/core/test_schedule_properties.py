"""Whatever the plan, the limits and the luck: what starts keeps the bounds, and the run comes to its end."""

import heapq
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core import paths
from orchestrator.core.facts import Others, RunFacts, TrackFacts
from orchestrator.core.run import RunTrack
from orchestrator.core.schedule import Order, Picked
from tests.core import runs

KIND = "scripted"
PROFILES = ("", "deep", "fast")
PATHS = st.lists(st.sampled_from(["src", "src/a.py", "src/b/", "src/*.py", "docs/x", "docs/y"]), max_size=2)


CROWDS = st.sampled_from([Others(busy={KIND: 2}), Others(memory_mb=100), Others(profiles={"deep": 1})])


@dataclass(frozen=True, slots=True)
class Luck:
    """How a track goes: seconds at work, seconds to be merged, attempts that fail before the one that does not."""

    work: int
    merge: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """A run, how each of its tracks goes, and until when the rest of the machine leaves it less room, by ``crowd``."""

    run: RunFacts
    lucks: Mapping[str, Luck]
    crowded_until: int = 0
    crowd: Others = field(default_factory=Others)

    @property
    def total(self) -> int:
        """The seconds of all work, one after the other."""
        return sum(luck.work * (luck.failures + 1) + luck.merge for luck in self.lucks.values())


@dataclass(slots=True)
class Clockwork:
    """Plays a scene with a clock of its own; ``check`` is asked about every turn."""

    scene: Scene
    now: float = 0.0
    events: list[tuple[float, str]] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    settling: set[str] = field(default_factory=set)
    merged: set[str] = field(default_factory=set)
    attempts: Counter[str] = field(default_factory=Counter)
    last_start: float | None = None

    def play(self) -> None:
        """Go on until all is merged."""
        run = self.scene.run
        order = Order.of(run.record)
        self.events.append((float(self.scene.crowded_until), ""))
        while len(self.merged) < len(run.tracks):
            ready = self.ready()
            facts = self.facts()
            picked = order.startable(ready, self.active, facts, self.now)
            check(order, facts, self, ready, picked)
            for agent_id in picked.starts:
                self.start(agent_id)
            self.move_on(waiting=bool(picked.waits))

    def ready(self) -> list[str]:
        """Return who has all that he waits for."""
        done = {self.scene.run.record.find(each).track for each in self.merged}
        gone = self.active | self.settling | self.merged
        tracks = [each.spec for each in self.scene.run.tracks]
        return [each.agent_id for each in tracks if each.agent_id not in gone and set(each.depends_on) <= done]

    def facts(self) -> RunFacts:
        """Return what would be read from the files."""
        crowded = self.now < self.scene.crowded_until
        others = self.scene.crowd if crowded else Others(memory_mb=4000)
        tracks = tuple(self.known(each) for each in self.scene.run.tracks)
        return replace(self.scene.run, tracks=tracks, last_start=self.last_start, others=others)

    def known(self, track: TrackFacts) -> TrackFacts:
        """Return what would be read of one track."""
        agent_id = track.spec.agent_id
        number = int(agent_id.removeprefix("agent-"))
        result = runs.attempt(runs.phase("commit")) if agent_id in self.settling | self.merged else None
        outcome = runs.outcome(number) if agent_id in self.merged else None
        return replace(track, job_attempt=self.attempts[agent_id], result=result, outcome=outcome)

    def start(self, agent_id: str) -> None:
        """Begin an attempt."""
        self.active.add(agent_id)
        self.attempts[agent_id] += 1
        self.last_start = self.now
        heapq.heappush(self.events, (self.now + self.scene.lucks[agent_id].work, agent_id))

    def move_on(self, *, waiting: bool) -> None:
        """Go to the next moment at which something happens, or may."""
        due = (self.last_start or 0.0) + self.scene.run.record.options.stagger_seconds
        if waiting and due > self.now and (not self.events or due < self.events[0][0]):
            self.now = due
            return
        assert self.events, "nothing is under way, and nothing starts"
        self.now = max(self.now, self.events[0][0])
        while self.events and self.events[0][0] <= self.now:
            self.happen(heapq.heappop(self.events)[1])

    def happen(self, agent_id: str) -> None:
        """Let an attempt end, or a merge."""
        if agent_id in self.settling:
            self.settling.remove(agent_id)
            self.merged.add(agent_id)
        elif agent_id:
            self.active.remove(agent_id)
            luck = self.scene.lucks[agent_id]
            if self.attempts[agent_id] > luck.failures:
                self.settling.add(agent_id)
                heapq.heappush(self.events, (self.now + luck.merge, agent_id))


def overlap(one: RunTrack, two: RunTrack) -> bool:
    """Tell whether the declared paths of two tracks overlap."""
    return paths.overlap(paths.reaches(one.paths), paths.reaches(two.paths)) is not None


def check(order: Order, run: RunFacts, clock: Clockwork, ready: list[str], picked: Picked) -> None:
    """Every bound holds after this turn, and everybody who waits is told why."""
    options = run.record.options
    busy = [run.record.find(each) for each in [*clock.active, *picked.starts]]
    assert sorted([*picked.starts, *picked.waits]) == sorted(ready)
    assert all(picked.waits.values())
    assert len(busy) == len({each.agent_id for each in busy}) <= options.agents
    if picked.starts:
        assert len(busy) + run.others.busy.get(KIND, 0) <= options.kind_limits.get(KIND, sys.maxsize)
        assert run.others.memory_mb is None or run.others.memory_mb >= options.min_memory_mb
    for profile in {run.record.find(each).profile for each in picked.starts}:
        number = sum(each.profile == profile for each in busy) + run.others.profiles.get(profile, 0)
        assert number <= options.profile_limits.get(profile, sys.maxsize)
    check_pace(run, clock, picked)
    check_paths(order, run, clock, picked)
    if len(busy) < options.agents > 1:
        assert "waits for a slot" not in picked.waits.values()


def check_pace(run: RunFacts, clock: Clockwork, picked: Picked) -> None:
    """Starts are apart, and batches too."""
    options = run.record.options
    if options.stagger_seconds and picked.starts:
        assert len(picked.starts) == 1
        assert clock.last_start is None or clock.now >= clock.last_start + options.stagger_seconds
    begun = [each for each in picked.starts if not clock.attempts[each]]
    if begun and options.batch_size:
        taken = [each for each, number in clock.attempts.items() if number]
        room = -len(taken) % options.batch_size
        assert len(begun) <= (room or options.batch_size)
        assert room or clock.merged.issuperset(taken)
    if options.agents == 1:
        assert len(clock.settling) + len(clock.active) + len(picked.starts) <= 1


def check_paths(order: Order, run: RunFacts, clock: Clockwork, picked: Picked) -> None:
    """Nobody starts beside one whose paths overlap, nor ahead of one in front of him who waits for just that."""
    find = run.record.find
    for position, each in enumerate(picked.starts):
        beside = [*clock.active, *clock.settling, *picked.starts[:position]]
        assert not any(overlap(find(each), find(other)) for other in beside)
        ahead = [name for name in picked.waits if order.places[name] < order.places[each]]
        waiting = [name for name in ahead if picked.waits[name].startswith("its paths")]
        assert not any(overlap(find(each), find(other)) for other in waiting)


@st.composite
def tracks(draw: st.DrawFn, *, bare: bool) -> list[RunTrack]:
    """Up to ten tracks; each may wait for some before it; ``bare``: no paths and profiles."""
    found = []
    for number in range(1, draw(st.integers(1, 10)) + 1):
        needs = draw(st.sets(st.integers(1, number - 1), max_size=2)) if number > 1 else ()
        track = replace(runs.spec(number, *needs), estimate=draw(st.none() | st.integers(0, 30)))
        if not bare:
            track = replace(track, paths=tuple(draw(PATHS)), profile=draw(st.sampled_from(PROFILES)))
        found.append(track)
    return draw(st.permutations(found))


@st.composite
def scenes(draw: st.DrawFn, *, bare: bool = False) -> Scene:
    """A run with limits of all kinds and its luck; ``bare``: slots and dependencies, and nothing else."""
    chosen = draw(tracks(bare=bare))
    options: dict[str, object] = {"agents": draw(st.integers(1, 5))}
    if not bare:
        options["batch_size"] = draw(st.sampled_from([0, 0, 1, 2, 3]))
        options["stagger_seconds"] = draw(st.sampled_from([0.0, 0.0, 2.5]))
        options["kind_limits"] = draw(st.sampled_from([{}, {KIND: 1}, {KIND: 3}]))
        options["profile_limits"] = draw(st.sampled_from([{}, {"deep": 1}, {"deep": 1, "fast": 2}]))
    small = st.just(0) if bare else st.integers(0, 2)
    lucks = {each.agent_id: Luck(draw(st.integers(1, 9)), draw(small), draw(small)) for each in chosen}
    run = runs.facts(*(TrackFacts(each) for each in chosen), **options)
    return Scene(run, lucks, 0 if bare else draw(st.sampled_from([0, 0, 7])), draw(CROWDS))


def longest_chain(scene: Scene) -> int:
    """Return the seconds of the longest chain of tracks that wait for each other."""
    work = {each.track: scene.lucks[each.agent_id].work for each in scene.run.record.tracks}
    needs = {each.track: each.depends_on for each in scene.run.record.tracks}
    ends: dict[str, int] = {}
    while len(ends) < len(work):
        for name, seconds in work.items():
            if name not in ends and all(need in ends for need in needs[name]):
                ends[name] = seconds + max((ends[need] for need in needs[name]), default=0)
    return max(ends.values())


@settings(max_examples=200)
@given(scene=scenes())
def test_every_run_keeps_its_bounds_and_ends(scene: Scene) -> None:
    """Never more than the slots, never before its dependencies, never two that overlap; nobody waits for ever.

    Something is always under way: no run takes longer than its tracks one after the other, with the pauses between.
    """
    clock = Clockwork(scene)
    clock.play()
    assert clock.attempts == {name: luck.failures + 1 for name, luck in scene.lucks.items()}
    pauses = clock.attempts.total() * scene.run.record.options.stagger_seconds
    assert clock.now <= scene.crowded_until + scene.total + pauses


@settings(max_examples=200)
@given(scene=scenes(bare=True))
def test_slots_are_used_as_well_as_a_list_can(scene: Scene) -> None:
    """No longer than all work shared by the slots plus the longest chain's part that cannot be (Graham's bound)."""
    clock = Clockwork(scene)
    clock.play()
    slots = scene.run.record.options.agents
    assert clock.now <= scene.total / slots + (1 - 1 / slots) * longest_chain(scene) + 1e-9


def test_a_wide_track_gets_its_turn_in_a_stream_of_narrow_ones() -> None:
    """It starts as soon as those that were at work before it was ready are done."""
    wide = replace(runs.spec(2, 1), paths=("src",), estimate=99)
    narrow = [replace(runs.spec(number), paths=(f"src/{number}",), estimate=1) for number in range(3, 40)]
    specs = [replace(runs.spec(1), estimate=1), wide, *narrow]
    run = runs.facts(*(TrackFacts(each) for each in specs), agents=4)
    scene = Scene(run, {each.agent_id: Luck(2 + place % 3) for place, each in enumerate(specs)})
    clock = Clockwork(scene)
    while not clock.attempts["agent-2"]:
        picked = Order.of(run.record).startable(clock.ready(), clock.active, clock.facts(), clock.now)
        for agent_id in picked.starts:
            clock.start(agent_id)
        clock.move_on(waiting=bool(picked.waits))
    assert clock.attempts.total() <= 5
