"""Facts in, actions out."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.core import decide as core
from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StartWorker, StopWorker
from orchestrator.core.decide import MARGIN
from orchestrator.core.facts import RunFacts, TrackFacts
from orchestrator.core.run import Options
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing
from tests.core import runs

NOW = 1000.0
PATIENCE = Options().grace_seconds + MARGIN


def decide(run: RunFacts, now: float) -> Sequence[Action]:
    """Return what is decided about a run."""
    return core.decide(Standing(run, now), Order.of(run.record))


def stop_all(run: RunFacts, now: float) -> Sequence[StopWorker]:
    """Return what is decided when everything is to end."""
    return core.stop_all(Standing(run, now))


def is_quiet(run: RunFacts, now: float) -> bool:
    """Tell whether nobody is left."""
    return core.is_quiet(Standing(run, now))


def wake_at(run: RunFacts, now: float) -> float | None:
    """Return when to look again."""
    return core.wake_at(Standing(run, now))


def waiting(number: int, *depends_on: int) -> TrackFacts:
    """Return a track to which nothing has happened."""
    return TrackFacts(runs.spec(number, *depends_on))


def running(number: int) -> TrackFacts:
    """Return a track at work."""
    return TrackFacts(runs.spec(number), 1, runs.claim(), runs.status())


def finished(number: int, ended_at: str = "2026-01-31T12:00:09Z") -> TrackFacts:
    """Return a track whose last step succeeded."""
    return TrackFacts(runs.spec(number), 1, result=runs.attempt(ended_at=ended_at))


def over(number: int, *, merged: bool = True) -> TrackFacts:
    """Return a track that has ended."""
    return TrackFacts(runs.spec(number), 1, outcome=runs.outcome(number, "merged" if merged else "failed"))


def cancelled(run: RunFacts, *tracks: str) -> RunFacts:
    """Return the run with a request to end these tracks."""
    return replace(run, cancelled=frozenset(tracks))


def test_starts_as_many_as_there_are_slots() -> None:
    """Free slots are filled in the order of the plan."""
    run = runs.facts(waiting(1), waiting(2), waiting(3), agents=2)
    assert decide(run, NOW) == (StartWorker(runs.RUN, "agent-1", 1), StartWorker(runs.RUN, "agent-2", 1))


def test_starts_nothing_when_all_slots_are_taken() -> None:
    """A full house waits."""
    assert decide(runs.facts(running(1), waiting(2), agents=1), NOW) == ()


def test_starts_one_a_stagger_interval() -> None:
    """With a stagger, workers start one by one, no sooner than the interval after the last."""
    run = runs.facts(waiting(1), waiting(2), stagger_seconds=2.0)
    assert decide(run, NOW) == (StartWorker(runs.RUN, "agent-1", 1),)
    assert decide(replace(run, last_start=NOW - 1), NOW) == ()
    assert decide(replace(run, last_start=NOW - 2), NOW) == (StartWorker(runs.RUN, "agent-1", 1),)


def test_wakes_for_the_next_start() -> None:
    """The loop is told when the pace allows another start; never when it does not matter."""
    run = runs.facts(waiting(1), stagger_seconds=2.0)
    assert wake_at(run, NOW) is None
    assert wake_at(replace(run, last_start=NOW - 1), NOW) == NOW + 1
    assert wake_at(replace(run, last_start=NOW - 2), NOW) is None
    assert wake_at(replace(run, last_start=NOW, ended=True), NOW) is None


def test_waits_for_what_a_track_depends_on() -> None:
    """A track starts once everything it depends on in this run was merged."""
    assert decide(runs.facts(running(1), waiting(2, 1)), NOW) == ()
    assert decide(runs.facts(over(1), waiting(2, 1, 9)), NOW) == (StartWorker(runs.RUN, "agent-2", 1),)


def test_ends_what_depends_on_a_failure() -> None:
    """A track whose predecessor was not merged is not started, and says so."""
    (action,) = decide(runs.facts(over(1, merged=False), waiting(2, 1)), NOW)
    assert isinstance(action, EndTrack)
    assert (action.agent_id, action.ended, action.attempt) == ("agent-2", "failed", 0)
    assert "depends on t1" in action.error


def test_merges_one_at_a_time_in_finishing_order() -> None:
    """Of two finished tracks the earlier goes first; a second merge waits for the first, and not for its worktree."""
    run = runs.facts(finished(1, "2026-01-31T12:00:09Z"), finished(2, "2026-01-31T12:00:05Z"))
    assert decide(run, NOW) == (Integrate(runs.RUN, "agent-2", 1, 3),)
    merging = replace(run.tracks[1], doing="merging")
    assert decide(replace(run, tracks=(run.tracks[0], merging)), NOW) == ()
    tidying = replace(run.tracks[1], doing="tidying")
    assert decide(replace(run, tracks=(run.tracks[0], tidying)), NOW) == (Integrate(runs.RUN, "agent-1", 1, 3),)
    assert decide(cancelled(runs.facts(tidying), "t2"), NOW) == ()


def test_records_a_failure_once() -> None:
    """A failed track gets its outcome; while that is written, nothing is asked again."""
    failed = TrackFacts(runs.spec(1), 1, result=runs.attempt(runs.phase(status=3), error="UNKNOWN: status 3"))
    assert decide(runs.facts(failed, running(2)), NOW) == (
        EndTrack(runs.RUN, "agent-1", "failed", "UNKNOWN: status 3", 1),
    )
    assert decide(runs.facts(replace(failed, doing="recording"), running(2)), NOW) == ()


def test_finishes_when_everything_ended() -> None:
    """The run is finished exactly once."""
    run = runs.facts(over(1), over(2, merged=False))
    assert decide(run, NOW) == (Finish(runs.RUN),)
    assert decide(replace(run, finishing=True), NOW) == ()
    assert decide(replace(run, ended=True), NOW) == ()


def test_cancels_what_runs_and_what_waits() -> None:
    """A worker is asked once to end; what has not started ends at once; what ended by it says cancelled."""
    run = cancelled(runs.facts(running(1), waiting(2), agents=1), "t1", "t2")
    assert decide(run, NOW) == (
        StopWorker(runs.RUN, "agent-1"),
        EndTrack(runs.RUN, "agent-2", "cancelled", "cancelled before it started", 0),
    )
    asked = cancelled(runs.facts(replace(running(1), asked=NOW)), "t1")
    assert decide(asked, NOW) == ()
    gone = TrackFacts(runs.spec(1), 1, result=runs.attempt(runs.phase(ending="cancelled"), error="UNKNOWN: cancelled"))
    assert decide(cancelled(runs.facts(gone), "t1"), NOW) == (
        EndTrack(runs.RUN, "agent-1", "cancelled", "UNKNOWN: cancelled", 1),
    )


def test_cancels_a_worker_on_its_way() -> None:
    """One that does not get to its claim keeps no cancelled run from its end; before it is there, nobody is asked."""
    started = TrackFacts(runs.spec(1), 1, doing="started")
    assert decide(runs.facts(started), NOW) == ()
    assert decide(cancelled(runs.facts(started), "t1"), NOW) == (StopWorker(runs.RUN, "agent-1"),)
    assert decide(cancelled(runs.facts(replace(started, asked=NOW)), "t1"), NOW) == ()
    assert decide(cancelled(runs.facts(replace(started, doing="starting")), "t1"), NOW) == ()


def test_what_does_not_end_is_killed_and_then_given_up() -> None:
    """Asked once; killed after the grace; reported when even that was in vain. The loop is woken for each."""
    run = cancelled(runs.facts(replace(running(1), asked=NOW)), "t1")
    assert wake_at(run, NOW) == NOW + PATIENCE
    assert decide(run, NOW + PATIENCE - 0.1) == ()
    assert decide(run, NOW + PATIENCE) == (StopWorker(runs.RUN, "agent-1", force=True),)
    killed = cancelled(runs.facts(replace(running(1), asked=NOW, forced=True)), "t1")
    assert wake_at(killed, NOW) == NOW + PATIENCE + MARGIN
    assert decide(killed, NOW + PATIENCE) == ()
    (action,) = decide(killed, NOW + PATIENCE + MARGIN)
    assert isinstance(action, EndTrack)
    assert (action.ended, action.attempt) == ("cancelled", 1)
    assert "could not be ended" in action.error


def test_ends_what_a_dead_worker_left() -> None:
    """Nobody can bring it to its end: it is asked, killed and reported although nobody cancelled it."""
    left = TrackFacts(runs.spec(1), 1, runs.claim("orphaned"), runs.status())
    assert decide(runs.facts(left), NOW) == (StopWorker(runs.RUN, "agent-1"),)
    asked = replace(left, asked=NOW)
    assert decide(runs.facts(asked), NOW + PATIENCE) == (StopWorker(runs.RUN, "agent-1", force=True),)
    (action,) = decide(runs.facts(replace(asked, forced=True)), NOW + PATIENCE + MARGIN)
    assert isinstance(action, EndTrack)
    assert action.ended == "failed"


def test_a_cancelled_track_is_not_merged() -> None:
    """What was finished and not yet merged stays on its branch; a merge under way goes on."""
    run = cancelled(runs.facts(finished(1), finished(2)), "t1")
    assert decide(run, NOW) == (
        EndTrack(runs.RUN, "agent-1", "cancelled", "cancelled before it was merged", 1),
        Integrate(runs.RUN, "agent-2", 1, 3),
    )
    assert decide(cancelled(runs.facts(replace(finished(1), doing="merging")), "t1"), NOW) == ()


def test_ends_every_worker_and_nothing_else() -> None:
    """Whoever is at work is asked, then killed; it is quiet when nobody is left, or nobody that can be ended."""
    run = runs.facts(running(1), waiting(2), finished(3), replace(waiting(4), doing="starting"))
    assert stop_all(run, NOW) == (StopWorker(runs.RUN, "agent-1"),)
    assert not is_quiet(run, NOW)
    asked = runs.facts(replace(running(1), asked=NOW), waiting(2))
    assert stop_all(asked, NOW) == ()
    assert stop_all(asked, NOW + PATIENCE) == (StopWorker(runs.RUN, "agent-1", force=True),)
    killed = runs.facts(replace(running(1), asked=NOW, forced=True))
    assert not is_quiet(killed, NOW + PATIENCE)
    assert is_quiet(killed, NOW + PATIENCE + MARGIN)
    assert is_quiet(runs.facts(waiting(1), finished(2)), NOW)
    on_its_way = runs.facts(TrackFacts(runs.spec(1), 1, doing="started"))
    assert stop_all(on_its_way, NOW) == (StopWorker(runs.RUN, "agent-1"),)


def test_tracks_that_wait_for_each_other_are_given_up() -> None:
    """A circle that nobody refused does not keep a run from its end."""
    first, second = decide(runs.facts(over(1), waiting(2, 3), waiting(3, 2)), NOW)
    assert isinstance(first, EndTrack)
    assert (first.agent_id, first.error) == ("agent-2", "UNKNOWN: not started: waits for t3, which waits for it")
    assert isinstance(second, EndTrack)
    assert second.agent_id == "agent-3"


def test_cancelled_track_is_not_started() -> None:
    """A slot goes to the next track when the first was cancelled."""
    run = cancelled(runs.facts(waiting(1), waiting(2), agents=1), "t1")
    assert [type(each) for each in decide(run, NOW)] == [EndTrack]


def test_goes_on_without_a_track_that_others_hold() -> None:
    """A track in strange hands is waited for while there is other work, and given up at the end."""
    held = TrackFacts(runs.spec(1), claim=runs.claim(run=None))
    assert decide(runs.facts(held, running(2)), NOW) == ()
    assert decide(runs.facts(held, waiting(2)), NOW) == (StartWorker(runs.RUN, "agent-2", 1),)
    staggered = replace(runs.facts(held, waiting(2), stagger_seconds=2.0), last_start=NOW)
    assert decide(staggered, NOW) == ()
    (action,) = decide(runs.facts(held, over(2), waiting(3, 1)), NOW)
    assert isinstance(action, EndTrack)
    assert action.agent_id == "agent-1"
    assert action.error.startswith("FILE_CONFLICT: not started: held by")


def test_a_lost_job_is_started_again_as_the_same_attempt() -> None:
    """A crash between job and worker does not count as an attempt."""
    assert decide(runs.facts(TrackFacts(runs.spec(1), 2)), NOW) == (StartWorker(runs.RUN, "agent-1", 2),)
