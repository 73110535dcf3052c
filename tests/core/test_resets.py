"""When a usage limit ends."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.resets import ends

HERE: Final = timezone(timedelta(hours=-5))
NOW: Final = datetime(2026, 11, 20, 14, 0, tzinfo=HERE)  # a Friday


def at(text: str) -> datetime:
    """A local moment."""
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("reached|1795206000", at("2026-11-20T15:20")),
        ('"resetsAt": 1795206000', at("2026-11-20T15:20")),
        ('"resets_at":1795206000,"resets_in_seconds":60', at("2026-11-20T15:20")),
        ("resets_in_seconds: 60", at("2026-11-20T14:01")),
        ("Retry-After: 90", at("2026-11-20T14:01:30")),
        ("retry-after 1.5", at("2026-11-20T14:00:01.5")),
        ('"retryDelay": "34s"', at("2026-11-20T14:00:34")),
        ("try again in 1 day, 2 hours and 3 minutes", at("2026-11-21T16:03")),
        ("reset after 3h20m2s", at("2026-11-20T17:20:02")),
        ("retry in 34.074824224s.", at("2026-11-20T14:00:34.074824")),
        ("try again in 250ms", at("2026-11-20T14:00:00.25")),
        ("resets 3pm", at("2026-11-20T15:00")),
        ("resets 1:30pm", at("2026-11-20T13:30")),
        ("resets 12:59pm", at("2026-11-21T12:59")),
        ("resets 12am", at("2026-11-21T00:00")),
        ("resets at 15:45", at("2026-11-20T15:45")),
        ("resets 9:30pm (UTC)", at("2026-11-20T16:30")),
        ("will reset at 3pm (America/Santiago)", at("2026-11-20T15:00")),
        ("resets Mon 12:00am", at("2026-11-23T00:00")),
        ("resets Friday 9am", at("2026-11-27T09:00")),
        ("resets Nov 25 at 5pm", at("2026-11-25T17:00")),
        ("try again at Dec 2nd, 2026 3:45 PM", at("2026-12-02T15:45")),
    ],
)
def test_every_way_to_say_it(text: str, until: datetime) -> None:
    """A moment, how long to wait, a time of day; the one that has just passed is meant, not tomorrow's."""
    assert ends(text, NOW) == until


def test_a_date_without_a_year_lies_ahead() -> None:
    """In December, January is next year's."""
    assert ends("resets Jan 3 at 7am", NOW.replace(month=12)) == at("2027-01-03T07:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "reached|9999999999",
        "reached|1000000000",
        "reached|17952060001",
        "resets 25:00pm",
        "resets 13:00pm",
        "resets Feb 30 at 5pm",
        "resets 24:30",
        "resets 5",
        "resets soon",
        "Try again in 99999999 days.",
        "Try again in and,",
        "retry-after: 99999999",
        "3pm",
    ],
)
def test_an_end_that_nobody_believes(text: str) -> None:
    """Years away, long past, or no time at all."""
    assert ends(text, NOW) is None


@given(st.text(alphabet="resta in|0159:pm dhFebMon,().UTC", max_size=60))
def test_whatever_is_said(text: str) -> None:
    """It never raises; an end is in UTC and near."""
    until = ends(text, NOW)
    if until is not None:
        assert until.tzinfo is UTC
        assert timedelta(days=-1) <= until - NOW <= timedelta(days=40)
