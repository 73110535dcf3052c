"""Refusals: what they make of an attempt that passed, and what follows from that."""

from dataclasses import replace

import pytest

from orchestrator.core.actions import EndTrack, Integrate, StartWorker
from orchestrator.core.decide import decide
from orchestrator.core.facts import TrackFacts
from orchestrator.core.probe import Clash
from orchestrator.core.refusal import Refusal, Refusals, applied, decode, encode
from orchestrator.core.retry import failures
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing
from orchestrator.errors import Unreadable
from tests.core import runs

RED = Refusal(1, "check", "TEST_FAILURE: no", "2026-01-31T12:00:20Z", "c" * 40, ("one", "two"))
CONFLICT = Refusal(1, "conflict", "FILE_CONFLICT: a.txt with feat/t2", "2026-01-31T12:00:20Z", files=("a.txt",))
NONE = Refusals("agent-1", "t1")


def refused(said: Refusal, **fields: object) -> TrackFacts:
    """Return a track whose attempt passed and was refused."""
    (result,) = applied([runs.attempt()], NONE.with_one(said))
    made = TrackFacts(runs.spec(1), job_attempt=1, result=result, refused=said.why, failed_since=0.0)
    return replace(made, **fields)  # type: ignore[arg-type]  # the tests name real fields


def decided(*tracks: TrackFacts, **options: object) -> object:
    """Return what is done about a run of these tracks, long after the attempts."""
    facts = runs.facts(*tracks, **options)
    (action,) = decide(Standing(facts, 1000.0), Order.of(facts.record))
    return action


def test_they_come_back_as_they_were_written() -> None:
    """One an attempt: the last word about it counts."""
    both = NONE.with_one(CONFLICT).with_one(replace(RED, attempt=2)).with_one(replace(RED, attempt=2))
    assert decode(encode(both)) == both
    assert (both.of(2), both.of(3)) == (replace(RED, attempt=2), None)
    assert (both.conflict(), NONE.conflict()) == (CONFLICT, None)
    with pytest.raises(Unreadable):
        decode(b'{"v": 1, "agent_id": "agent-1", "track": "t1", "refusals": 1}')


def test_an_attempt_that_was_refused_did_not_pass() -> None:
    """It counts as a failure of its kind; what failed by itself keeps its own reason."""
    (passed,) = applied([runs.attempt()], None)
    assert passed.passed
    (attempt,) = applied([runs.attempt()], NONE.with_one(RED))
    assert not attempt.passed
    (failure,) = failures((), 1, attempt)
    assert (failure.failed_as, failure.kind) == ("permanent", "TEST_FAILURE")
    (own,) = applied([runs.attempt(error="VALIDATION_ERROR: x")], NONE.with_one(RED))
    assert own.error == "VALIDATION_ERROR: x"


def test_a_red_check_is_tried_again_or_ends_the_track() -> None:
    """As any other failure, within the same bounds."""
    assert decided(refused(RED), attempts=2) == StartWorker("roadmap", "agent-1", 2, "retry")
    assert decided(refused(RED), attempts=1) == EndTrack("roadmap", "agent-1", "failed", "TEST_FAILURE: no", 1)


def test_a_conflict_goes_to_the_agent_beyond_the_bounds_and_once() -> None:
    """What the attempt to resolve it does not mend is a conflict; what it mends is merged, or checked like the rest."""
    assert decided(refused(CONFLICT), attempts=1) == StartWorker("roadmap", "agent-1", 2, "resolve")
    failed = runs.attempt(runs.phase(status=1), error="UNKNOWN: gave up")
    lost = TrackFacts(runs.spec(1), job_attempt=1, cause="resolve", result=failed)
    why = "its conflict was not resolved: UNKNOWN: gave up"
    assert decided(lost, attempts=3) == EndTrack("roadmap", "agent-1", "conflict", why, 1)
    resolved = TrackFacts(runs.spec(1), job_attempt=1, cause="resolve", result=runs.attempt())
    assert decided(resolved) == Integrate("roadmap", "agent-1", 1, 3)
    assert decided(refused(RED, cause="resolve"), attempts=2) == StartWorker("roadmap", "agent-1", 2, "retry")


def test_what_is_in_the_fewest_others_way_is_merged_first() -> None:
    """Whichever finished first."""
    tracks = [
        TrackFacts(runs.spec(number), job_attempt=1, result=runs.attempt(ended_at=f"2026-01-31T12:00:0{number}Z"))
        for number in (1, 2, 3)
    ]
    facts = replace(runs.facts(*tracks), clashes=(Clash("t1", "t2", ("a",)), Clash("t1", "t3", ("a",))))
    (action,) = decide(Standing(facts, 0.0), Order.of(facts.record))
    assert action == Integrate("roadmap", "agent-2", 1, 3)
