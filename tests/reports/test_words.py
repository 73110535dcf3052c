"""Words for people."""

import pytest

from orchestrator.reports.words import counted, dollars, human, literal, plain, times


def test_hostile_text_stays_text() -> None:
    """Markup and control characters out of titles and errors do not reach the page as such."""
    assert plain("<script>\x1b[31m*x*\n# y") == "\\<script\\>\\\\x1b\\[31m\\*x\\*\\\\x0a\\# y"
    assert plain("TEST_FAILURE: _x_ __y__ a_ 1_2") == "TEST_FAILURE: \\_x\\_ \\_\\_y\\_\\_ a\\_ 1_2"
    assert literal("a `b` \u202e") == "`a 'b' \\u202e`"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "unknown"), (4.24, "4.2 s"), (59.9, "59.9 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_for_people(seconds: float | None, words: str) -> None:
    """Durations read as people say them."""
    assert human(seconds) == words


def test_what_is_known_in_part_is_told_as_such() -> None:
    """A sum that lacks something is unknown, and what is known of it a lower bound; never nothing."""
    assert (dollars(1.5, 1.5), dollars(None, 1.5), dollars(None, None)) == (
        "1.50 USD",
        "unknown, at least 1.50 USD",
        "unknown",
    )
    assert (counted(12000, 12000), counted(None, 5), counted(None, None)) == (
        "12,000",
        "unknown, at least 5",
        "unknown",
    )


def test_one_and_many() -> None:
    """One attempt, two attempts."""
    assert (times(1, "attempt"), times(2, "attempt")) == ("1 attempt", "2 attempts")
