"""A track that failed too often, in run after run, is not tried again before a person says so."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from orchestrator.core.outcome import TIME_IS_OVER
from orchestrator.core.quarantine import Past, Record
from orchestrator.core.run import Ended, Outcome

AGAIN = "orchd run ROADMAP.md --retry"


def past(ended: Ended = "failed", attempt: int = 1, *, lifted: bool = False, error: str = "TEST_FAILURE: x") -> Past:
    """Return how the track ended in a run."""
    return Past(Outcome("agent-1", "t", ended, "2026-01-31T12:00:00Z", attempt, error=error), lifted=lifted)


ANSWERED = replace(past(), answered=True)


def told(pasts: Sequence[Past], after: int = 3) -> Record:
    """Return the record of a track with these runs, the newest first."""
    record = Record(after)
    for each in pasts:
        record.add(each)
    return record


DAY, TRACK = (f"RESOURCE_ERROR: the budget of the {whose} is spent: 9.00 of 8.00 USD" for whose in ("day", "track"))
FAILED, MERGED = past(), past("merged")


@pytest.mark.parametrize(
    ("pasts", "is_too_bad"),
    [
        ([], False),
        ([FAILED, FAILED], False),
        ([FAILED, FAILED, FAILED], True),
        ([FAILED, FAILED, MERGED, FAILED], False),
        ([FAILED, past("cancelled"), FAILED, past("conflict"), past("quarantined", 0), FAILED], True),
        ([FAILED, past(attempt=0), FAILED], False),
        ([FAILED, FAILED, past(attempt=0), FAILED], True),
        ([FAILED, FAILED, past(error=f"{TIME_IS_OVER} (6h)")], False),
        ([FAILED, FAILED, past(error=DAY)], False),
        ([FAILED, FAILED, past(error=TRACK)], True),
        ([FAILED, past(lifted=True), FAILED, FAILED], False),
        ([FAILED, FAILED, past(lifted=True), FAILED], True),
        ([past("quarantined", 0), FAILED, FAILED, FAILED], True),
        ([past("cancelled", lifted=True), FAILED, FAILED, FAILED], False),
        ([ANSWERED, FAILED, FAILED, FAILED], False),
        ([FAILED, FAILED, ANSWERED, FAILED], False),
        ([FAILED, FAILED, FAILED, ANSWERED], True),
    ],
)
def test_failures_in_a_row(pasts: Sequence[Past], *, is_too_bad: bool) -> None:
    """What says nothing about the track is passed over; a merge and a person's word begin a new row."""
    assert told(pasts).is_too_bad is is_too_bad


def test_never() -> None:
    """With 0 there is no quarantine, and nothing has to be read."""
    assert Record(0).settled
    assert not told([FAILED] * 9, 0).is_too_bad


def test_why() -> None:
    """The number, the newest error, and the command that takes it up; text from outside is escaped."""
    record = told([past(error="TIMEOUT: \x1b[2J"), FAILED])
    assert record.why(AGAIN) == ""
    record.add(FAILED)
    assert record.settled
    assert record.why(AGAIN) == f"it failed in 3 runs (last: TIMEOUT: \\x1b[2J); `{AGAIN}` takes it up"
