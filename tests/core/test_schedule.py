"""What may start now, in what order, and why the rest waits."""

from dataclasses import replace

import pytest

from orchestrator.core.facts import Others, RunFacts, TrackFacts
from orchestrator.core.run import RunTrack
from orchestrator.core.schedule import Order, Picked
from tests.core import runs


def track(
    number: int, *needs: int, paths: tuple[str, ...] = (), estimate: int | None = None, profile: str = ""
) -> RunTrack:
    """Return track ``t<number>``, which waits for ``needs``."""
    return replace(runs.spec(number, *needs), paths=paths, estimate=estimate, profile=profile)


def facts(*tracks: RunTrack | TrackFacts, **options: object) -> RunFacts:
    """Return what is known of a run, of a track nothing unless it is said."""
    return runs.facts(*(TrackFacts(each) if isinstance(each, RunTrack) else each for each in tracks), **options)


def pick(run: RunFacts, ready: str, active: str = "", now: float = 0.0) -> Picked:
    """Ask what starts of the numbers in ``ready``."""
    order = Order.of(run.record)
    return order.startable(
        [f"agent-{each}" for each in ready.split()], [f"agent-{each}" for each in active.split()], run, now
    )


def starts(run: RunFacts, ready: str, active: str = "", now: float = 0.0) -> str:
    """Return the numbers that start, in their order."""
    return " ".join(each.removeprefix("agent-") for each in pick(run, ready, active, now).starts)


def why(run: RunFacts, ready: str, active: str = "", now: float = 0.0) -> dict[str, str]:
    """Return why the others wait, by number."""
    return {name.removeprefix("agent-"): words for name, words in pick(run, ready, active, now).waits.items()}


def test_the_critical_path_goes_first() -> None:
    """What most work waits behind, then as in the plan; an unknown size is the mean of those known."""
    assert starts(facts(track(1), track(2), track(3, 2), track(4)), "1 2 4") == "2 1 4"
    assert starts(facts(track(1, estimate=5), track(2, estimate=30), track(3)), "1 2 3") == "2 3 1"
    assert starts(facts(track(1, estimate=10), track(2, estimate=4), track(3, 2, estimate=7)), "1 2") == "2 1"
    assert starts(facts(track(1), track(2)), "2 1") == "1 2"


def test_a_circle_goes_last() -> None:
    """A record that somebody wrote by hand does not stop the others."""
    assert [each.track for each in Order.of(runs.record(track(1, 2), track(2, 1), track(3))).tracks] == [
        "t3",
        "t1",
        "t2",
    ]


def test_slots() -> None:
    """No more at once than the run may have."""
    run = facts(*(track(number) for number in range(1, 6)), agents=3)
    assert starts(run, "1 2 3 4 5") == "1 2 3"
    assert why(run, "2 3 4 5", "1") == {"4": "waits for a slot", "5": "waits for a slot"}
    assert starts(run, "4 5", "1 2 3") == ""


def done(number: int, *needs: int, paths: tuple[str, ...] = ()) -> TrackFacts:
    """Return a track whose work is committed and not merged so far."""
    return TrackFacts(track(number, *needs, paths=paths), job_attempt=1, result=runs.attempt(runs.phase("commit")))


def test_one_slot_is_one_after_the_other() -> None:
    """The next one waits for the merge; with more slots it does not."""
    assert why(facts(done(1), track(2), agents=1), "2") == {"2": "waits for a slot"}
    assert starts(facts(replace(done(1), outcome=runs.outcome(1)), track(2), agents=1), "2") == "2"
    assert starts(facts(done(1), track(2), agents=2), "2") == "2"


def test_overlapping_paths_wait() -> None:
    """The longer critical path goes first, and holds its paths until it is merged."""
    one, two, three = track(1, paths=("src/x.py",)), track(2, paths=("src/",)), track(3, 2)
    run = facts(one, two, three)
    assert starts(run, "1 2") == "2"
    assert why(run, "1 2") == {"1": "its paths overlap those of t2 (src/x.py)"}
    assert why(run, "2", "1") == {"2": "its paths overlap those of t1 (src/x.py)"}
    run = facts(done(1, paths=("src/x.py",)), two, three)
    assert why(run, "2") == {"2": "its paths overlap those of t1 (src/x.py)"}
    assert starts(facts(replace(done(1), outcome=runs.outcome(1)), two, three), "2") == "2"


def test_a_track_overlaps_what_it_waits_for() -> None:
    """It may start on the committed state of that, and of what that waits for, which are not merged yet."""
    run = facts(done(1, paths=("x",)), done(2, 1, paths=("y",)), track(3, 2, paths=("x", "y")), start_on="committed")
    assert starts(run, "3") == "3"


