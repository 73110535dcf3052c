"""Marks: which count, and what they say."""

import pytest

from orchestrator.core.track import Mark
from orchestrator.plans import status


def _end(text: str) -> list[Mark | None]:
    return [piece.state for piece in status.tail(text, 0) if piece.part == "mark"]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("a [DONE]", "done"),
        ("a [COMPLETE]", "done"),
        ("a [COMPLETED]", "done"),
        ("a [DONE: see #12]", "done"),
        ("a [done]", "done"),
        ("a **[DONE]**", "done"),
        ("a ✅", "done"),
        ("a ✓", "done"),
        ("a ✔️", "done"),
        ("a ☑", "done"),
        ("a ✅ Done", "done"),
        ("a [✅ DONE]", "done"),
        ("a (COMPLETE)", "done"),
        ("a (done 2026-01-02)", "done"),
        ("a - COMPLETE", "done"),
        ("a — DONE", "done"),
        ("a [IN PROGRESS]", "in_progress"),
        ("a [in-progress]", "in_progress"),
        ("a 🔄", "in_progress"),
        ("a 🔄 In Progress", "in_progress"),
        ("a - IN PROGRESS", "in_progress"),
        ("a [SKIPPED]", "skipped"),
        ("a [DEFERRED to 2.0]", "skipped"),
        ("a [NOT STARTED]", "open"),
        ("a [PENDING review]", "open"),
        ("a [TODO]", "open"),
    ],
)
def test_marks_at_the_end_are_read(text: str, state: Mark) -> None:
    """Every form that people use says what it says."""
    assert _end(text) == [state]


@pytest.mark.parametrize(
    "text",
    [
        "Networking",
        "Working",
        "In progress of time",
        "all done",
        "a [DONE](link)",
        "a [DONE][1]",
        "a ![DONE]",
        "a \\[DONE]",
        "a[DONE]",
        "a [complete rewrite]",
        "a (complete rewrite)",
        "a - Complete",
        "a -DONE",
        "a [WORKING]",
        "a [DONE] b",
        "a ✅ b",
        "",
    ],
)
def test_words_that_are_no_marks_are_left_alone(text: str) -> None:
    """Titles, links, escapes and ordinary words say nothing about progress."""
    assert _end(text) == []


def test_a_row_of_pieces_is_unbroken() -> None:
    """Marks, remarks, stars and emoji belong together up to the first word, from either side."""
    text = "✅ **a** b ✓ (all parallel) 🌊 **[DONE]**"
    assert [piece.part for piece in status.head(text, 0)] == ["mark", "blank", "stars"]
    assert [piece.part for piece in status.tail(text, 0) if piece.part != "blank"] == [
        *("mark", "note", "emoji", "stars", "mark", "stars"),
    ]
    assert status.tail(text, 0, 8) == status.head(text, 5, 8)


def test_keycaps_are_emoji() -> None:
    """A digit in a box is decoration."""
    assert [piece.part for piece in status.head("1️⃣ a", 0)] == ["emoji", "blank"]


def test_a_mark_in_the_middle_is_noticed() -> None:
    """It counts for nothing, and somebody should say so."""
    assert status.stray("a [DONE] b", ())
    assert status.stray("a ✅ b [DONE]", status.tail("a ✅ b [DONE]", 0))
    assert not status.stray("a [DONE]", status.tail("a [DONE]", 0))
    assert not status.stray("a [complete] b", ())


@pytest.mark.parametrize(
    ("text", "state"),
    [("[ ] a", "open"), ("[x] a", "done"), ("[X] a", "done"), ("[~] a", "in_progress"), ("[-] a", "skipped")],
)
def test_boxes_are_read(text: str, state: Mark) -> None:
    """A box says how far the work is, and where the text goes on."""
    assert status.box(text) == (4, state)
    assert status.box(f"..{text}", 2) == (6, state)


@pytest.mark.parametrize("text", ["[x]a", "[y] a", "[] a", "a [x] b"])
def test_other_brackets_are_no_boxes(text: str) -> None:
    """Only a box with a blank behind it, and only where it is looked for."""
    assert status.box(text) == (0, None)


@pytest.mark.parametrize(
    ("states", "says", "clash"),
    [
        ([], None, False),
        ([None, "done"], "done", False),
        (["done", "done"], "done", False),
        (["open", "in_progress"], "in_progress", False),
        (["open", "skipped"], "skipped", False),
        (["open", "done"], "open", True),
        (["in_progress", "done"], "in_progress", True),
        (["skipped", "done"], "skipped", True),
        (["skipped", "in_progress"], "in_progress", True),
        (["open", "in_progress", "done"], "in_progress", True),
    ],
)
def test_marks_together(states: list[Mark | None], says: Mark | None, *, clash: bool) -> None:
    """Where marks contradict each other the one with more left to do wins, and it is said."""
    assert status.resolve(states) == (says, clash)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Done", "done"),
        ("✅ Done", "done"),
        ("**Completed**", "done"),
        ("done 2026-10-05 (see below)", "done"),
        ("[x]", "done"),
        ("[DONE]", "done"),
        ("✅ Working", "done"),
        ("In Progress", "in_progress"),
        ("🚧 In Progress", "in_progress"),
        ("wip", "in_progress"),
        ("[~]", "in_progress"),
        ("Skipped", "skipped"),
        ("deferred", "skipped"),
        ("Not started", "open"),
        ("[ ]", "open"),
        ("⏳ Pending", "open"),
        ("To do", "open"),
        ("Blocked by 3", "open"),
        ("", "open"),
        ("-", "open"),
        ("—", "open"),
        ("N/A", "open"),
        ("Someday", None),
        ("Incomplete", None),
        ("50% complete", None),
        ("Donetsk", None),
        ("not done", None),
    ],
)
def test_cells_of_a_status_column(text: str, state: Mark | None) -> None:
    """A cell says it in its first words, or is not understood."""
    assert status.cell(text) == state
