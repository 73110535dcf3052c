"""Whether there is another attempt follows from how the ones before it failed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.result import Attempt, PhaseResult
from orchestrator.core.retry import (
    LONGEST_DELAY,
    MOST_PARKED,
    Failure,
    FailureClass,
    after_limits,
    classify,
    failures,
    following,
    parked_in_a_row,
)
from orchestrator.core.run import Options
from tests.core import runs

POLICY = Options(attempts=3, retry_delay_seconds=4.0)


def failed(error: str, **fields: object) -> Attempt:
    """Return an attempt whose only phase did not pass."""
    return runs.attempt(runs.phase(status=1, **fields), error=error)  # type: ignore[arg-type]  # the tests name real fields


def exited(status: int) -> Attempt:
    """Return an attempt whose phase ended with a status and said nothing."""
    return runs.attempt(runs.phase(status=status), error=f"UNKNOWN: phase work ended with status {status}")


ENDED = {"status": None, "signal": 9}

CASES: list[tuple[str, Attempt | None, FailureClass]] = [
    ("the worker died before it wrote", None, "transient"),
    ("the worker died in between", runs.attempt(finished=False), "transient"),
    ("tests fail", failed("TEST_FAILURE: 2 failed"), "permanent"),
    ("tests take too long", failed("TEST_TIMEOUT: timed out"), "permanent"),
    ("a validator refuses", failed("VALIDATION_ERROR: paths: not found"), "permanent"),
    ("an ordinary exit status", exited(3), "permanent"),
    ("a try later status", exited(75), "transient"),
    ("no such program", exited(127), "fatal"),
    ("not allowed", exited(77), "fatal"),
    ("the program is gone", failed("RESOURCE_ERROR: x cannot be started: gone", ending="not_started"), "fatal"),
    ("not started for another reason", failed("UNKNOWN: no", ending="not_started"), "fatal"),
    ("the time is over", failed("TIMEOUT: phase work took longer", ending="timed_out"), "transient"),
    ("killed", failed("UNKNOWN: phase work was ended by SIGKILL", ending="signalled"), "transient"),
    ("asked to end with the machine", failed("UNKNOWN: cancelled (SIGTERM)", ending="cancelled"), "transient"),
    ("the service is overloaded", failed("API_ERROR: 529 overloaded"), "transient"),
    ("nobody is logged in", failed("API_ERROR: Not logged in"), "fatal"),
    ("a wrong key", failed("UNKNOWN: Invalid API key"), "fatal"),
    ("somebody took the claim", failed("UNKNOWN: superseded: the claim was freed"), "fatal"),
    ("an answer of the service", failed("API_ERROR: API Error: 401 Unauthorized"), "fatal"),
    ("a refusal of the service", failed("UNKNOWN: phase work ended with status 1: HTTP 403"), "fatal"),
    ("work on logins", failed("UNKNOWN: phase work ended with status 1: 3 authentication tests fail"), "permanent"),
    ("work on budgets", failed("UNKNOWN: phase work ended with status 1: test_budget.py: 2 fail"), "permanent"),
    ("a number", failed("UNKNOWN: phase work ended with status 1: 401 passed, 2 failed"), "permanent"),
    ("the network", failed("UNKNOWN: connection reset by peer"), "transient"),
    ("a full disk", runs.attempt(error="RESOURCE_ERROR: no space left on device"), "transient"),
    ("an error without a phase", replace(runs.attempt(), phases=(), error="UNKNOWN: x"), "permanent"),
]


@pytest.mark.parametrize(("what", "attempt", "failed_as"), CASES, ids=[case[0] for case in CASES])
def test_failures_are_told_apart(what: str, attempt: Attempt | None, failed_as: FailureClass) -> None:
    """By how the last phase ended, by the type of the error, and by what it says."""
    assert classify(attempt, attempt.error if attempt is not None else "") == failed_as, what


def test_what_was_parked_is_no_failure() -> None:
    """A question, a block and a usage limit do not count; a worker that died without a word does."""
    asked = replace(failed("UNKNOWN: needs input"), asked="which?")
    limited = replace(failed("API_ERROR: limit"), attempt=2, limited=True)
    real = replace(failed("TEST_FAILURE: x"), attempt=4)
    assert failures((asked, limited), 4, real) == [
        Failure("transient", "UNKNOWN", ""),
        Failure("permanent", "TEST_FAILURE", "work"),
    ]
    assert failures((), 0, None) == []


def test_the_same_failure_again_takes_tools_away() -> None:
    """The second like failure reduces the toolset; another kind of failure does not; the third is the last."""
    one, other = Failure("permanent", "TEST_FAILURE", "work"), Failure("transient", "TIMEOUT", "work")
    assert following([], 1, POLICY, "t") is None
    first = following([one], 1, POLICY, "t")
    assert first is not None
    assert (first.attempt, first.toolset) == (2, "full")
    alike, unlike = following([one, one], 2, POLICY, "t"), following([other, one], 2, POLICY, "t")
    assert alike is not None
    assert unlike is not None
    assert (alike.attempt, alike.toolset, unlike.toolset) == (3, "reduced", "full")
    assert following([one, other, one], 3, POLICY, "t") is None
    assert following([Failure("fatal", "UNKNOWN", "work")], 1, POLICY, "t") is None


@given(st.integers(1, 40), st.floats(0, 1000), st.text(max_size=9))
def test_each_wait_is_longer_and_none_too_long(count: int, base: float, key: str) -> None:
    """It doubles, is spread by a quarter, is the same for the same track, and has a bound."""
    policy = Options(attempts=99, retry_delay_seconds=base)
    one = Failure("permanent", "UNKNOWN", "work")
    found = following([one] * count, count, policy, key)
    assert found is not None
    assert found == following([one] * count, count, policy, key)
    usual = base * 2 ** (count - 1)
    assert min(0.749 * usual, LONGEST_DELAY) <= found.delay <= min(1.251 * usual, LONGEST_DELAY)


def test_limits_in_a_row_have_pauses() -> None:
    """None after the first; then as after failures. What did not wait ends the row."""
    assert after_limits(1, POLICY, "t") == 0.0
    pauses = [after_limits(count, POLICY, "t") for count in (2, 3, MOST_PARKED, 10 * MOST_PARKED)]
    assert 3.0 <= pauses[0] < pauses[1] < pauses[2] == pauses[3] == LONGEST_DELAY
    limited = [replace(failed("API_ERROR: limit"), attempt=number, limited=True) for number in (1, 3, 4)]
    real = replace(failed("TEST_FAILURE: x"), attempt=2)
    assert parked_in_a_row((limited[0], real, limited[1]), limited[2]) == tuple(limited[1:])
    assert parked_in_a_row((limited[0],), real) == ()


def test_a_phase_result_names_its_phase() -> None:
    """Failures are alike when the same phase failed in the same way."""
    review: PhaseResult = runs.phase("review", status=1)
    one = runs.attempt(runs.phase(), review, error="TEST_FAILURE: x")
    assert failures((), 1, one) == [Failure("permanent", "TEST_FAILURE", "review")]