def test_who_waits_for_paths_is_not_overtaken() -> None:
    """A wide track ahead of many narrow ones gets its turn when those at work are done; others go on."""
    wide = track(1, paths=("src",), estimate=60)
    run = facts(wide, *(track(number, paths=(f"src/{number}",), estimate=5) for number in (2, 3)), track(4, estimate=5))
    assert starts(run, "1 3 4", "2") == "4"
    assert why(run, "1 3", "2") == {
        "1": "its paths overlap those of t2 (src/2)",
        "3": "its paths overlap those of t1 (src/3), which is before it",
    }
    assert starts(run, "1 3 4") == "1 4"


def test_a_path_is_shown_safely() -> None:
    """A name is no way to the terminal."""
    run = facts(track(1, paths=("\x1b[2J",)), track(2, paths=("\x1b[2J",)))
    assert "\x1b" not in why(run, "1 2")["2"]


def test_limits_of_kinds() -> None:
    """Over all runs; other kinds do not count."""
    run = facts(track(1), track(2), track(3), kind_limits={"scripted": 2, "claude": 0})
    assert starts(run, "1 2 3") == "1 2"
    assert why(run, "1 2 3") == {"3": "2 of 2 scripted agents are busy"}
    others = replace(run, others=Others(busy={"scripted": 1, "claude": 5}))
    assert starts(others, "1 2 3") == "1"
    assert why(others, "2 3", "1") == dict.fromkeys("23", "2 of 2 scripted agents are busy")


def test_limits_of_profiles() -> None:
    """Over all runs; a track of another profile goes on."""
    tracks = [track(number, profile="deep") for number in (1, 2)] + [track(3), track(4, profile="fast")]
    run = facts(*tracks, profile_limits={"deep": 1})
    assert starts(run, "1 2 3 4") == "1 3 4"
    assert why(run, "2 3", "1") == {"2": "1 of 1 agents of profile deep are busy"}
    assert starts(replace(run, others=Others(profiles={"deep": 1})), "1 2 3 4") == "3 4"


@pytest.mark.parametrize(
    ("left", "words"), [(None, ""), (200, ""), (199, "the machine has 199 MB left, 200 are kept free")]
)
def test_memory(left: int | None, words: str) -> None:
    """Nothing starts below the floor, not even the only one; a machine that does not say has enough."""
    run = replace(facts(track(1)), others=Others(memory_mb=left))
    assert why(run, "1") == ({"1": words} if words else {})


def test_the_pace_of_starts() -> None:
    """One a stagger interval, from the last one on."""
    run = facts(track(1), track(2), stagger_seconds=2.0)
    assert starts(run, "1 2", now=50.0) == "1"
    assert why(run, "1 2", now=50.0) == {"2": "the next start is due in 2.0 s"}
    late = replace(run, last_start=50.0)
    assert why(late, "2", "1", now=50.8) == {"2": "the next start is due in 1.2 s"}
    assert starts(late, "2", "1", now=52.0) == "2"


def ended(number: int, attempt: int = 1) -> TrackFacts:
    """Return a track that is over, begun or not."""
    over = replace(runs.outcome(number, "merged" if attempt else "cancelled"), attempt=attempt)
    return TrackFacts(track(number), outcome=over)


def test_batches() -> None:
    """So many are taken on, and the next ones when all of those have ended; a retry belongs to its batch."""
    rest = [track(number) for number in (3, 4, 5)]
    run = facts(track(1), track(2), *rest, batch_size=2)
    assert starts(run, "1 2 3 4 5") == "1 2"
    assert why(run, "3", "1 2") == {"3": "the batch of 2 is not over"}
    begun = TrackFacts(track(2), job_attempt=1)
    assert starts(facts(ended(1), begun, *rest, batch_size=2), "2 3 4") == "2"
    assert starts(facts(ended(1), replace(ended(2), job_attempt=1), *rest, batch_size=2), "3 4 5") == "3 4"
    assert starts(facts(ended(1), ended(2), *rest, batch_size=2), "4 5", "3") == "4"


def test_what_never_began_takes_no_place_in_a_batch() -> None:
    """A track that was cancelled before it started neither ends a batch nor opens one."""
    rest = [track(number) for number in (3, 4, 5)]
    run = facts(TrackFacts(track(1), job_attempt=1), ended(2, 0), *rest, batch_size=2)
    assert starts(run, "3 4", "1") == "3"
    run = facts(TrackFacts(track(1), job_attempt=1), TrackFacts(track(2), job_attempt=1), ended(3, 0), *rest[1:])
    run = replace(run, record=replace(run.record, options=replace(run.record.options, batch_size=2)))
    assert starts(run, "4 5", "1 2") == ""
