"""Sections of one letter are one group."""

from orchestrator.plans import outline
from orchestrator.plans.document import read
from orchestrator.plans.groups import Group, collect


def _groups(text: str) -> dict[str | None, Group]:
    return collect(outline.read(read(text)))


def test_headings_of_one_letter_make_one_group() -> None:
    """Its tracks come in order, each name once, and a number means the first that bears it."""
    groups = _groups(
        "## Group A: One\n- **Track 1: a**\n## Group B: Two\n- **Track 1: b**\n"
        "## Group A: More\n- **Track 2: c**\n- **Track 2: d**\n"
    )
    assert list(groups) == ["A", "B"]
    assert groups["A"].ids == ("group_A_track_1", "group_A_track_2")
    assert len(groups["A"].entries) == 3
    assert groups["A"].numbers == {"1": "group_A_track_1", "2": "group_A_track_2"}


def test_a_group_is_settled_when_its_tracks_are() -> None:
    """An unmarked heading does not keep it; where there is no track, the heading speaks."""
    groups = _groups(
        "## Group A: One\n- **Track 1: a** ✅\n- **Track 2: b** [SKIPPED]\n## Group B: Two\n- **Track 1: c**\n"
        "## Group C: Three [DONE]\n## Group D: Four\n"
    )
    assert {key: group.settled for key, group in groups.items()} == {"A": True, "B": False, "C": True, "D": False}
