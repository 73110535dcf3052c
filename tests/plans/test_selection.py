"""Which tracks a run offers."""

import pytest

from orchestrator.core.track import Mark, Plan, Track
from orchestrator.errors import NotFound, NotIndependent
from orchestrator.plans import roadmap
from orchestrator.plans.selection import current, select

TEXT = """
## Group A: Ground
**Prerequisites:** None
- **Track 1: a** ✅
- **Track 2: b** [SKIPPED]

## Group B: Readings
**Prerequisites:** Group A complete
- **Track 1: c**
- **Track 2: d** 🔄
- **Track 3: e** after Track 1
- **Track 4: f** after Group D Track 1

## Group C: Models
**Prerequisites:** Group A complete
- **Track 1: g**
- **Track 2: h** after Group B Track 1

## Group D: Warnings
**Prerequisites:** Groups B + C complete
- **Track 1: i**

## Group E: Empty of work
**Prerequisites:** None
- **Track 1: j** ✅
"""
PLAN = roadmap.parse("ROADMAP.md", TEXT)


def _select(group: str | None = None, *tracks: str, plan: Plan = PLAN) -> list[str]:
    found = select(plan, group, frozenset(f"group_{each[0]}_track_{each[1]}" for each in tracks))
    return [track.track.removeprefix("group_").replace("_track_", "") for track in found]


def test_every_current_group_is_offered() -> None:
    """Several at once; a track that waits for one that does not run in this run is not."""
    assert current(PLAN.tracks) == ("B", "C")
    assert _select() == ["B1", "B2", "B3", "C1", "C2"]


@pytest.mark.parametrize("group", ["B", "b", " b ", "Readings", "READINGS"])
def test_a_group_is_named_by_letter_or_name(group: str) -> None:
    """Whatever the case."""
    assert _select(group) == ["B1", "B2", "B3"]


def test_a_group_alone_keeps_its_order() -> None:
    """What waits for another group's open track is not offered with it."""
    assert _select("C") == ["C1"]
    assert [track.depends_on[-1] for track in select(PLAN, "B", frozenset()) if track.number == "3"] == [
        "group_B_track_1"
    ]


def test_the_exact_letter_comes_first() -> None:
    """Where two differ only by case, what is written counts."""
    tracks = (Track("x", "x", 1, group="a"), Track("y", "y", 2, group="A"))
    plan = Plan("p", "roadmap", tracks, groups={"a": "", "A": ""})
    assert [track.track for track in select(plan, "A", frozenset())] == ["y"]
    assert [track.track for track in select(plan, "a", frozenset())] == ["x"]


def test_an_unknown_group_lists_those_there_are() -> None:
    """With their names, and nothing raw in it."""
    with pytest.raises(NotFound, match="no group 'Q") as caught:
        _select("Q\x1b[31m")
    assert "\x1b" not in caught.value.message
    assert caught.value.hint == ("the groups are A (Ground), B (Readings), C (Models), D (Warnings), E (Empty of work)")
    with pytest.raises(NotFound) as caught:
        select(roadmap.parse("x", "- **Track 1: a**\n"), "A", frozenset())
    assert caught.value.hint == "the plan has no groups"
    with pytest.raises(NotFound) as caught:
        select(roadmap.parse("x", "## Group B\n- **Track 1: a**\n"), "A", frozenset())
    assert caught.value.hint == "the groups are B"


def test_a_group_that_must_wait_is_refused() -> None:
    """With the line that says so, and what is still open."""
    with pytest.raises(
        NotIndependent, match=r"group d cannot start yet: Prerequisites: Groups B \+ C complete \(line 20\)"
    ) as caught:
        _select("d")
    assert caught.value.hint.startswith("still open: group_B_track_1, group_B_track_2")


def test_tracks_are_named_one_by_one() -> None:
    """In the order of the document, in or out of the current groups; a settled one is simply not offered."""
    assert _select(None, "C1", "B1", "A1") == ["B1", "C1"]
    assert _select("B", "B2") == ["B2"]
    assert _select(None, "E1") == []


def test_a_named_track_that_must_wait_is_refused() -> None:
    """Unless what it waits for is named too."""
    assert _select(None, "B1", "B3") == ["B1", "B3"]
    with pytest.raises(
        NotIndependent, match=r"track group_B_track_3 cannot start yet: .*after Track 1 \(line 11\)"
    ) as caught:
        _select(None, "B3", "B2")
    assert caught.value.hint == "still open: group_B_track_1"


def test_an_unknown_track_lists_those_there_are() -> None:
    """Of the group, where one is named."""
    with pytest.raises(NotFound, match="there is no track group_Z_track_9") as caught:
        _select(None, "Z9")
    assert caught.value.hint.endswith("and 2 more")
    with pytest.raises(NotFound, match="there is no track group_B_track_1 in group C") as caught:
        _select("C", "B1")
    assert caught.value.hint == "the tracks are group_C_track_1, group_C_track_2"


def test_nothing_open_is_an_empty_answer() -> None:
    """The caller knows how to say so."""
    assert _select("E") == []
    done: Mark = "done"
    assert select(Plan("p", "roadmap", (Track("a", "a", 1, state=done),)), None, frozenset()) == ()
    assert select(Plan("p", "roadmap", ()), None, frozenset()) == ()


def test_a_track_without_a_rule_shows_its_line() -> None:
    """Whoever made the plan."""
    plan = Plan("p", "roadmap", (Track("a", "a", 3), Track("b", "b", 4, depends_on=("a",))))
    with pytest.raises(NotIndependent, match="track b cannot start yet, line 4"):
        select(plan, None, frozenset({"b"}))
