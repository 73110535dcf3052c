"""Markdown as blocks that know their lines."""

import pytest

from orchestrator.errors import CannotParse
from orchestrator.plans import document
from orchestrator.plans.document import Block, read


def _texts(text: str) -> list[tuple[str, int, str]]:
    return [(block.kind, block.line, block.text) for block in read(text).blocks]


def test_blocks_know_their_lines() -> None:
    """Headings, paragraphs and items come in order, with the line that each begins on."""
    found = _texts("# A\n\ntext\nmore\n\n1. one\n   - in it\n2. two\n")
    assert found == [("heading", 0, "A"), ("paragraph", 2, "text\nmore"), ("item", 5, "one"), ("item", 7, "two")]


def test_items_hold_what_stands_in_them() -> None:
    """The paragraph on the first line is the item's text; everything else is a part of it."""
    (item,) = read("- a\n  b\n\n  c\n  - d\n    - e\n  # f\n").blocks
    assert (item.text, item.line) == ("a\nb", 0)
    assert [(part.kind, part.text, part.line) for part in item.parts] == [
        ("paragraph", "c", 3),
        ("item", "d", 4),
        ("heading", "f", 6),
    ]
    assert item.parts[1].parts[0].text == "e"


def test_an_item_without_text_on_its_first_line_has_none() -> None:
    """A paragraph further down does not become the item's title."""
    (item,) = read("-\n  below\n").blocks
    assert item.text == ""
    assert item.parts[0].text == "below"


def test_tables_have_rows_with_cells() -> None:
    """The heading of a table is its first row; an escaped bar is no border."""
    (table,) = read("| a | b |\n|---|---|\n| 1 \\| 2 | `x` |\n| 3 |\n").blocks
    assert [row.cells for row in table.parts] == [("a", "b"), ("1 | 2", "`x`"), ("3", "")]
    assert [row.line for row in table.parts] == [0, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "```\n# no\n```\n",
        "    - no\n",
        "<!--\n# no\n\n- no\n-->\n",
        "> # no\n> - no\n>\n> | a |\n> |---|\n> | no |\n",
        "---\ntitle: x\n# no\n---\n",
        "+++\ntitle = 'x'\n+++\n",
        "---\n",
        "[a]: b\n"[:0],
    ],
)
def test_what_is_not_work_has_no_block(text: str) -> None:
    """Code, comments, quotations, rules and front matter are not there."""
    assert read(text).blocks == ()


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    """Only keys between two fences are."""
    assert _texts("---\n# A\n---\n") == [("heading", 1, "A")]
    assert _texts("---\na: b\n") == [("paragraph", 1, "a: b")]


def test_underlined_headings_are_headings() -> None:
    """Both kinds of underline count."""
    assert [(block.kind, block.level) for block in read("A\n===\n\nB\n---\n").blocks] == [
        ("heading", 1),
        ("heading", 2),
    ]


def test_a_bold_line_above_a_rule_stays_a_paragraph() -> None:
    """Nobody who writes a rule below a remark means a heading."""
    assert _texts("**Prerequisites:** None\n---\n") == [("paragraph", 0, "**Prerequisites:** None")]


def test_lines_stay_as_they_came() -> None:
    """Byte-order mark, mixed line ends and a missing last one are kept, and do not move a block."""
    text = "\ufeff# A\r\nb\rc\n\x0b\x85\u2028- no item"
    found = read(text)
    assert "".join(found.lines) == text
    assert [line[-1:] for line in found.lines] == ["\n", "\r", "\n", "m"]
    assert [(block.kind, block.line) for block in found.blocks] == [("heading", 0), ("paragraph", 1)]


def test_an_empty_text_has_no_lines() -> None:
    """Nothing in, nothing out."""
    assert read("") == document.Document((), ())


def test_too_deep_nesting_is_refused_with_its_line() -> None:
    """What the parser would drop in silence is an error."""
    deep = "".join("  " * level + "- a\n" for level in range(40))
    with pytest.raises(CannotParse, match="line 32 is nested too deep"):
        read("# A\n\n" + deep)
    with pytest.raises(CannotParse, match="line 1 is nested too deep"):
        read(">" * 100 + " a\n")


def test_a_text_beyond_all_measure_is_refused() -> None:
    """Larger than any document: one clear line, at once."""
    with pytest.raises(CannotParse, match="more than"):
        read("a" * (document.LARGEST + 1))


def test_blocks_can_be_compared() -> None:
    """They are plain values."""
    assert Block("paragraph", 0, 1, "a") == read("a").blocks[0]
