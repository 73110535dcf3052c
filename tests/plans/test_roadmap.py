"""Roadmaps: the forms that people write, and hostile ones."""

from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings

from orchestrator.core.graph import Graph
from orchestrator.core.name import is_name
from orchestrator.core.text import visible
from orchestrator.core.track import Plan, Track
from orchestrator.errors import CannotParse
from orchestrator.plans import document, roadmap
from orchestrator.plans.selection import select
from tests.plans import strange

DATA = Path(__file__).parents[1] / "data" / "plans"
STATES = {".": "open", "x": "done", "~": "in_progress", "-": "skipped"}


def _sample(name: str) -> Plan:
    return roadmap.parse(name, (DATA / name).read_bytes().decode("utf-8"))


def _brief(plan: Plan) -> dict[str, str]:
    """The states of each group's tracks, one sign a track."""
    signs = {state: sign for sign, state in STATES.items()}
    groups: dict[str, str] = {}
    for track in plan.tracks:
        groups[track.group or ""] = groups.get(track.group or "", "") + signs[track.state]
    return groups


def _track(plan: Plan, name: str) -> Track:
    found = plan.find(name)
    assert found is not None
    return found


def _rules(plan: Plan) -> list[tuple[str, str, int]]:
    return [(each.level, each.rule, each.line) for each in plan.findings if each.level != "ok"]


def test_a_roadmap_of_groups() -> None:
    """The long form: done, half done, in progress, skipped, prerequisites of all kinds, and much that is no work."""
    plan = _sample("roadmap_groups.md")
    assert _brief(plan) == {"A": "xx", "B": "xxx", "C": "x.~.-.", "D": "...", "E": "..", "F": ".."}
    assert plan.groups["C"] == "Models"
    needs = {track.track: {name[6] for name in track.depends_on if name[6] != track.group} for track in plan.tracks}
    assert needs["group_C_track_1"] == {"A"}
    assert needs["group_D_track_2"] == {"B", "C"}
    assert needs["group_E_track_2"] == {"B"}
    assert needs["group_F_track_1"] == {"C", "D", "E"}
    assert _rules(plan) == [("warn", "prerequisites", 148)]
    assert [each.message for each in plan.findings if each.rule == "current"] == [
        "work can start in group C (Models), E (Small Machines)"
    ]
    assert [len(wave) for wave in Graph(plan.tracks).waves()] == [3, 2, 1, 3, 2]
    assert [track.track for track in select(plan, "e", frozenset())] == ["group_E_track_1", "group_E_track_2"]


def test_what_a_track_carries() -> None:
    """Line, title, group, number, files, estimate, acceptance, body as it stands, and why it waits."""
    track = _track(_sample("roadmap_groups.md"), "group_C_track_2")
    assert (track.line, track.title, track.number) == (71, "Networking for Working Stations", "2")
    assert (track.group, track.group_name, track.state) == ("C", "Models", "open")
    assert (track.paths, track.estimate) == (("tidemark/models/mesh.py",), 120)
    assert track.acceptance == ("A station must answer within a second",)
    assert track.body == (
        "   - `tidemark/models/mesh.py` - who talks to whom\n   - Estimate: 2h\n"
        "   - A station must answer within a second\n"
    )
    assert (
        track.rule
        == "Prerequisites: Group A complete (needs shapes), but can develop in parallel with Group B (line 63)"
    )
    tests = _track(_sample("roadmap_groups.md"), "group_C_track_6")
    assert tests.depends_on[2:] == tuple(f"group_C_track_{number}" for number in range(1, 6))
    assert tests.rule.endswith("; the tests of a group run last (line 86)")


def test_a_roadmap_of_headings() -> None:
    """Streams, tracks as headings, front matter, prerequisites as a list."""
    plan = _sample("roadmap_headings.md")
    assert _brief(plan) == {"A": "xx", "B": "~-.", "C": "."}
    assert _track(plan, "group_A_track_1").body == "Reads the office's sheets into `ferry/hours.csv`.\n"
    assert _track(plan, "group_B_track_1").body.endswith("1. **Track 7: a note, not a track**\n")
    board = _track(plan, "group_C_track_1")
    assert (
        board.rule
        == "Prerequisites: Stream A complete; Stream B complete (line 47); Needs Track 2 of Stream B (line 54)"
    )
    assert _rules(plan) == [("warn", "outside_group", 60)]


