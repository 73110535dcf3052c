"""Tracks in table form."""

import pytest

from orchestrator.plans.document import Block, read
from orchestrator.plans.table import columns, with_cell


def _table(header: str, *rows: str) -> Block:
    (table,) = read("\n".join([header, "|".join(["---"] * header.count("|")) + "|---", *rows])).blocks
    return table


def test_columns_are_known_by_their_heads() -> None:
    """In any order, in bold or not, whatever the case."""
    table = _table("Status | **Task ID** | description", "Done | `T-1` | **Build** it")
    found = columns(table)
    assert found is not None
    row = table.parts[1]
    assert (found.complete, found.key(row), found.text(row, "title"), found.state(row)) == (
        True,
        "T-1",
        "Build it",
        "done",
    )
    assert found.text(row, "paths") == ""


def test_the_word_track_is_no_part_of_a_number() -> None:
    """A row may call its number what it is."""
    table = _table("ID | Task | Status", "Track 4 | a | Open", "Track and field | b | Open")
    found = columns(table)
    assert found is not None
    assert [found.key(row) for row in table.parts[1:]] == ["4", "Track and field"]


def test_other_cells_are_the_details() -> None:
    """What is neither id nor title nor status is kept with its head."""
    table = _table("ID | Task | Files | Notes | Status", "1 | a | `x.py` | mind the gap | Open", "2 | b | | | Open")
    found = columns(table)
    assert found is not None
    assert [found.others(row) for row in table.parts[1:]] == ["Files: `x.py`\nNotes: mind the gap", ""]


@pytest.mark.parametrize("header", ["Component | State", "ID | Status", "Task | Status", "File | Issue | Status"])
def test_other_tables_hold_no_tracks(header: str) -> None:
    """Without a column of ids and one of titles a table says something else."""
    assert columns(_table(header)) is None


def test_a_table_without_status_is_only_noticed_where_it_was_meant() -> None:
    """Task ID is what people write above tracks; ID may be anything."""
    meant = columns(_table("Task ID | Description"))
    assert meant is not None
    assert not meant.complete
    assert columns(_table("ID | Description")) is None


@pytest.mark.parametrize(
    ("line", "position", "result"),
    [
        ("| 1 | a | Open |", 2, "| 1 | a | [DONE] |"),
        ("| 1 | a | In Progress |", 2, "| 1 | a | [DONE]      |"),
        ("| 1 | a |Open|", 2, "| 1 | a |[DONE] |"),
        ("| 1 | a | |", 2, "| 1 | a | [DONE] |"),
        ("| 1 | a ||", 2, "| 1 | a | [DONE] |"),
        ("| 1 | a |", 2, "| 1 | a | [DONE] |"),
        ("| 1 | a", 2, "| 1 | a | [DONE] |"),
        ("| 1 |", 2, "| 1 |  | [DONE] |"),
        ("1 | a | Open", 2, "1 | a | [DONE]"),
        ("1 | a | Open |", 2, "1 | a | [DONE] |"),
        ("1 | a", 2, "1 | a | [DONE] |"),
        ("  | 1 | a \\| b | Open |  ", 2, "  | 1 | a \\| b | [DONE] |  "),
        ("| Open | 1 | a |", 0, "| [DONE] | 1 | a |"),
        ("Open | 1 | a", 0, "[DONE] | 1 | a"),
    ],
)
def test_one_cell_of_a_line_is_changed(line: str, position: int, result: str) -> None:
    """The others stay as they are, and the width too where the word fits; a missing cell is added."""
    assert with_cell(line, position, "[DONE]") == result
