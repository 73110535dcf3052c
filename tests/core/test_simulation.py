"""Whatever happens to workers, a run of decisions comes to its end, and keeps its bounds on the way."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StartWorker, StopWorker
from orchestrator.core.decide import decide
from orchestrator.core.facts import ACTIVE, LOST, RunFacts, TrackFacts, states_of
from tests.core import runs

MOST_TURNS = 400


@st.composite
def plans(draw: st.DrawFn) -> RunFacts:
    """A run of up to eight tracks; each may depend on earlier ones."""
    count = draw(st.integers(1, 8))
    specs = [
        runs.spec(n, *draw(st.sets(st.integers(1, n - 1), max_size=2)) if n > 1 else ()) for n in range(1, count + 1)
    ]
    slots = draw(st.integers(1, 4))
    return runs.facts(*(TrackFacts(each) for each in specs), agents=slots)


def settle(track: TrackFacts, fate: str) -> TrackFacts:
    """Let the next thing happen to a track: ``fate`` is what the dice say."""
    if track.doing == "starting":
        return replace(track, job_attempt=1, doing="started" if fate != "lose the daemon" else "")
    if track.doing == "started" and track.claim is None and track.exited is None and track.result is None:
        if fate == "lose":
            return replace(track, exited=LOST)
        if fate == "cannot start":
            return replace(track, exited=70)
        return replace(track, claim=runs.claim(), status=runs.status())
    if track.claim is not None and track.claim.run == runs.RUN:
        if fate == "die":
            return replace(track, claim=None, exited=-9)
        passed = fate not in ("fail", "stop")
        entry = runs.attempt(runs.phase(status=0 if passed else 3), error="" if passed else "UNKNOWN: 3")
        return replace(track, claim=None, result=entry, exited=0)
    return track


def perform(run: RunFacts, action: Action, fate: str) -> RunFacts:
    """Do what was decided, as the machine would."""
    if isinstance(action, Finish):
        return replace(run, ended=True)
    tracks = {each.spec.agent_id: each for each in run.tracks}
    assert not isinstance(action, StopWorker | type(None))
    track = tracks[action.agent_id]  # type: ignore[union-attr]  # Reap is not decided here
    match action:
        case StartWorker(attempt=attempt):
            assert track.outcome is None
            track = replace(track, doing="starting", exited=None, job_attempt=max(track.job_attempt, 0) or 0)
            assert attempt == 1
        case Integrate():
            ended = "conflict" if fate == "conflict" else "merged"
            track = replace(track, outcome=runs.outcome(int(action.agent_id.removeprefix("agent-")), ended))
        case EndTrack(ended=ended):
            track = replace(track, outcome=runs.outcome(int(action.agent_id.removeprefix("agent-")), ended))
    tracks[action.agent_id] = track  # type: ignore[union-attr]
    return replace(run, tracks=tuple(tracks.values()))


FATES = st.sampled_from(["go", "go", "go", "fail", "die", "lose", "cannot start", "conflict", "lose the daemon"])


@given(run=plans(), dice=st.lists(FATES, min_size=MOST_TURNS, max_size=MOST_TURNS))
def test_every_run_ends_within_its_bounds(run: RunFacts, dice: list[str]) -> None:
    """No more workers than slots, nothing starts before what it depends on, one merge at a time, and an end."""
    for turn, fate in enumerate(dice):
        for action in decide(run, float(turn)):
            if isinstance(action, StartWorker):
                spec = run.record.find(action.agent_id)
                done = {each.spec.track for each in run.tracks if each.outcome and each.outcome.ended == "merged"}
                assert set(spec.depends_on) <= done
            run = perform(run, action, fate)
        busy = sum(state.where in ACTIVE for state in states_of(run).values())
        assert busy <= run.record.options.agents
        if run.ended:
            assert all(each.outcome is not None for each in run.tracks)
            return
        run = replace(run, tracks=tuple(settle(each, fate if turn % 3 else "go") for each in run.tracks))
    raise AssertionError("the run did not end")