def test_a_roadmap_of_tables() -> None:
    """Rows are tracks where a table has the columns; other tables are not touched."""
    plan = _sample("roadmap_table.md")
    assert _brief(plan) == {"1": "x~.-", "2": "...", "3": ".x"}
    assert _track(plan, "group_1_track_T-1").title == "Plant the *old* sorts"
    assert _track(plan, "group_1_track_T-2").paths == ("orchard/water.py", "orchard/clock.py")
    press = _track(plan, "group_2_track_1.2")
    assert (press.depends_on[-1], press.estimate, press.body) == (
        "group_2_track_1.1",
        90,
        "Depends on: 1.1\nEstimate: 1h30m",
    )
    assert _rules(plan) == [("warn", "status", 20), ("warn", "row", 21), ("warn", "table", 31)]


def test_a_roadmap_of_boxes() -> None:
    """No groups, boxes as marks."""
    plan = _sample("roadmap_boxes.md")
    assert _brief(plan) == {"": "x.~-."}
    assert [(track.track, track.depends_on) for track in plan.tracks if track.depends_on] == [
        ("track_2", ("track_1",)),
        ("track_5", ("track_2",)),
    ]
    assert _rules(plan) == []


GROUP = "## Group A: One\n- **Track 1: a**\n"
CIRCLE = """## Group A: One
**Prerequisites:** Group B
- **Track 1: a**
## Group B: Two
**Prerequisites:** Group A
- **Track 1: a**
"""


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (GROUP + "## Group B: Two\n**Prerequisites:** Group Q\n- **Track 1: a**\n", [("error", "unknown_group", 4)]),
        (
            GROUP + "## Group B: Two [DONE]\n**Prerequisites:** Group Q\n- **Track 1: a**\n",
            [("warn", "unknown_group", 4)],
        ),
        (GROUP + "## Group B: Two [DONE]\nPrerequisites: whatever\n- **Track 1: a**\n", []),
        (CIRCLE, [("error", "cycle", 3)]),
        ("## Group A: One\n**Prerequisites:** Group A\n- **Track 1: a**\n", [("error", "cycle", 3)]),
        (GROUP + "- **Track 1: b**\n", [("error", "duplicate_id", 3)]),
        (GROUP + "## Group a: Two\n**Prerequisites:** None\n- **Track 1: b**\n", [("error", "duplicate_id", 5)]),
        (GROUP + "## Group B: Two\n- **Track 1: b**\n", [("warn", "prerequisites", 3)]),
        (GROUP + "## Group A: More\n- **Track 2: b**\n", [("warn", "group", 3)]),
        (GROUP + "## Group B: Two\n1. a plain item\n", [("warn", "no_tracks", 3)]),
        (GROUP + "## Group B [DONE]\nall of it\n", []),
        ("## Phase 1: Outer\n### Group A: One\n- **Track 1: a**\n## Phase 2: Other\n", [("warn", "no_tracks", 4)]),
        (
            GROUP + "## Group B: Two\nPrerequisites: Group C\n- **Track 1: b**\n## Group C: Three\n",
            [("error", "unknown_group", 4), ("warn", "no_tracks", 6)],
        ),
        (GROUP + "## Group B: Two\nPrerequisites: Group C\n- **Track 1: b**\n## Group C: Three [DONE]\n", []),
        (GROUP + "  - **Status:** Complete\n", [("warn", "status", 3)]),
        (GROUP + "  - **Status:** Pending\n- [ ] **Track 2: b**\n  - Status: done\n", []),
        (GROUP + "  - after Track 7\n", [("error", "unknown_track", 3)]),
        ("## Group A: One\n- **Track 1: a** [DONE]\n  - after Track 7\n", [("warn", "unknown_track", 3)]),
        (GROUP + "  - `x.py`\n- **Track 2: b**\n  - `x.py`\n", [("warn", "shared_path", 4)]),
    ],
)
def test_doubts_are_found_with_their_lines(text: str, findings: list[tuple[str, str, int]]) -> None:
    """What forbids a run is an error, unless the work it is about is settled; what is read one way is a warning."""
    plan = roadmap.parse("x", text)
    assert _rules(plan) == findings
    assert len(plan.errors) == sum(level == "error" for level, _, _ in findings)


