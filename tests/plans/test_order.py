"""The order inside a group."""

import pytest

from orchestrator.core.track import Finding
from orchestrator.plans import outline
from orchestrator.plans.budget import Budget
from orchestrator.plans.document import read
from orchestrator.plans.groups import collect
from orchestrator.plans.mentions import Names
from orchestrator.plans.order import Order, Reader


def _orders(text: str, key: str | None = "A") -> list[Order]:
    groups = collect(outline.read(read(text)))
    return Reader(groups[key], groups, Names(each for each in groups if each is not None), Budget()).orders()


def _needs(*tracks: str) -> list[str]:
    """What each of the tracks 1, 2, 3 … of group A waits for, in short."""
    text = "## Group A: One\n\n" + "".join(f"{number}. {track}\n" for number, track in enumerate(tracks, 1))
    text += "\n## Group B: Two\n\n1. **Track 1: x**\n2. **Track 2: y**\n"
    return [
        " ".join(name.removeprefix("group_").replace("_track_", "") for name in order.needs) for order in _orders(text)
    ]


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        ("(after Track 1)", "A1"),
        ("(only after Tracks 1 and 2)", "A1 A2"),
        ("depends on Track 1", "A1"),
        ("Depends on: Track 1, Track 2", "A1 A2"),
        ("**Dependencies:** Track 2", "A2"),
        ("blocked by Tracks 1-2", "A1 A2"),
        ("needs Track 1", "A1"),
        ("requires both Tracks 1 and 2", "A1 A2"),
        ("waits for the completion of Track 2", "A2"),
        ("once Track 2 is there", "A2"),
        ("after Group B", "B1 B2"),
        ("after Group B, Track 2", "B2"),
        ("after Group B Track 2 and after Track 1", "B2 A1"),
        ("depends on Track 1 of Group B", "B1"),
        ("after Track 1, Track 2", "A1 A2"),
        ("after all other tracks", "A1 A2 A4"),
        ("after the previous tracks", "A1 A2"),
        ("tests from Track 1", ""),
        ("like Track 1", ""),
        ("does not depend on Track 1", ""),
        ("no longer needs Track 1", ""),
        ("it doesn't need Track 1 and isn't after Track 2", ""),
        ("`after Track 1`", ""),
        ("after <!-- Track 1 --> lunch", ""),
        ("before Track 1", ""),
        ("in parallel with Track 1", ""),
    ],
)
def test_a_track_says_what_it_comes_after(words: str, needs: str) -> None:
    """In its own line or in its details; what is denied, code or a comment says nothing."""
    rest = ("**Track 1: a**", "**Track 2: b**")
    assert _needs(*rest, f"**Track 3: c** {words}", "**Track 4: d**")[2] == needs
    assert _needs(*rest, f"**Track 3: c**\n   - {words}", "**Track 4: d**")[2] == needs
    assert _needs(*rest, f"**Track 3: c**\n\n   first\n   {words}", "**Track 4: d**")[2] == needs


def test_the_words_and_their_line_are_the_rule() -> None:
    """Whoever reads the plan can look."""
    text = "## Group A: One\n1. **Track 1: a**\n2. **Track 2: b**\n   - first line\n     then **after** Track 1\n"
    assert _orders(text)[1].rules == ["after Track 1 (line 5)"]
    text = "## Group A: One\n1. **Track 1: a**\n2. **Track 2: b**\n\n   x\n   needs Track 1,\n   after Track 1\n"
    assert _orders(text)[1].rules == ["needs Track 1 (line 6)", "after Track 1 (line 7)"]


@pytest.mark.parametrize(
    "title", ["Model Tests", "Tests", "Testing", "Test Suite", "Tests & Checks", "Tests: all of them"]
)
def test_the_tests_of_a_group_run_last(title: str) -> None:
    """They wait for every other track, and the rule says so."""
    assert _needs("**Track 1: a**", f"**Track 2: {title}**", "**Track 3: c**") == ["", "A1 A3", ""]
    orders = _orders(f"## Group A: One\n1. **Track 1: a**\n2. **Track 2: {title}**\n")
    assert orders[1].rules == ["the tests of a group run last (line 3)"]


