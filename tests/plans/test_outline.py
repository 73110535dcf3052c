"""The outline of a roadmap: groups, tracks, and how far they are."""

import pytest

from orchestrator.core.name import is_name
from orchestrator.core.track import Finding
from orchestrator.plans import outline
from orchestrator.plans.document import read
from orchestrator.plans.outline import Section


def _sections(text: str) -> tuple[Section, ...]:
    return outline.read(read(text))


def _tracks(text: str) -> list[tuple[str, int, str]]:
    return [(entry.track, entry.line, entry.state) for section in _sections(text) for entry in section.entries]


def _findings(text: str) -> list[Finding]:
    return [finding for section in _sections(text) for finding in section.findings]


def test_tracks_stand_under_their_heading() -> None:
    """Lists, headings and tables alike, in one group even."""
    text = (
        "# Plan\n### Group A: One\n1. **Track 1: a**\n#### Track 2: b\ndetail\n#### Track 3: c\n"
        "### Group B: Two\n| ID | Task | Status |\n|---|---|---|\n| 1 | d | Done |\n"
    )
    assert _tracks(text) == [
        ("group_A_track_1", 3, "open"),
        ("group_A_track_2", 4, "open"),
        ("group_A_track_3", 6, "open"),
        ("group_B_track_1", 10, "done"),
    ]


def test_a_group_ends_at_the_next_heading_of_its_level_or_above() -> None:
    """What comes after it belongs to nobody, and that is said once."""
    text = (
        "### Group A: One\n- **Track 1: a**\n#### Tracks\n- **Track 2: b**\n### Notes on the whole\n"
        "- **Track 3: c**\n- **Track 4: d**\n"
    )
    assert [track for track, _, _ in _tracks(text)] == ["group_A_track_1", "group_A_track_2"]
    assert [(each.rule, each.line) for each in _findings(text)] == []
    lost = text.replace("Notes on the whole", "Later")
    assert [(each.rule, each.line) for each in _findings(lost)] == [("outside_group", 6)]


def test_headings_of_tracks_may_stand_as_high_as_their_group() -> None:
    """They do not end it; the next heading does."""
    text = "## Group A: One\n## Track 1: a\ntext\n## Track 2: b\n## Last words\n## Track 3: c\n"
    assert [track for track, _, _ in _tracks(text)] == ["group_A_track_1", "group_A_track_2"]


def test_groups_may_stand_inside_of_others() -> None:
    """And when the inner one ends, the outer goes on."""
    text = "## Phase 1: Outer\n### Group A: Inner\n- **Track 1: a**\n### More\n- **Track 2: b**\n"
    assert [track for track, _, _ in _tracks(text)] == ["group_1_track_2", "group_A_track_1"]


def test_a_text_without_groups_has_tracks_too() -> None:
    """Their names have no letter; groups without tracks do not change that."""
    assert [track for track, _, _ in _tracks("- **Track 1: a**\n## Track 2: b\n")] == ["track_1", "track_2"]
    assert [track for track, _, _ in _tracks("- **Track 1: a**\n## Group A: empty\n")] == ["track_1"]


@pytest.mark.parametrize(
    "text",
    [
        "**Deliverables:**\n- Track 1: the parser\n",
        "**Success Criteria:**\n\n- Track 1: tested\n",
        "- **Deliverables:**\n  - Track 1: the parser\n",
        "#### Verification\n- **Track 1: looked at**\n",
        "#### Examples\n\n| ID | Task | Status |\n|---|---|---|\n| 1 | d | Done |\n",
        "```\n1. **Track 1: code**\n```\n",
        "<!--\n1. **Track 1: comment**\n-->\n",
        "> 1. **Track 1: quotation**\n",
        "    1. **Track 1: code**\n",
    ],
)
def test_what_is_not_work_is_no_track(text: str) -> None:
    """Lists of something else, code, comments and quotations."""
    found = _sections(f"### Group A: One\n1. **Track 9: real**\n\n{text}")
    assert [entry.track for section in found for entry in section.entries] == ["group_A_track_9"]


def test_groups_under_an_example_are_examples() -> None:
    """A roadmap may explain how it is written."""
    text = "## Format\n### Group X: Name\n- **Track 1: Title**\n## Work\n### Group A: One\n- **Track 1: a**\n"
    assert [track for track, _, _ in _tracks(text)] == ["group_A_track_1"]


@pytest.mark.parametrize(
    "heading",
    [
        "# Template engine: the roadmap",
        "## Formats and files",
        "# Notes app",
        "## Reference counting",
        "#### Format Converters",
    ],
)
def test_a_title_is_not_taken_for_an_example(heading: str) -> None:
    """Only a heading that says nothing else sets aside what stands below it."""
    level = "#####" if heading.startswith("####") else "###"
    text = f"{heading}\n{level} Group A: One\n**Format converters:**\n- **Track 1: a**\n"
    assert [track for track, _, _ in _tracks(text)] == ["group_A_track_1"]
    assert [track for track, _, _ in _tracks(f"{heading}\n- **Track 1: a**\n")] == ["track_1"]


def test_what_is_set_aside_is_said_where_it_is_nowhere_else() -> None:
    """A second mention of a track is nothing to speak of; a track of its own is."""
    text = "### Group A: One\n- **Track 1: a**\n\n**Deliverables:**\n- Track 1: the parser\n- Track 2: the rest\n"
    assert [(each.rule, each.line) for each in _findings(text)] == [("not_a_track", 6)]