@pytest.mark.parametrize("text", ["", "\n", "# A\n\ntext\n", "## Group A: One\n\nnothing\n", "- [ ] a\n"])
def test_a_text_without_tracks_is_refused(text: str) -> None:
    """The hint says how tracks are written."""
    with pytest.raises(CannotParse) as caught:
        roadmap.parse("x", text)
    assert "1. **Track 1: Title**" in caught.value.hint


def test_a_refusal_says_what_came_nearest() -> None:
    """With its line: nobody should have to guess why a text holds no track."""
    with pytest.raises(CannotParse, match=r"no tracks found in x; line 3: 'Track 1: a' is no list item"):
        roadmap.parse("x", "## Group A: One\n\nTrack 1: a\n")


def test_long_rules_are_cut() -> None:
    """A hundred statements are shown by their first."""
    text = "## Group A: One\n" + "Prerequisites: None\n" * 100 + "\n- **Track 1: a**\n"
    rule = roadmap.parse("x", text).tracks[0].rule
    assert rule.count("Prerequisites: None") == 5
    assert rule.endswith("; and more")


def test_multiplied_dependencies_are_refused() -> None:
    """One clear line instead of a full memory."""
    rows = "".join(f"- **Track {number}: a** after all other tracks\n" for number in range(2500))
    with pytest.raises(CannotParse, match="in more than"):
        roadmap.parse("x", "## Group A: One\n" + rows)


def test_a_title_of_five_thousand_characters_is_a_title() -> None:
    """Its name stays short, and so does what is said about it."""
    plan = roadmap.parse("x", f"## Group A: One\n- **Track 1: {'x' * 5000}** ✅ 🔄\n")
    assert len(plan.tracks[0].title) == 5000
    assert plan.tracks[0].track == "group_A_track_1"
    assert all(len(each.message) < 400 for each in plan.findings)


GROWING = {
    "tracks": ("1. **Track {}: a**\n   - `src/{}.py`\n", ""),
    "groups": ("## Group A{}: One\n**Prerequisites:** Group A{}\n- **Track 1: a**\n", ""),
    "chain": ("- **Track {}: a** after Track {}\n", ""),
    "mentions": ("after Track {}, ", "- **Track 1: a**\n  - "),
    "statements": ("Prerequisites: Group A\n", "## Group A: One\n- **Track 1: a**\n\n"),
    "labels": ("**Prerequisites:**\n\n", "## Group A: One\n- **Track 1: a**\n\n"),
    "backticks": ("` `` ", "- **Track 1: a**\n  - "),
    "comments": ("<!--", "- **Track 1: a**\n  - "),
    "fences": ("```\n\n# a\n", "- **Track 1: a**\n\n"),
}


@pytest.mark.parametrize("shape", GROWING)
def test_time_grows_with_the_text(shape: str) -> None:
    """Four times the text takes about four times as long, not sixteen times."""
    row, first = GROWING[shape]

    def seconds(rows: int) -> float:
        text = first + "".join(row.replace("{}", str(number)) for number in range(rows))
        began = process_time()
        roadmap.parse("x", text)
        return process_time() - began

    rows = 20_000 // len(row)
    assert min(seconds(4 * rows) for _ in range(2)) < 9 * max(seconds(rows), 0.02)


@settings(max_examples=250)
@given(strange.roadmaps)
def test_strange_roadmaps_are_read_or_refused(text: str) -> None:
    """Never another error; names are safe; lines hold what they should; nothing raw is in a message."""
    try:
        plan = roadmap.parse("x\x1b", text)
    except CannotParse:
        return
    lines = document.read(text).lines
    for track in plan.tracks:
        assert is_name(track.track)
        line = lines[track.line - 1].replace("\x00", "\ufffd").replace("**", "")
        assert track.title.split(" ")[0] in line or track.title.split(" ")[0] in line.replace("\\|", "|")
        assert "\n" not in track.title
        assert visible(track.rule, 10_000) == track.rule
    for finding in plan.findings:
        assert visible(finding.message, 10_000) == finding.message
        assert 0 <= finding.line <= len(lines)
    if not plan.errors:
        assert {track.track for track in select(plan, None, frozenset())} <= {track.track for track in plan.tracks}
