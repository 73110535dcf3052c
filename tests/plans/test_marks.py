"""One track is marked as done, and nothing else changes."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import CannotParse, NotFound
from orchestrator.plans import document, marks, roadmap
from tests.plans import strange

DATA = Path(__file__).parents[1] / "data" / "plans"


@pytest.mark.parametrize(
    ("line", "done"),
    [
        ("1. **Track 1: T**", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1: T** (all parallel)", "1. **Track 1: T** (all parallel) ✅ **[DONE]**"),
        ("1. **Track 1: T** 🔄 **[IN PROGRESS]", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1: T** 🔄 **[IN PROGRESS]** (all parallel)", "1. **Track 1: T** (all parallel) ✅ **[DONE]**"),
        ("1. **Track 1: T** **🔄 [IN PROGRESS]**", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1: T [IN PROGRESS]**", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1: T**[IN PROGRESS]", "1. **Track 1: T**[IN PROGRESS]"[:17] + " ✅ **[DONE]**"),
        ("1. **Track 1: T", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1: T 🔄 [IN PROGRESS]", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1: T** 🔄 IN PROGRESS", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1: T** ✅ [IN PROGRESS]", "1. **Track 1: T** ✅"),
        ("1. Track 1: T** b [PENDING]", "1. Track 1: T** b ✅ **[DONE]**"),
        ("1. 🔄 **Track 1: T**", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **🔄 Track 1: T**", "1. **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1", "1. **Track 1** ✅ **[DONE]**"),
        ("1. [ ] *🔄*Track 1: T", "1. [x] Track 1: T"),
        ("1. [ ] 🔄**Track 1: T**", "1. [x] **Track 1: T**"),
        ("1. *[DEFERRED]* Track 1: T", "1. Track 1: T ✅ **[DONE]**"),
        ("1. Track 1: T - IN PROGRESS", "1. Track 1: T ✅ **[DONE]**"),
        ("- [ ] **Track 1: T**", "- [x] **Track 1: T**"),
        ("* [~] Track 1: T 🔄", "* [x] Track 1: T"),
        ("- [ ] **Track 1: T** ✅", "- [x] **Track 1: T** ✅"),
        ("-\t**Track 1: T**  ", "-\t**Track 1: T** ✅ **[DONE]**  "),
        ("- - **Track 1: T**", "- - **Track 1: T** ✅ **[DONE]**"),
        ("1. **Track 1: T** <!-- a note", "1. **Track 1: T** ✅ **[DONE]** <!-- a note"),
        ("1. **Track 1: T** <!-- a note -->", "1. **Track 1: T** <!-- a note --> ✅ **[DONE]**"),
        ("1. **Track 1: `<!--`**", "1. **Track 1: `<!--`** ✅ **[DONE]**"),
        ("1. **Track 1: a\n   title** (b)", "1. **Track 1: a ✅ **[DONE]**\n   title** (b)"),
        ("1. **Track 1 (all\n   parallel): T**", "1. **Track 1 (all ✅ **[DONE]**\n   parallel): T**"),
        ("#### Track 1: T", "#### Track 1: T ✅ **[DONE]**"),
        ("#### Track 1: T ####", "#### Track 1: T ✅ **[DONE]** ####"),
        ("#### Track 1: T [NOT STARTED] ##  ", "#### Track 1: T ✅ **[DONE]** ##  "),
        ("Track 1: T\n==========", "Track 1: T ✅ **[DONE]**\n=========="),
    ],
)
def test_forms_of_lines(line: str, done: str) -> None:
    """The mark stands where people put it, other marks are gone, bold is closed, and once is enough."""
    before = (
        "# Plan\n\n## Group A: One\n\n#### Track 9: z\n\n" if line[0] in "#T" else "## Group A: One\n\n- Track 9: z\n"
    )
    before = before if line[:5] != "Track" else "- **Track 9: z**\n\n"
    track = "track_1" if line[:5] == "Track" else "group_A_track_1"
    result = marks.done(before + line, track)
    assert result == before + done
    assert marks.done(result, track) == result
    found = roadmap.parse("x", result).find(track)
    assert found is not None
    assert found.state == "done"


@pytest.mark.parametrize(
    ("heading", "done"),
    [
        ("### Group A: One", "### Group A: One **[DONE]**"),
        ("### **Group A: One** 🌊", "### **Group A: One** 🌊 **[DONE]**"),
        ("### **Group A: One** 🔄 **[IN PROGRESS]", "### **Group A: One** **[DONE]**"),
        ("## Stream A: One - DEFERRED", "## Stream A: One **[DONE]**"),
        ("## Phase A ##", "## Phase A **[DONE]** ##"),
        ("\ufeff## Group A: One", "\ufeff## Group A: One **[DONE]**"),
        ("Group A: One\n---", "Group A: One **[DONE]**\n---"),
        ("## Group A: One ✅", "## Group A: One ✅"),
    ],
)
def test_the_heading_of_a_group_follows_its_last_track(heading: str, done: str) -> None:
    """Not before; and a heading that says so already stays."""
    text = heading + "\n- **Track 1: a** [IN PROGRESS]\n- **Track 2: b** 🔄\n"
    once = marks.done(text, "group_A_track_1")
    assert once.startswith(heading + "\n")
    twice = marks.done(once, "group_A_track_2")
    assert twice == done + "\n- **Track 1: a** ✅ **[DONE]**\n- **Track 2: b** ✅ **[DONE]**\n"


def test_a_skipped_track_keeps_its_group_open() -> None:
    """The heading is marked when all tracks are done, not when all are settled."""
    text = "## Group A: One\n- **Track 1: a** [SKIPPED]\n- **Track 2: b**\n"
    assert marks.done(text, "group_A_track_2").startswith("## Group A: One\n")


@pytest.mark.parametrize(
    ("row", "done"),
    [
        ("| 1 | a | Open |", "| 1 | a | [DONE] |"),
        ("| 1 | a \\| b | [ ] |", "| 1 | a \\| b | [x] |"),
        ("1 | a", "1 | a | [DONE] |"),
    ],
)
def test_rows_of_tables(row: str, done: str) -> None:
    """Only the cell of the status changes."""
    text = f"| # | Task | Status |\r\n|---|---|---|\r\n{row}\r\n| 2 | b | Open |\r\n"
    assert marks.done(text, "track_1") == text.replace(row, done)


def test_every_other_byte_stays() -> None:
    """Byte-order mark, mixed line ends, tabs, odd separators, and no line end at the end."""
    text = "\ufeff# P\r\n\r\n## Group A: One\r\n\r- **Track 1: a**\r\n\t- \x0b\x85\u2028 x\n\r\n- **Track 2: b\x00**"
    assert marks.done(text, "group_A_track_1") == text.replace("a**", "a** ✅ **[DONE]**")
    assert marks.done(text, "group_A_track_2") == text + " ✅ **[DONE]**"


def test_a_heading_that_would_become_a_table_is_left_alone() -> None:
    """A bar in it, and a row of dashes below, are a table as soon as the columns agree."""
    text = "## Group A: One | Two |\n|---|---|---|\n\n- [ ] **Track 1: a**\n"
    assert marks.done(text, "group_A_track_1") == text.replace("[ ]", "[x]")


def test_a_track_that_would_become_a_table_is_refused() -> None:
    """Better no mark than a lost track."""
    text = "- **Track 9: b | c**\n\n- **Track 1: a | b |**\n  |---|---|---|\n"
    assert "b | c** ✅" in marks.done(text, "track_9")
    with pytest.raises(CannotParse, match="line 3 would become a table"):
        marks.done(text.replace("|**", "|"), "track_1")


def test_an_unknown_track_is_refused() -> None:
    """Also where it only looks like one; nothing raw is said."""
    text = "## Group A: One\n- **Track 1: a**\n```\n- **Track 2: b**\n```\n"
    for name in ("group_A_track_2", "group_a_track_1", "\x1b[31m"):
        with pytest.raises(NotFound, match="there is no track") as caught:
            marks.done(text, name)
        assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("roadmap_*.md")))
def test_samples_one_track_after_the_other(name: str) -> None:
    """In the end every track is done, and the text differs in the lines of tracks and groups alone."""
    text = original = (DATA / name).read_bytes().decode("utf-8")
    for track in roadmap.parse(name, text).tracks:
        text = marks.done(text, track.track)
    plan = roadmap.parse(name, text)
    assert {track.state for track in plan.tracks} == {"done"}
    changed = [
        number
        for number, pair in enumerate(zip(original.split("\n"), text.split("\n"), strict=True), 1)
        if pair[0] != pair[1]
    ]
    headings = [number for number, line in enumerate(original.split("\n"), 1) if line.startswith("##")]
    assert set(changed) <= {track.line for track in plan.tracks} | set(headings)


@settings(max_examples=250)
@given(strange.roadmaps, st.randoms(use_true_random=False))
def test_strange_roadmaps_change_in_one_line(text: str, choice: Random) -> None:
    """That of the track, and that of its group's heading; names stay, the track is done, and once is enough."""
    try:
        plan = roadmap.parse("x", text)
    except CannotParse:
        return
    track = plan.tracks[choice.randrange(len(plan.tracks))]
    result = marks.done(text, track.track)
    before, after = document.read(text).lines, document.read(result).lines
    assert len(before) == len(after)
    lines = {each.line for each in plan.tracks if each.track == track.track}
    headings = {number for number, line in enumerate(before, 1) if "Group" in line}
    changed = {number for number, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]}
    assert len(changed & lines) <= 1
    assert changed - lines <= headings
    assert len(changed - lines) <= 1
    again = roadmap.parse("x", result)
    assert [each.track for each in again.tracks] == [each.track for each in plan.tracks]
    found = again.find(track.track)
    assert found is not None
    assert found.state == "done"
    assert marks.done(result, track.track) == result
