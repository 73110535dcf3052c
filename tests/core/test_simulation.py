"""Whatever happens to workers, a run of decisions comes to its end, and keeps its bounds on the way."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StartWorker, StopWorker
from orchestrator.core.decide import decide
from orchestrator.core.facts import RunFacts, TrackFacts
from orchestrator.core.outcome import HELD
from orchestrator.core.run import Budget, Limit
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing
from orchestrator.core.states import ACTIVE
from tests.core import runs
from tests.core.simulated import FAILURES, World

MOST_TURNS = 400
EVERY = 5.0
"""Seconds between two turns."""


@st.composite
def plans(draw: st.DrawFn) -> RunFacts:
    """A run of up to eight tracks; each may depend on earlier ones; strangers may hold some."""
    count = draw(st.integers(1, 8))
    specs = [
        runs.spec(n, *draw(st.sets(st.integers(1, n - 1), max_size=2)) if n > 1 else ()) for n in range(1, count + 1)
    ]
    held = draw(st.sets(st.integers(1, count), max_size=2))
    tracks = [TrackFacts(each, claim=runs.claim(run=None) if n in held else None) for n, each in enumerate(specs, 1)]
    return runs.facts(*tracks, agents=draw(st.integers(1, 4)))


def settle(track: TrackFacts, fate: str) -> TrackFacts:
    """Let the next thing happen to a track: ``fate`` is what the dice say."""
    if fate == "lose the daemon":
        return forgotten(track)
    if track.doing == "starting":
        return replace(track, job_attempt=1, doing="started")
    if track.claim is None and track.doing == "started" and track.exited is None and track.result is None:
        return arrived(track, fate)
    if track.claim is not None and track.claim.run == runs.RUN:
        return ended(track, fate)
    if track.claim is not None and fate == "give back":
        return replace(track, claim=None)
    return track


def forgotten(track: TrackFacts) -> TrackFacts:
    """Take away what only the daemon knew: another one begins with the files. A start may have got to its end."""
    started = replace(track, job_attempt=1) if track.doing == "starting" else track
    return replace(started, doing="", exited=None, trouble="", asked=None, forced=False)


def arrived(track: TrackFacts, fate: str) -> TrackFacts:
    """A worker came to the claim, or did not."""
    if fate in ("lose", "cannot start"):
        return replace(track, exited=HELD if fate == "lose" else 70)
    return replace(track, claim=runs.claim(), status=runs.status())


def ended(track: TrackFacts, fate: str) -> TrackFacts:
    """What became of a worker at work."""
    if fate == "go on":
        return track
    if fate == "leave orphans" and track.asked is None:
        return replace(track, claim=runs.claim("orphaned"), exited=-9)
    if fate == "die" or (track.claim is not None and track.claim.state == "orphaned"):
        gone = track.claim is None or track.claim.state != "orphaned" or track.forced
        return replace(track, claim=None if gone else track.claim, exited=-9)
    passed = fate != "fail" and track.asked is None
    entry = runs.attempt(runs.phase(status=0 if passed else 3), error="" if passed else "UNKNOWN: 3")
    return replace(track, claim=None, result=entry, exited=0)


def perform(run: RunFacts, action: Action, fate: str, now: float) -> RunFacts:
    """Do what was decided, as the machine would."""
    if isinstance(action, Finish):
        return replace(run, ended=True)
    tracks = {each.spec.agent_id: each for each in run.tracks}
    track, number = tracks[action.agent_id], int(action.agent_id.removeprefix("agent-"))
    match action:
        case StartWorker():
            track = replace(track, doing="starting", exited=None)
        case StopWorker(force=force):
            track = replace(track, asked=track.asked or now, forced=force)
        case Integrate() if fate == "refuse":
            track = replace(track, trouble="UNKNOWN: git: no")
        case Integrate():
            track = replace(track, outcome=runs.outcome(number, "conflict" if fate == "conflict" else "merged"))
        case EndTrack(ended=how):
            track = replace(track, outcome=runs.outcome(number, how))
    tracks[action.agent_id] = track
    return replace(run, tracks=tuple(tracks.values()))


def may_be(run: RunFacts, action: Action) -> bool:
    """Tell whether an action keeps the bounds."""
    if isinstance(action, StartWorker):
        done = {each.spec.track for each in run.tracks if each.outcome and each.outcome.ended == "merged"}
        return action.attempt == 1 and set(run.record.find(action.agent_id).depends_on) <= done
    if isinstance(action, Integrate):
        return run.record.find(action.agent_id).track not in run.cancelled
    return not isinstance(action, Finish) or all(each.outcome is not None for each in run.tracks)


LUCK = ["go"] * 3
MISHAPS = ["fail", "die", "leave orphans", "lose", "cannot start", "conflict", "refuse", "lose the daemon"]
FATES = st.sampled_from([*LUCK, *MISHAPS, "go on", "give back", "cancel one", "cancel all"])


def asked_to_end(run: RunFacts, fate: str) -> RunFacts:
    """Let a person cancel something."""
    some = run.tracks if fate == "cancel all" else run.tracks[-1:] if fate == "cancel one" else ()
    return replace(run, cancelled=run.cancelled | {each.spec.track for each in some})


@given(run=plans(), dice=st.lists(FATES, min_size=MOST_TURNS, max_size=MOST_TURNS))
def test_every_run_ends_within_its_bounds(run: RunFacts, dice: list[str]) -> None:
    """No more workers than slots, nothing starts before what it depends on, one merge at a time, and an end."""
    for turn, fate in enumerate(dice):
        run = asked_to_end(run, fate if turn > MOST_TURNS // 10 else "go")
        actions = decide(Standing(run, turn * EVERY), Order.of(run.record))
        assert sum(isinstance(each, Integrate) for each in actions) <= 1
        for action in actions:
            assert may_be(run, action)
            run = perform(run, action, fate, turn * EVERY)
        busy = sum(state.where in ACTIVE for state in Standing(run, turn * EVERY).states.values())
        assert busy <= run.record.options.agents
        if run.ended:
            return
        run = replace(run, tracks=tuple(settle(each, fate if turn % 3 else "go") for each in run.tracks))
    raise AssertionError("the run did not end")


TROUBLE = ["die", "leave orphans", "lose", "cannot start", "conflict", "refuse", "lose the daemon"]
WAITS = ["ask", "block", "meet a limit", "meet an unknown limit", "answer", "approve"]
PEOPLE = ["cancel one", "cancel all", "give back"]
EVENTS = st.sampled_from(["go", "go", "go", "go on", "judge", *FAILURES, *TROUBLE, *WAITS, *PEOPLE])

LIMITS = st.sampled_from([Limit(), Limit(), Limit(), Limit(usd=3.0), Limit(tokens=400), Limit(seconds=60.0)])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A run of up to six tracks with options of every kind."""
    tracks = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        needs = draw(st.sets(st.integers(1, number - 1), max_size=2)) if number > 1 else ()
        bad = draw(st.sampled_from(["", "", "", "", "", "it failed in 3 runs"]))
        stranger = runs.claim(run=None) if draw(st.sampled_from([False] * 5 + [True])) else None
        tracks.append(TrackFacts(replace(runs.spec(number, *needs), quarantined=bad), claim=stranger))
    options = {
        "agents": draw(st.integers(1, 3)),
        "attempts": draw(st.integers(1, 3)),
        "cleanup": draw(st.booleans()),
        "start_on": draw(st.sampled_from(["merged", "committed"])),
        "batch_size": draw(st.sampled_from([0, 0, 1, 2])),
        "stagger_seconds": draw(st.sampled_from([0.0, 0.0, 3.0])),
        "park_on_limit": draw(st.sampled_from([True, True, False])),
        "limit_wait_seconds": 30.0,
        "input_wait_seconds": draw(st.sampled_from([0.0, 40.0])),
        "gates": draw(st.sampled_from([(), (), ("start",), ("push",), ("start", "push")])),
        "budget": Budget(track=draw(LIMITS), run=draw(LIMITS)),
    }
    return World(runs.facts(*tracks, **options))


def within_its_attempts(world: World, track: TrackFacts) -> bool:
    """Tell whether a track had so many attempts at most, those apart that only waited; and one clean-up."""
    causes = world.begun.get(track.spec.agent_id, [])
    parked = {each.attempt for each in (*track.former, *([track.result] if track.result else [])) if each.parked}
    before = causes.index("cleanup") if "cleanup" in causes else len(causes)
    counted = [number for number in range(1, before + 1) if number not in parked]
    return len(counted) <= world.run.record.options.attempts and causes.count("cleanup") <= 1


@settings(max_examples=200, deadline=None)
@given(world=worlds(), dice=st.lists(EVENTS, max_size=80))
def test_whatever_happens_the_run_ends_within_its_bounds(world: World, dice: list[str]) -> None:
    """Every way is one of the table's, every bound holds in every turn, and once luck returns the run ends.

    It never waits without knowing for how long: where nothing happens, it says when to look again.
    """
    for fate in dice:
        if not world.run.ended:
            world.turn(fate)
    for _ in range(MOST_TURNS):
        if world.run.ended:
            break
        world.turn("go")
    assert world.run.ended
    assert all(within_its_attempts(world, each) for each in world.run.tracks)