@pytest.mark.parametrize("title", ["Test Runner", "Latest News", "Contests", "Test data"])
def test_other_titles_are_no_tests(title: str) -> None:
    """A tool for testing is work like any other."""
    assert _needs("**Track 1: a**", f"**Track 2: {title}**") == ["", ""]


def test_tests_that_are_marked_parallel_run_with_the_others() -> None:
    """And the rule says that too."""
    orders = _orders("## Group A: One\n1. **Track 1: a**\n2. **Track 2: Tests** (all parallel)\n")
    assert (orders[1].needs, orders[1].rules) == ({}, ["marked parallel (line 3)"])


def test_several_tests_do_not_wait_for_each_other() -> None:
    """Nor does a group of tests alone wait for anything."""
    assert _needs("**Track 1: Unit Tests**", "**Track 2: a**", "**Track 3: Load Tests**") == ["A2", "", "A2"]
    assert _needs("**Track 1: Unit Tests**", "**Track 2: Load Tests**") == ["", ""]


def test_tests_do_not_wait_for_what_waits_for_them() -> None:
    """Directly or not: that would be a circle."""
    tracks = (
        "**Track 1: a**",
        "**Track 2: Tests** after Track 1",
        "**Track 3: c** after Track 2",
        "**Track 4: d** after Track 3",
    )
    assert _needs(*tracks) == ["", "A1", "A2", "A3"]
    tracks = ("**Track 1: Tests**", "**Track 2: b** after Track 1", "**Track 3: c** after Tracks 1-2", "**Track 4: d**")
    assert _needs(*tracks) == ["A4", "A1", "A1 A2", ""]


def test_tracks_and_groups_that_do_not_exist_are_errors() -> None:
    """With the line that names them."""
    text = "## Group A: One\n1. **Track 1: a**\n   - after Track 7\n   - after Group Q\n   - after Group Q Track 1\n"
    assert [(each.level, each.rule, each.line) for each in _orders(text)[0].findings] == [
        ("error", "unknown_track", 3),
        ("error", "unknown_track", 4),
        ("error", "unknown_track", 5),
    ]


def test_tracks_without_groups_have_an_order_too() -> None:
    """Numbers are enough."""
    assert list(_orders("- **Track 1: a**\n- **Track 2: b** after Track 1\n", None)[1].needs) == ["track_1"]


def _cells(*cells: str) -> tuple[list[str], list[Finding]]:
    rows = "".join(f"| T-{number} | t | {cell} | Open |\n" for number, cell in enumerate(cells, 1))
    orders = _orders(f"## Group A: One\n\n| ID | Task | Depends on | Status |\n|---|---|---|---|\n{rows}")
    return [" ".join(order.needs).replace("group_A_track_", "") for order in orders], orders[-1].findings


@pytest.mark.parametrize(
    ("cell", "needs"),
    [
        ("T-1", "T-1"),
        ("`T-1`, **t-2**", "T-1 T-2"),
        ("T-1 T-2", "T-1 T-2"),
        ("none", ""),
        ("-", ""),
        ("", ""),
        ("Group A", "T-1 T-2 T-3"),
    ],
)
def test_a_column_of_dependencies(cell: str, needs: str) -> None:
    """Ids of rows, or words as anywhere."""
    found, findings = _cells("", "", cell)
    assert (found[2], findings) == (needs, [])


def test_the_title_of_a_row_may_say_it_too() -> None:
    """As in any other form."""
    text = "| ID | Task | Status |\n|---|---|---|\n| 1 | a | Open |\n| 2 | b (after Track 1) | Open |\n"
    assert list(_orders(text, None)[1].needs) == ["track_1"]


def test_unknown_ids_in_a_column_are_errors() -> None:
    """If they look like ids; words are words."""
    found, findings = _cells("", "soon, T-1 and T-9")
    assert found[1] == "T-1"
    assert [(each.rule, each.line) for each in findings] == [("unknown_track", 6)]
    assert "track T-9" in findings[0].message
