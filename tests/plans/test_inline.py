"""Code spans and comments inside a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.inline import code_spans, masked, open_comment, uncommented


def test_code_spans_are_closed_by_as_many_backticks() -> None:
    """A run of backticks ends at the next run of the same length, and only there."""
    spans = code_spans("a `b` ``c ` d`` `e")
    assert [content for _, _, content in spans] == ["b", "c ` d"]
    assert spans[0][:2] == (2, 5)


def test_a_backtick_without_a_partner_is_text() -> None:
    """Nothing is code where no run of that length follows."""
    assert code_spans("a ` b `` c") == []


def test_masked_text_hides_code_and_comments() -> None:
    """What stands in code or in a comment is not there any more, and everything else is where it was."""
    text = "x `[DONE]` y <!-- [DONE] --> z <!-- open"
    mask = masked(text)
    assert len(mask) == len(text)
    assert "DONE" not in mask
    assert "open" not in mask
    assert [mask[text.index(each)] for each in "xyz"] == ["x", "y", "z"]


def test_comments_alone_can_be_taken_away() -> None:
    """Code stays when only comments are blanked."""
    assert uncommented("`a` <!--b--> c") == "`a`          c"
    assert uncommented("plain") == "plain"


@pytest.mark.parametrize(
    ("text", "place"),
    [("a <!-- b", 2), ("a <!-- b --> c", 14), ("a <!-- b --> <!-- <!-- c", 13), ("`<!--` a", 8), ("", 0)],
)
def test_an_open_comment_is_found(text: str, place: int) -> None:
    """One that ends, or stands in code, is none."""
    assert open_comment(text) == place


@given(st.text(alphabet="`<!->ab \x1a"))
def test_masking_keeps_every_position(text: str) -> None:
    """Whatever the text: the mask is as long, and what it shows stands at the same place."""
    mask = masked(text)
    assert len(mask) == len(text)
    assert all(shown in {" ", "\x1a", sign} for shown, sign in zip(mask, text, strict=True))
