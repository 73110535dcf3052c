"""Tracks that wait: for time, people, money, limits, and for what others leave; and what is decided about them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from orchestrator.core import decide as core
from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StartWorker, StopWorker
from orchestrator.core.facts import Others, RunFacts, TrackFacts
from orchestrator.core.result import Attempt
from orchestrator.core.run import Budget, Limit, Options, Outcome, Validator
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing, TrackState
from tests.core import runs

NOW = 1000.0


def standing(run: RunFacts, now: float = NOW) -> Standing:
    """Return where a run stands."""
    return Standing(run, now)


def only(run: RunFacts, now: float = NOW) -> TrackState:
    """Return the state of a run's first track."""
    return standing(run, now).of(run.tracks[0])


def decide(run: RunFacts, now: float = NOW) -> Sequence[Action]:
    """Return what is decided about a run."""
    return core.decide(standing(run, now), Order.of(run.record))


def failed(number: int = 1, error: str = "TEST_FAILURE: 2 failed", **fields: object) -> TrackFacts:
    """Return a track whose first attempt failed in the review, some time ago."""
    entry = runs.attempt(runs.phase(), runs.phase("review", status=1), error=error)
    facts = TrackFacts(runs.spec(number), 1, result=entry, failed_since=NOW - 1)
    return replace(facts, **fields)  # type: ignore[arg-type]  # the tests name real fields


def parked(**fields: object) -> Attempt:
    """Return an attempt that ended because it has to wait."""
    made = runs.attempt(runs.phase(status=1), error="UNKNOWN: waits")
    return replace(made, **fields)  # type: ignore[arg-type]  # the tests name real fields


def test_a_failed_attempt_is_followed_by_another() -> None:
    """After its delay, as a retry; before, the loop is woken for it."""
    run = runs.facts(failed(), attempts=3, retry_delay_seconds=8.0)
    state = only(run)
    assert (state.where, state.rule) == ("waiting", "backoff")
    assert "attempt 1 failed (permanent): TEST_FAILURE: 2 failed; attempt 2 follows" in state.why
    assert decide(run) == ()
    due = core.wake_at(standing(run))
    assert due == state.until
    assert due is not None
    assert NOW < due <= NOW + 10
    assert only(run, due).rule == "retry"
    assert decide(run, due) == (StartWorker(runs.RUN, "agent-1", 2, "retry"),)
    unseen = runs.facts(failed(failed_since=None), attempts=3)
    assert (only(unseen).rule, only(unseen).until) == ("backoff", None)


def test_the_second_like_failure_takes_tools_away() -> None:
    """And the last one is the end."""
    track = failed()
    assert track.result is not None
    again = replace(track, job_attempt=2, former=(track.result,), result=replace(track.result, attempt=2))
    run = runs.facts(again, attempts=3, retry_delay_seconds=0.0)
    assert decide(run) == (StartWorker(runs.RUN, "agent-1", 3, "retry", "reduced"),)
    began = TrackFacts(runs.spec(1), 3, exited=75, cause="retry", toolset="reduced")
    assert decide(runs.facts(began)) == (StartWorker(runs.RUN, "agent-1", 3, "retry", "reduced"),)
    (end,) = decide(runs.facts(again, attempts=2))
    assert end == EndTrack(runs.RUN, "agent-1", "failed", "TEST_FAILURE: 2 failed", 2)


def test_what_was_begun_is_cleaned_up_last() -> None:
    """Where a step had passed there is one more attempt, once all other workers are gone, and never a second one."""
    options = {"attempts": 1, "cleanup": True}
    busy = runs.facts(failed(), TrackFacts(runs.spec(2), 1, runs.claim(), runs.status()), **options)
    assert (only(busy).where, only(busy).rule) == ("waiting", "cleanup")
    assert decide(busy) == ()
    alone = runs.facts(failed(), TrackFacts(runs.spec(2), 1, outcome=runs.outcome(2)), **options)
    assert decide(alone) == (StartWorker(runs.RUN, "agent-1", 2, "cleanup"),)
    behind = runs.facts(failed(), TrackFacts(runs.spec(2, 1)), **options)
    assert decide(behind) == (StartWorker(runs.RUN, "agent-1", 2, "cleanup"),)
    twice = failed(job_attempt=2, cause="cleanup")
    assert twice.result is not None
    twice = replace(twice, result=replace(twice.result, attempt=2))
    assert [type(each) for each in decide(runs.facts(twice, **options))] == [EndTrack]
    before = failed(former=(replace(parked(), cause="cleanup", attempt=0),))
    assert only(runs.facts(before, **options)).where == "failed"


