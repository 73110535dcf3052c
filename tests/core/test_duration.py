"""Durations: what people write, and what they read."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.duration import LONGEST, brief, parse
from orchestrator.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("2d", 172800.0),
        ("1d2h3m4s", 93784.0),
        ("1.5h", 5400.0),
        ("5M", 300.0),
        ("PT30S", 30.0),
        ("pt1h30m", 5400.0),
        ("P1DT12H", 129600.0),
        ("P2D", 172800.0),
        (" 10s ", 10.0),
        ("3660d", LONGEST),
    ],
)
def test_what_people_write_is_read(text: str, seconds: float) -> None:
    """Plain seconds, units in their order, and ISO 8601 all mean what they say."""
    assert parse(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "P",
        "PT",
        "-5m",
        "+5",
        "5 m",
        "5x",
        "30m1h",
        "1h1h",
        "1e3",
        "nan",
        "inf",
        "٣s",
        "5m\n6m",
        "1:30",
        "9" * 5000,
        "3661d",
        "999999999999",
        "P1Y",
        "\x1b[31m",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Anything else is refused in one line that is safe to show, with what may be written instead."""
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert refused.value.hint
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-5, "0s"),
        (0.9, "0s"),
        (42.7, "42s"),
        (60, "1m"),
        (200, "3m20s"),
        (3600, "1h"),
        (7500, "2h5m"),
        (7501, "2h5m"),
        (86400 * 4, "4d"),
        (86400 * 4 + 59, "4d"),
        (86400 * 4 + 3 * 3600, "4d3h"),
    ],
)
def test_a_duration_is_shown_by_its_two_largest_units(seconds: float, text: str) -> None:
    """Nobody wants the seconds of four days."""
    assert brief(seconds) == text


@given(st.integers(min_value=0, max_value=int(LONGEST)))
def test_what_is_shown_can_be_read_again(seconds: int) -> None:
    """A duration as we show it is one that we read, and never longer than it was."""
    again = parse(brief(seconds))
    assert again <= seconds
    assert seconds - again <= seconds / 24


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes anything but a duration in range or a refusal."""
    with suppress(UsageError):
        assert 0 <= parse(text) <= LONGEST
