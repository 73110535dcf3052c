"""Which source is read by whom."""

import pytest

from orchestrator.errors import CannotParse
from orchestrator.plans import sources


def test_a_roadmap_is_recognised() -> None:
    """Without a word, and by its kind."""
    text = "## Group A: One\n- **Track 1: a**\n"
    assert sources.read("ROADMAP.md", text) == sources.read("ROADMAP.md", text, "roadmap")
    assert sources.read("ROADMAP.md", text).kind == "roadmap"


def test_a_text_without_tracks_is_refused_with_the_forms() -> None:
    """Nothing of its name reaches the terminal raw."""
    with pytest.raises(CannotParse, match="no tracks found in") as caught:
        sources.read("x\x1b[31m\n.md", "# Nothing\n")
    assert "\x1b" not in caught.value.message
    assert "\n" not in caught.value.message
    assert "**Track 1: Title**" in caught.value.hint


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    """One clear line."""
    with pytest.raises(CannotParse, match="'sheet' is no kind of plan") as caught:
        sources.read("x", "", "sheet")
    assert caught.value.hint == "the kinds are roadmap"