def test_details_may_be_indented_too_little() -> None:
    """Two blanks below ``1.`` and three below ``10.`` are no nesting for Markdown, and yet clear."""
    text = (
        "### Group A: One\n1. **Track 1: a**\n  - two\n  - Track usage: x\n"
        "10. **Track 10: b**\n   - three\n\n   - more\n"
        "- beside\n  1. **Track 11: c**\n  - beside too\n  2. **Track 12: d**\n"
    )
    (section,) = _sections(text)
    assert [(entry.label.key, entry.line, entry.end) for entry in section.entries] == [
        ("1", 2, 4),
        ("10", 5, 8),
        ("11", 10, 10),
        ("12", 12, 12),
    ]
    assert [[part.text for part in entry.parts] for entry in section.entries] == [
        ["two", "Track usage: x"],
        ["three", "more"],
        [],
        [],
    ]
    assert [block.text for block in section.rest] == ["beside", "beside too"]


def test_tracks_inside_of_tracks_are_details() -> None:
    """Only the outer one is work; an item that is no track may hold some."""
    text = "### Group A: One\n- Parallel:\n  1. **Track 1: a**\n     - Track 7: not this\n  2. **Track 2: b**\n"
    assert [track for track, _, _ in _tracks(text)] == ["group_A_track_1", "group_A_track_2"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("**Track 1: a paragraph**", "not_a_track"),
        ("- Track 1 and nothing more", "not_a_track"),
        ("#### Track: no number", "not_a_track"),
        ("- [x] **Track 1: a** 🔄", "mark"),
        ("- Track 1: the [DONE] sign of it", "mark"),
        ("| Task ID | Description |\n|---|---|\n| 1 | a |", "table"),
        ("| ID | Task | Status |\n|---|---|---|\n| 1 | a | Someday |", "status"),
        ("| ID | Task | Status |\n|---|---|---|\n| - | a | Open |", "row"),
    ],
)
def test_what_is_doubtful_is_said_with_its_line(line: str, rule: str) -> None:
    """One warning, with the line that it is about."""
    found = _findings(f"### Group A: One\n1. **Track 9: real**\n\n{line}\n")
    last = 4 + line.count("\n")
    assert [(each.level, each.rule, each.line) for each in found] == [("warn", rule, 4 if rule == "table" else last)]


@pytest.mark.parametrize(
    ("heading", "mark", "state"),
    [
        ("[DONE]", "", "done"),
        ("[DEFERRED]", "", "skipped"),
        ("[IN PROGRESS]", "", "open"),
        ("", "[DONE]", "done"),
        ("[DONE]", "[IN PROGRESS]", "in_progress"),
        ("[SKIPPED]", "[DONE]", "done"),
    ],
)
def test_a_mark_on_the_heading_is_for_all_its_tracks(heading: str, mark: str, state: str) -> None:
    """As long as a track says nothing else itself."""
    assert _tracks(f"### Group A: One {heading}\n- **Track 1: a** {mark}\n") == [("group_A_track_1", 2, state)]


def test_headings_and_tracks_that_disagree_are_noticed() -> None:
    """The track's own mark is right; one without a mark follows the heading, and both are said."""
    text = (
        "### Group A: One ✅ [IN PROGRESS]\n- **Track 1: a** [DONE]\n"
        "### Group B: Two [DONE]\n- [ ] **Track 1: a**\n- **Track 2: b** [DONE]\n- **Track 3: c**\n"
        "- **Track 4: d** [SKIPPED]\n"
        "### Group C: the [DONE] one [DONE]\n- **Track 1: a**\n"
    )
    assert [(each.rule, each.line) for each in _findings(text)] == [("mark", 1), ("mark", 4), ("mark", 6), ("mark", 8)]
    assert [state for _, _, state in _tracks(text)] == ["done", "open", "done", "done", "skipped", "done"]


@pytest.mark.parametrize(
    ("group", "number", "name"),
    [
        ("E", "1", "group_E_track_1"),
        (None, "1", "track_1"),
        ("3.4", "1.2", "group_3.4_track_1.2"),
        ("../x", "a/b", "group_x_track_a-b"),
        ("E", "x.lock", "group_E_track_x-lock"),
        ("E", "1.", "group_E_track_1"),
        (None, "..", "track_untitled"),
        ("Ω", "\u0661", "group_untitled_track_untitled"),
        ("A" * 200, "1", "group_" + "a" * 40 + "_track_1"),
        ("A" * 99, "9" * 99, "group_" + "a" * 40 + "_track_" + "9" * 40),
        ("e\x1b[0m", "\x00", "group_e-0m_track_untitled"),
    ],
)
def test_names_of_tracks(group: str | None, number: str, name: str) -> None:
    """As written where that makes a name, a slug where not; always a safe name."""
    assert outline.track_id(group, number) == name
    assert is_name(name)


def test_sections_know_their_groups() -> None:
    """Letter, name and state; the section of a text without groups has none of them."""
    (group,) = _sections("### Group A: One [DONE]\n- **Track 1: a**\n")
    assert (group.key, group.name, group.state, group.line) == ("A", "One", "done", 1)
    (alone,) = _sections("- **Track 1: a**\n")
    assert (alone.key, alone.name, alone.state) == (None, "", None)
