"""Commit messages say what they should, and strangers' words stay on their line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.git import message

ANYTHING = st.text(st.characters(), max_size=400)


@pytest.mark.parametrize(
    "path",
    ["tests/x.py", "a/test/b.c", "test_a.py", "a/b_test.go", "x.test.ts", "x.spec.js", "__tests__/a.js", "ATest.java"],
)
def test_tests_are_known_by_folder_or_name(path: str) -> None:
    """The usual spellings."""
    assert message.is_test(path)


@pytest.mark.parametrize("path", ["contest.py", "a/testament.md", "latest/x.py", "attest", "tests", ".test_data"])
def test_what_only_sounds_like_a_test_is_none(path: str) -> None:
    """A part of a word is not enough."""
    assert not message.is_test(path)


def test_long_lists_are_cut() -> None:
    """With a word about the rest."""
    text = message.of_commit("s", [], [f"f{number}" for number in range(100)], {}).decode()
    assert text.count("\n- ") == message.MOST_LINES + 1
    assert "… and 60 more" in text


def test_what_is_empty_is_left_out() -> None:
    """No heading without a line below it."""
    assert message.of_commit("s", ["", " \n"], [], {"A": "b"}) == b"s\n\nTests: none changed\n\nA: b\n"


def test_what_is_orchd_s_to_say_stays_its_own() -> None:
    """Neither the settings nor a message say it instead, in whatever letters; what else they say is kept."""
    own = {"Orchd-Track": "one", "Orchd-Run": "demo"}
    said = message.beside(own, {"orchd-track": "two", "Orchd-Branch": "main", "Reviewed-by": "Bo"})
    assert said == {**own, "Reviewed-by": "Bo"}
    text = message.with_trailers(b"Say it\n\nORCHD-TRACK: two\nSigned-off-by: A\n", own)
    assert text == b"Say it\n\nSigned-off-by: A\nOrchd-Track: one\nOrchd-Run: demo\n"


@given(ANYTHING, st.lists(ANYTHING, max_size=4), st.lists(ANYTHING, max_size=4), ANYTHING)
def test_whatever_comes_in_stays_in_its_place(subject: str, what: list[str], changed: list[str], value: str) -> None:
    """One subject, and the last paragraph is ours alone; nothing in it is invisible."""
    text = message.of_commit(f"x{subject}", what, changed, {"Orchd-Track": value}).decode()
    paragraphs = text.split("\n\n")
    assert "\n" not in paragraphs[0]
    assert len(paragraphs[0]) <= message.LONGEST_SUBJECT
    assert paragraphs[-1].startswith("Orchd-Track: ")
    assert paragraphs[-1].count("\n") == 1
    assert all(each == "\n" or each.isprintable() or ord(each) > 0xA0 for each in text)


@given(ANYTHING)
def test_a_merge_s_message_has_one_subject(title: str) -> None:
    """Whatever the title."""
    head, _, rest = message.of_merge("group_E_track_1", title, {"Orchd-Run": "demo"}).decode().partition("\n\n")
    assert head.startswith("Merge track group_E_track_1:")
    assert rest == "Orchd-Run: demo\n"