@pytest.mark.parametrize(
    "track",
    [
        failed(result=runs.attempt(runs.phase(status=1), error="TEST_FAILURE: x")),
        failed(error="UNKNOWN: Invalid API key"),
        TrackFacts(runs.spec(1), 1, None, runs.status()),
    ],
)
def test_what_left_nothing_is_not_cleaned_up(track: TrackFacts) -> None:
    """No step had passed, the agent cannot work at all, or its worker died at once."""
    assert only(runs.facts(track, cleanup=True)).where == "failed"


def test_a_cancelled_track_is_not_cleaned_up() -> None:
    """A person said that it should end."""
    run = replace(runs.facts(failed(), cleanup=True), cancelled=frozenset({"t1"}))
    assert decide(run) == (EndTrack(runs.RUN, "agent-1", "cancelled", "TEST_FAILURE: 2 failed", 1),)


@pytest.mark.parametrize(
    ("attempt", "where", "why"),
    [
        (parked(asked="Which one?"), "needs_input", "asks: Which one?"),
        (parked(blocked="no key"), "blocked", "its agent is blocked: no key"),
    ],
)
def test_a_question_waits_for_a_person(attempt: Attempt, where: str, why: str) -> None:
    """It takes no slot; an answer makes it ready, and nobody waits longer than allowed."""
    asks = TrackFacts(runs.spec(1), 1, result=attempt, failed_since=NOW - 10)
    run = runs.facts(asks, TrackFacts(runs.spec(2)), agents=1, input_wait_seconds=60.0)
    assert (only(run).where, only(run).why, only(run).rule) == (where, why, "question")
    assert decide(run) == (StartWorker(runs.RUN, "agent-2", 1),)
    alone = runs.facts(asks, input_wait_seconds=60.0)
    assert decide(alone) == ()
    assert decide(alone, NOW + 49) == ()
    (end,) = decide(alone, NOW + 50)
    assert isinstance(end, EndTrack)
    assert end.error == f"UNKNOWN: nobody answered: {why}"
    answered = runs.facts(replace(asks, answered=1))
    assert only(answered).where == "ready"
    assert decide(answered) == (StartWorker(runs.RUN, "agent-1", 2, "answered"),)
    cancelled = replace(run, cancelled=frozenset({"t1"}))
    assert EndTrack(runs.RUN, "agent-1", "cancelled", "cancelled before it went on", 1) in decide(cancelled)


def test_a_usage_limit_parks_the_whole_kind() -> None:
    """Until it is over; it counts for no attempt, and whoever does not want it fails instead."""
    limit = parked(limited=True, limited_until="2026-01-31T15:00:00Z", error="API_ERROR: usage limit")
    track = TrackFacts(runs.spec(1), 1, result=limit, failed_since=NOW, limited_until=NOW + 90)
    run = runs.facts(track, TrackFacts(runs.spec(2)), TrackFacts(runs.spec(3), 1, runs.claim(), runs.status()))
    states = [standing(run).of(each) for each in run.tracks]
    assert [state.where for state in states] == ["parked", "parked", "running"]
    assert "until 2026-01-31T15:00:00Z" in states[0].why
    assert "scripted agents" in states[1].why
    assert decide(run) == ()
    assert core.wake_at(standing(run)) == NOW + 90
    starts = decide(run, NOW + 90)
    assert starts == (StartWorker(runs.RUN, "agent-1", 2, "limit"), StartWorker(runs.RUN, "agent-2", 1))
    unknown = runs.facts(replace(track, limited_until=None))
    assert (only(unknown).where, only(unknown).until) == ("parked", None)
    elsewhere = replace(runs.facts(TrackFacts(runs.spec(1))), others=Others(limited_until=NOW + 5))
    assert only(elsewhere).where == "parked"
    assert only(runs.facts(track, park_on_limit=False)).where == "failed"
    assert only(replace(elsewhere, record=runs.record(runs.spec(1), park_on_limit=False))).where == "ready"


