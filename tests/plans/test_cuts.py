"""A text cut in pieces means what it means whole."""

from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.plans.cuts import cuts
from orchestrator.plans.document import Block, blocks

LINES = (
    *("", "  ", "text", "  text", "   text", "      deep", "\ttab"),
    *("# H", "## H", "#nothing", "---", "===", "* * *", "- - -"),
    *("- x", "-", "+ z", "1. a", "2. b", "12. c", "10) k", "-     code", "-\ty", "  - y", " - w", "   1. n", "  3. m"),
    *("```", "~~~", "   ```", "    code", "> q", ">", "| a | b |", "|--|--|"),
    *("<!-- c", "-->", "<div>", "</div>", "<pre>", "</pre>", "<?php", "?>"),
)


def _meaning(found: tuple[Block, ...]) -> list[object]:
    """What the blocks say, without where they end: empty lines after an item belong to nobody."""
    return [(each.kind, each.line, each.text, each.level, _meaning(each.parts), each.cells) for each in found]


def _read(lines: list[str], enough: int) -> list[object]:
    return _meaning(tuple(blocks(lines, cuts(lines, enough))))


@given(st.lists(st.sampled_from(LINES), max_size=14), st.integers(1, 4))
@example(["+ z", "\ttab", "   ```", "<!-- c", "", "1.", "2. b"], 1)
@example(["* * *", "   text", "2. b"], 1)
@example(["- a", "  ```", "  ```", " text", "2. b"], 1)
@example(["2. b", "-\ty", "  ", "  text", "2. b"], 1)
@example(["<!--", "", "# no heading", "", "-->", "# heading"], 1)
def test_pieces_mean_what_the_whole_means(lines: list[str], enough: int) -> None:
    """Wherever a text may be cut, its blocks stay the same."""
    assert _read(lines, enough) == _meaning(tuple(blocks(lines, [len(lines)])))


def test_long_texts_are_cut() -> None:
    """There are cuts in a list without an empty line, before headings and after empty lines."""
    assert list(cuts(["- a", "- b", "# c", "d", "e", "", "f"], 1)) == [1, 2, 3, 6, 7]


def test_a_fence_that_never_ends_is_read_again_only_a_few_times() -> None:
    """Each time it is tried, the piece is twice as long: what follows an open fence stays code."""
    lines = ["```"] + ["", "# heading"] * 40
    assert _read(lines, 1) == []
    lines = ["```"] + ["", "# heading"] * 40 + ["```", "# real"]
    assert [each.text for each in blocks(lines, cuts(lines, 1))] == ["real"]
