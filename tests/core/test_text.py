"""Text from outside is safe to show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.text import first_line, visible

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ümläuts and 漢字", "plain text, ümläuts and 漢字"),
        ("⚠️ done ✅", "⚠️ done ✅"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("a\nb\rc\td\0e\x7f", "a\\x0ab\\x0dc\\x09d\\x00e\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028par\u2029", "line\\u2028par\\u2029"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("name\udcff", "name\\udcff"),
        ("", ""),
    ],
)
def test_what_hides_is_written_out(text: str, shown: str) -> None:
    """Control characters, marks of direction, fillers and lone surrogates are shown as escapes."""
    assert visible(text) == shown


def test_no_character_of_unicode_gets_through_unseen() -> None:
    """No control, format, surrogate or separator character is in what is shown."""
    everything = "".join(map(chr, range(0x110000)))
    kept = set(visible(everything, len(everything)))
    assert [hex(ord(each)) for each in kept if unicodedata.category(each) in UNSEEN] == []


@given(st.text(st.characters(codec=None)), st.integers(1, 400))
def test_it_is_short_and_can_be_encoded(text: str, limit: int) -> None:
    """Whatever comes, it can be written anywhere, is one line, and longer texts are cut."""
    shown = visible(text, limit)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    assert len(shown) <= 10 * limit
    assert visible(shown, 10 * limit) == shown


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    """The cut is seen."""
    assert visible("x" * 10, 10) == "x" * 10
    assert visible("x" * 11, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("text", "line"), [("", ""), (" \n\n", ""), ("\n  one \ntwo", "one"), ("\x1b[1mE\x1b[0m\nx", "\\x1b[1mE\\x1b[0m")]
)
def test_first_line(text: str, line: str) -> None:
    """The first line with something in it, made safe."""
    assert first_line(text) == line