def test_a_budget_ends_workers_and_keeps_what_is_finished() -> None:
    """Nothing more is started; who works is asked to end; what passed is merged."""
    spent = Budget(run=Limit(usd=1.0))
    run = runs.facts(
        TrackFacts(runs.spec(1), 1, runs.claim(), runs.status(), spent=Limit(usd=2.0)),
        TrackFacts(runs.spec(2)),
        TrackFacts(runs.spec(3), 1, result=runs.attempt()),
        failed(4),
        budget=spent,
        attempts=3,
    )
    why = "RESOURCE_ERROR: the budget of the run is spent: 2.00 of 1.00 USD"
    assert decide(run) == (
        StopWorker(runs.RUN, "agent-1"),
        EndTrack(runs.RUN, "agent-2", "failed", why, 0),
        EndTrack(runs.RUN, "agent-4", "failed", why, 1),
        Integrate(runs.RUN, "agent-3", 1, 3),
    )
    one = TrackFacts(runs.spec(1), 1, runs.claim(), runs.status(), spent=Limit(tokens=9))
    other = TrackFacts(runs.spec(2), 1, runs.claim(), runs.status(), spent=Limit(tokens=8))
    assert decide(runs.facts(one, other, budget=Budget(track=Limit(tokens=9)))) == (StopWorker(runs.RUN, "agent-1"),)


def test_the_time_of_the_run_wakes_the_loop() -> None:
    """At the moment when it is over."""
    run = replace(runs.facts(TrackFacts(runs.spec(1), 1, runs.claim()), budget=Budget(run=Limit(seconds=60.0))))
    run = replace(run, since=NOW - 20)
    assert core.wake_at(standing(run)) == NOW + 40
    assert decide(run) == ()
    assert decide(run, NOW + 40) == (StopWorker(runs.RUN, "agent-1"),)


def test_a_gate_before_the_start() -> None:
    """Nothing begins before a person says so, and nobody waits longer than for an answer."""
    run = replace(runs.facts(TrackFacts(runs.spec(1)), gates=("start",), input_wait_seconds=60.0), since=NOW)
    assert (only(run).where, only(run).rule) == ("waiting", "gate")
    assert "orchd approve roadmap" in only(run).why
    assert decide(run) == ()
    assert core.waited_for(standing(run)) == "start"
    assert core.waited_for(standing(replace(run, approved=frozenset({"start"})))) is None
    assert decide(replace(run, approved=frozenset({"start"}))) == (StartWorker(runs.RUN, "agent-1", 1),)
    (end,) = decide(run, NOW + 60)
    assert isinstance(end, EndTrack)
    assert end.error.startswith("UNKNOWN: not started: waits for a person's word")


def test_a_gate_before_the_push() -> None:
    """The run ends without a push when nobody says yes in time; where nothing was merged there is nothing to ask."""
    done = TrackFacts(runs.spec(1), 1, outcome=runs.outcome(1))
    run = runs.facts(done, gates=("push",), input_wait_seconds=60.0)
    assert decide(run) == ()
    assert core.waited_for(standing(run)) == "push"
    assert core.waited_for(standing(replace(run, ended=True))) is None
    assert core.waited_for(standing(runs.facts(TrackFacts(runs.spec(1)), gates=("push",)))) is None
    settled = replace(run, settled_since=NOW)
    assert decide(settled, NOW + 59) == ()
    assert decide(settled, NOW + 60) == (Finish(runs.RUN),)
    assert decide(replace(settled, approved=frozenset({"push"}))) == (Finish(runs.RUN),)
    assert decide(replace(settled, cancelled=frozenset({"t1"}))) == (Finish(runs.RUN),)
    nothing = runs.facts(TrackFacts(runs.spec(1), 1, outcome=runs.outcome(1, "failed")), gates=("push",))
    assert decide(nothing) == (Finish(runs.RUN),)


def test_a_silent_worker_is_ended() -> None:
    """One that misses its heartbeats for long is stopped, or as good as that; on its way to the claim too."""
    options = Options()
    patience = 2 * options.stale_seconds + core.BEATS * options.heartbeat_seconds + options.grace_seconds
    for track in (
        TrackFacts(runs.spec(1), 1, runs.claim(), runs.status(), heard=NOW),
        TrackFacts(runs.spec(1), 1, doing="started", heard=NOW),
    ):
        assert decide(runs.facts(track), NOW + patience - 1) == ()
        assert decide(runs.facts(track), NOW + patience) == (StopWorker(runs.RUN, "agent-1"),)


def test_quarantine() -> None:
    """What failed too often is not started and ends at once."""
    spec = replace(runs.spec(1), quarantined="it failed in 3 runs")
    assert only(runs.facts(TrackFacts(spec))).where == "quarantined"
    assert decide(runs.facts(TrackFacts(spec))) == (
        EndTrack(runs.RUN, "agent-1", "quarantined", "it failed in 3 runs", 0),
    )


