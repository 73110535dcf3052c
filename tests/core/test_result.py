"""The result file: what goes in comes out, and passing is a matter of facts."""

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.result import Attempt, Ending, PhaseResult, Result, decode, encode
from orchestrator.errors import Unreadable

DONE = PhaseResult("work", "exited", 0, None, "2026-01-31T12:00:00.000Z", "2026-01-31T12:00:05.000Z", 5.0, 1.5, 1 << 20)
LATE = replace(
    DONE, name="review", ending="timed_out", status=None, signal=9, leftovers=2, error="TIMEOUT: phase review"
)
FIRST = Attempt(
    1, 7, "0" * 32, "2026-01-31T12:00:00.000Z", (DONE, LATE), finished=True, ended_at="x", error="TIMEOUT: x"
)
SECOND = Attempt(2, 9, "1" * 32, "2026-01-31T13:00:00.000Z", (DONE,), finished=True, ended_at="y")
RESULT = Result("agent-1", "group_A_track_1", (FIRST, SECOND))


def test_round_trip() -> None:
    """A result that was written is read as it was."""
    assert decode(encode(RESULT)) == RESULT


def test_entries_by_attempt() -> None:
    """Each attempt has at most one entry; a new one stands for the old."""
    assert RESULT.of(2) == SECOND
    assert RESULT.of(3) is None
    again = replace(FIRST, error="")
    assert RESULT.with_attempt(again).attempts == (SECOND, again)
    assert Result("agent-1", "t").with_attempt(FIRST).attempts == (FIRST,)
    assert RESULT.until(1).attempts == (FIRST,)


@pytest.mark.parametrize(
    ("ending", "status", "passed"),
    [
        ("exited", 0, True),
        ("exited", 1, False),
        ("signalled", None, False),
        ("timed_out", 0, False),
        ("cancelled", 0, False),
        ("not_started", None, False),
    ],
)
def test_a_phase_passes(ending: Ending, status: int | None, passed: bool) -> None:  # noqa: FBT001  # a column of the table
    """Only by exit status 0, of its own accord."""
    assert replace(DONE, ending=ending, status=status).passed == passed


@pytest.mark.parametrize(
    ("attempt", "passed"),
    [
        (SECOND, True),
        (replace(SECOND, finished=False), False),
        (replace(SECOND, error="UNKNOWN: superseded"), False),
        (replace(SECOND, phases=()), False),
        (replace(SECOND, phases=(DONE, LATE)), False),
    ],
)
def test_an_attempt_passes(attempt: Attempt, passed: bool) -> None:  # noqa: FBT001  # a column of the table
    """Only when it came to its end, without an error, and every phase passed; nothing done is no success."""
    assert attempt.passed == passed


def changed(**fields: object) -> bytes:
    """The example's bytes with other fields in its second attempt."""
    given: dict[str, Any] = json.loads(encode(RESULT))
    given["attempts"][1] = {**given["attempts"][1], **fields}
    return json.dumps(given).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{}", "version 1"),
        (b'{"v": 1}', "agent_id is missing"),
        (b'{"v": 1, "agent_id": "a", "track": "t", "attempts": {}}', "attempts is not a list"),
        (changed(fence="9"), "attempts.1.fence is not a whole number"),
        (changed(finished="yes"), "attempts.1.finished is not true or false"),
        (changed(phases=[{}]), "attempts.1.phases.0.name is missing"),
        (changed(phases=[{"ending": "faded"}]), "attempts.1.phases.0.ending is not one of exited, signalled"),
        (changed(error=None), "attempts.1.error is not a text"),
    ],
)
def test_what_is_no_result(data: bytes, said: str) -> None:
    """It is refused with the field and the reason."""
    with pytest.raises(Unreadable) as caught:
        decode(data)
    assert said in caught.value.message


def test_later_fields_are_passed_over() -> None:
    """What a later version adds does not stand in the way."""
    assert decode(changed(cost=5)) == RESULT
