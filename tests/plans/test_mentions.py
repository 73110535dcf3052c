"""Where a text speaks of groups or tracks."""

import pytest

from orchestrator.plans.mentions import Mention, Names, mentions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Group A complete", ["A"]),
        ("Groups D + E complete", ["D", "E"]),
        ("Groups C, D, F, H, I complete", ["C", "D", "F", "H", "I"]),
        ("Groups C, D, and F", ["C", "D", "F"]),
        ("Groups F-K", ["F-K"]),
        ("Groups A\u2013C and F", ["A-C", "F"]),
        ("Phases 1 to 3", ["1-3"]),
        ("Phase 3.4", ["3.4"]),
        ("Group D and Group E, Group F", ["D", "E", "F"]),
        ("Group A/B", ["A", "B"]),
        ("Group A & B", ["A", "B"]),
        ("Group A - Group C", ["A-C"]),
        ("Group A - schema ready", ["A"]),
        ("Group A, and also that", ["A"]),
        ("Group A's work", ["A"]),
        ("Group Alpha complete", ["Alpha"]),
        ("Streams X-Ray", ["X"]),
        ("a group of people", []),
        ("phase gate", []),
        ("regroup A", []),
    ],
)
def test_mentions_of_groups(text: str, names: list[str]) -> None:
    """Lists, ranges and repeated words, up to the first thing that is no name."""
    found = [pair for mention in mentions(text) for pair in mention.names]
    assert [first if first == last else f"{first}-{last}" for first, last in found] == names


def test_groups_and_tracks_are_told_apart() -> None:
    """A list holds one kind; the other begins a mention of its own."""
    found = list(mentions("Group A, Track 2 and Tracks 3-4, Group B - Track 5"))
    assert [(each.noun, each.names) for each in found] == [
        ("group", (("A", "A"),)),
        ("track", (("2", "2"), ("3", "4"))),
        ("group", (("B", "B"),)),
        ("track", (("5", "5"),)),
    ]


def test_a_choice_is_noticed() -> None:
    """'Or' is not 'and'."""
    assert [each.choice for each in mentions("Group A or B; Groups C, D")] == [True, False]


def _resolve(known: list[str], text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    (mention,) = mentions(text)
    return Names(known).resolve(mention)


def test_names_are_found_whatever_their_case() -> None:
    """The exact one first."""
    assert _resolve(["a", "A", "Beta"], "Groups A") == (("A",), ())
    assert _resolve(["a", "Beta"], "Group A") == (("a",), ())
    assert _resolve(["BETA"], "Group Beta") == (("BETA",), ())


def test_ranges_name_what_there_is_between() -> None:
    """Letters and numbers; only the ends must exist."""
    assert _resolve(["A", "C", "D", "F"], "Groups A-D") == (("A", "D", "C"), ())
    assert _resolve(["1", "2", "10", "3"], "Phases 1-3") == (("1", "3", "2"), ())
    assert _resolve(["A", "B"], "Groups A-D") == (("A", "B"), ("D",))
    assert _resolve(["1", "2"], "Phases 1-999999999999") == (("1",), ("999999999999",))


def test_unknown_names_are_returned() -> None:
    """So that an error can say which."""
    assert _resolve(["A"], "Groups A, Q and Q") == (("A",), ("Q",))


def test_names_know_their_order() -> None:
    """What comes before, and all others."""
    names = Names(["A", "B", "C", "B"])
    assert names.before("C") == ["A", "B"]
    assert names.others("B") == ["A", "C"]


def test_odd_digits_are_no_numbers() -> None:
    """A name that merely looks like a number stays a name."""
    assert Names(["²", "\u0661", "1"]).resolve(Mention("group", 0, 0, (("1", "\u0661"),))) == (("1", "\u0661"), ())