def test_starting_on_what_is_committed() -> None:
    """A track may build on work that is not merged yet; it is merged after it, and not without it."""
    first = TrackFacts(runs.spec(1), 1, result=runs.attempt(ended_at="2026-01-31T12:00:09Z"))
    second = TrackFacts(runs.spec(2, 1), 1, result=runs.attempt(ended_at="2026-01-31T12:00:05Z"))
    waiting = TrackFacts(runs.spec(2, 1))
    assert decide(runs.facts(first, waiting)) == (Integrate(runs.RUN, "agent-1", 1, 3),)
    early = runs.facts(first, waiting, start_on="committed")
    assert StartWorker(runs.RUN, "agent-2", 1) in decide(early)
    assert decide(runs.facts(first, second, start_on="committed")) == (Integrate(runs.RUN, "agent-1", 1, 3),)
    lost = TrackFacts(runs.spec(1), 1, outcome=runs.outcome(1, "conflict"))
    (end,) = decide(runs.facts(lost, second, start_on="committed"))
    assert isinstance(end, EndTrack)
    assert end.error == "UNKNOWN: not merged: it depends on t1, which was not merged"


def test_what_a_validator_does_is_seen() -> None:
    """A phase of that name is a state of its own; so is a quiet agent told of."""
    status = replace(runs.status(phase="proof"), quiet="2026-01-31T12:05:00Z")
    track = TrackFacts(runs.spec(1), 1, runs.claim(), status)
    run = runs.facts(track)
    judged = replace(run, record=replace(run.record, validators=(Validator("proof", "command", argv=("true",)),)))
    assert only(judged).where == "validating"
    assert only(run).where == "running"
    assert "no sign of life of its agent since 2026-01-31T12:05:00Z" in only(run).why


def test_a_run_that_has_its_report_is_done() -> None:
    """Merged is done then."""
    merged = Outcome("agent-1", "t1", "merged", "x", commit="c" * 40)
    run = replace(runs.facts(TrackFacts(runs.spec(1), 1, outcome=merged)), ended=True)
    assert only(run).where == "done"
    assert core.wake_at(standing(run)) is None


def test_who_waits_for_a_person_keeps_no_batch_for_ever() -> None:
    """Where all that is left waits for an answer or for the batch, the loop is woken, and the question given up."""
    asks = TrackFacts(runs.spec(1), 1, result=parked(asked="Which?"), failed_since=NOW)
    run = runs.facts(asks, TrackFacts(runs.spec(2)), batch_size=1, input_wait_seconds=40.0)
    assert decide(run) == ()
    assert core.wake_at(standing(run)) == NOW + 40
    assert [each.agent_id for each in decide(run, NOW + 40) if isinstance(each, EndTrack)] == ["agent-1"]


@pytest.mark.parametrize("cleanup", [True, False])
def test_a_usage_limit_that_parks_nobody_is_a_failure(cleanup: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """It is tried again, and in the end it has failed."""
    entry = parked(limited=True, error="API_ERROR: usage limit")
    track = TrackFacts(runs.spec(1), 1, result=entry, failed_since=NOW - 1)
    options = {"park_on_limit": False, "cleanup": cleanup, "retry_delay_seconds": 0.0}
    assert only(runs.facts(track, attempts=2, **options)).rule == "retry"
    assert only(runs.facts(track, attempts=1, **options)).where == "failed"


def test_nothing_is_cleaned_up_while_a_usage_limit_holds() -> None:
    """Whichever run met it."""
    run = replace(runs.facts(failed(), attempts=1, cleanup=True), others=Others(limited_until=NOW + 60))
    assert (only(run).where, only(run).rule) == ("parked", "limit")
    assert [type(each) for each in decide(run, NOW + 60)] == [StartWorker]


def test_what_is_to_be_cleaned_up_keeps_no_batch_for_ever() -> None:
    """The next batch waits for it, and it does not wait for the next batch."""
    run = runs.facts(failed(), TrackFacts(runs.spec(2)), attempts=1, cleanup=True, batch_size=1)
    assert decide(run) == (StartWorker(runs.RUN, "agent-1", 2, "cleanup"),)
    both = runs.facts(failed(), TrackFacts(runs.spec(2)), attempts=1, cleanup=True, batch_size=2)
    assert decide(both) == (StartWorker(runs.RUN, "agent-2", 1),)
