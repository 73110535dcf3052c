"""What would happen, said beforehand; and nothing happens."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.orchd import Ended
from tests.projects import Project

ROADMAP = """\
# Work

### **Group A: Base** ✅ **[DONE]**

1. **Track 1: Ground** ✅

### **Group B: Middle**

**Prerequisites**: Group A complete

1. **Track 1: Left** (all parallel)
   - `left.py`
   - it must stand
2. **Track 2: Right** 🔄 **[IN PROGRESS]** (~15 min)
   - `right.py`
3. **Track 3: Roof** (after Track 1)

### **Group C: Top**

**Prerequisites**: Group B complete

1. **Track 1: Flag**
"""
FIELDS = {"track", "title", "group", "state", "depends_on", "paths", "line", "estimate", "body", "acceptance"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A root with a roadmap."""
    made = Project(tmp_path / "project")
    made.write("ROADMAP.md", ROADMAP)
    made.write("orchestrator.toml", "")
    return made


def plan(project: Project, *words: str) -> Ended:
    """Ask for the plan; whatever the answer, nothing may have changed."""
    before = sorted(project.root.rglob("*"))
    said = project("plan", *words)
    assert sorted(project.root.rglob("*")) == before
    assert said.tame
    return said


def plans(project: Project, *commands: Sequence[str]) -> list[Ended]:
    """Ask for several plans, each in a process of its own; whatever the answers, nothing may have changed."""
    before = sorted(project.root.rglob("*"))
    said = project.many([("plan", *words) for words in commands], project.root.parent / "said")
    assert sorted(project.root.rglob("*")) == before
    assert all(each.tame for each in said)
    return said


def test_the_document(project: Project) -> None:
    """The form that scripts rely on."""
    said = plan(project, "ROADMAP.md", "--json")
    assert (said.status, said.err) == (0, "")
    document = said.document
    assert set(document) == {"source", "run", "tracks", "waves", "findings"}
    assert (document["source"], document["run"]) == (str(project.root / "ROADMAP.md"), "roadmap")
    assert document["waves"] == [
        ["group_B_track_1", "group_B_track_2"],
        ["group_B_track_3"],
        ["group_C_track_1"],
    ]
    tracks = document["tracks"]
    assert isinstance(tracks, list)
    assert all(set(each) == FIELDS for each in tracks)
    assert [(each["track"], each["state"], each["line"]) for each in tracks] == [
        ("group_A_track_1", "done", 5),
        ("group_B_track_1", "open", 11),
        ("group_B_track_2", "in_progress", 14),
        ("group_B_track_3", "open", 16),
        ("group_C_track_1", "open", 22),
    ]
    left, right = tracks[1], tracks[2]
    assert (left["paths"], left["acceptance"], right["estimate"]) == (["left.py"], ["it must stand"], 15)
    assert document["findings"]


def test_the_run_has_a_free_name(project: Project) -> None:
    """Where a run of that name exists, the next one is numbered."""
    (project.root / "runtime" / "parallel" / "roadmap").mkdir(parents=True)
    assert plan(project, "ROADMAP.md", "--json").document["run"] == "roadmap-2"


def test_the_table(project: Project) -> None:
    """A person sees each track with its wave, state, what it waits for and why, and what would start."""
    said = plan(project, "ROADMAP.md", "--agents", "1")
    assert said.status == 0
    rows = {line.split()[1]: line for line in said.out.splitlines() if "group_" in line and line[0] in "123-"}
    assert rows["group_B_track_1"].split()[:4] == ["1", "group_B_track_1", "open", "Left"]
    assert rows["group_B_track_3"].split()[0] == "2"
    assert "after Track 1 (line 16)" in rows["group_B_track_3"]
    assert rows["group_A_track_1"].split()[0] == "-"
    assert "a run takes on group_B_track_1, group_B_track_2, group_B_track_3" in said.out
    assert "with 1 at once it starts with group_B_track_1\n" in said.out


def test_a_part(project: Project) -> None:
    """A group by letter or name, or some tracks: what a run of that part would carry."""
    first, second, third = (f"group_B_track_{number}" for number in (1, 2, 3))
    parts = {
        ("--group", "B"): [first, second, third],
        ("--group", "middle"): [first, second, third],
        ("--tracks", f"{second}, {first}"): [first, second],
        ("--group", "A"): [],
    }
    for words, said in zip(parts, plans(project, *(("ROADMAP.md", "--json", *each) for each in parts)), strict=True):
        assert [each["track"] for each in said.document["tracks"]] == parts[words]


def test_a_part_that_cannot_be(project: Project) -> None:
    """What is not there, and what waits for something else: one line and what to do."""
    parts = {
        ("--group", "Z"): 64,
        ("--tracks", "group_Z_track_1"): 64,
        ("--tracks", "../x"): 64,
        ("--tracks", ","): 64,
        ("--agents", "0"): 64,
        ("--group", "C"): 4,
        ("--tracks", "group_B_track_3"): 4,
    }
    for words, said in zip(parts, plans(project, *(("ROADMAP.md", *each) for each in parts)), strict=True):
        assert (said.status, said.out) == (parts[words], "")
        assert said.err.count("\n") == 2
        assert "hint: " in said.err


CONFLICT = """\
### Group A: X

1. **Track 1: One** (~30 min)
   - `src/one.py`
2. **Track 2: Two** (~10 min)
   - `src/`
3. **Track 3: Three**
"""


def test_what_it_would_take(project: Project) -> None:
    """The critical path, and the time one after the other and side by side; what overlaps is not side by side."""
    project.write("ROADMAP.md", CONFLICT)
    lines = plan(project, "ROADMAP.md", "--agents", "3").out.splitlines()
    assert lines[-4:] == [
        "with 3 at once it starts with group_A_track_1, group_A_track_3",
        "critical path: group_A_track_1 (about 30m)",
        "one after the other: about 1h; 3 at once: about 40m, 1.5 times as fast",
        "1 of 3 do not say how long they take, and count as the mean, 20m",
    ]
    project.write("ROADMAP.md", CONFLICT.replace("(~30 min)", "").replace("(~10 min)", "(after Track 3)"))
    lines = plan(project, "ROADMAP.md", "--agents", "3").out.splitlines()
    assert lines[-2:] == [
        "critical path: group_A_track_3 -> group_A_track_2 (2 of 3)",
        "3 at once: 1.5 times as fast as one after the other; no track says how long it takes, so all count alike",
    ]


def test_a_long_critical_path(project: Project) -> None:
    """It is cut where nobody reads on."""
    rows = [
        f"{number}. **Track {number}: T**{f' (after Track {number - 1})' * (number > 1)}" for number in range(1, 12)
    ]
    project.write("ROADMAP.md", "### Group A: X\n\n" + "\n".join(rows) + "\n")
    assert " -> group_A_track_8 -> +3 (11 of 11)\n" in plan(project, "ROADMAP.md").out


def test_the_order_of_overlapping_tracks(project: Project) -> None:
    """With ``--order`` the later one waits, by the words that say so, and there is no doubt left."""
    project.write("ROADMAP.md", CONFLICT)
    before = plan(project, "ROADMAP.md", "--json").document
    assert before["waves"] == [["group_A_track_1", "group_A_track_2", "group_A_track_3"]]
    document = plan(project, "ROADMAP.md", "--json", "--order").document
    assert document["waves"] == [["group_A_track_1", "group_A_track_3"], ["group_A_track_2"]]
    findings = document["findings"]
    assert isinstance(findings, list)
    assert [each["rule"] for each in findings] == ["tracks", "current", "order"]
    said = plan(project, "ROADMAP.md", "--order").out
    assert "its paths overlap those of group_A_track_1 (src/one.py)" in said
    part = plan(project, "ROADMAP.md", "--order", "--tracks", "group_A_track_2").out
    assert "with 4 at once it starts with group_A_track_2\n" in part


def test_somebody_is_at_work(project: Project) -> None:
    """A track in progress is offered again once its owner is gone; until then it is not, nor what waits for it."""
    project.write("ROADMAP.md", ROADMAP.replace("(after Track 1)", "(after Track 2)"))
    project.claim("group_B_track_2")
    said = plan(project, "ROADMAP.md")
    assert "group_B_track_2 is being worked on and not taken on: process" in said.out
    assert "group_B_track_3 is not taken on: it waits for one that is being worked on" in said.out
    assert "a run takes on group_B_track_1\n" in said.out


def test_an_owner_that_is_gone(project: Project) -> None:
    """Its track was interrupted, and is offered again."""
    project.dead_claim("group_B_track_2")
    assert "a run takes on group_B_track_1, group_B_track_2, group_B_track_3\n" in plan(project, "ROADMAP.md").out


def test_nothing_is_open(project: Project) -> None:
    """A plan without work says so."""
    project.write("ROADMAP.md", ROADMAP.partition("### **Group B")[0])
    said = plan(project, "ROADMAP.md")
    assert said.status == 0
    assert said.out.endswith("NO WORK AVAILABLE\n")


def test_tracks_that_wait_for_each_other(project: Project) -> None:
    """Everything is shown, then refused with the line; with JSON each goes to its own stream."""
    project.write(
        "LOOP.md", "### Group A: X\n\n1. **Track 1: One** (after Track 2)\n2. **Track 2: Two** (after Track 1)\n"
    )
    said = plan(project, "LOOP.md")
    assert said.status == 4
    assert "group_A_track_2" in said.out
    assert said.err.startswith("orchd: LOOP.md:3: these wait for each other")
    said = plan(project, "LOOP.md", "--json")
    findings = said.document["findings"]
    assert isinstance(findings, list)
    assert [each["line"] for each in findings if each["level"] == "error"] == [3]
    assert said.error["code"] == "not_independent"
    assert said.status == 4


def test_what_is_no_roadmap(project: Project) -> None:
    """No tracks, or no text: exit 3, with the forms that are accepted. A mark of order and line ends do not matter."""
    given = {
        b"# Nothing here\n": 3,
        b"": 3,
        b"### Group A: X\n\n1. **Track 1: \xff**\n": 3,
        ROADMAP.encode("utf-16"): 3,
        b"\xef\xbb\xbf### Group A: X\n\n1. **Track 1: One**\n": 0,
        b"### Group A: X\r\n\r\n1. **Track 1: One**\r\n": 0,
    }
    for number, data in enumerate(given):
        (project.root / f"{number}.md").write_bytes(data)
    said = plans(project, *([f"{number}.md"] for number in range(len(given))))
    assert [each.status for each in said] == list(given.values())
    assert ["hint: " in each.err for each in said] == [bool(status) for status in given.values()]


def test_a_source_that_is_not_there(project: Project) -> None:
    """One line that names it, escaped."""
    names = ("missing.md", "ROADMAP.md/x", "x" * 5000, "\x1b[2J", "issue:12", "--", "")
    for said in plans(project, *(["--", name] for name in names)):
        assert said.status in {3, 64}
        assert said.out == ""
        assert said.err.count("\n") == 2


def test_what_is_no_file(project: Project) -> None:
    """A folder, a FIFO and a device are not read; a link is followed to its end."""
    os.mkfifo(project.root / "fifo")
    (project.root / "link.md").symlink_to("ROADMAP.md")
    for name in (".", "fifo", "/dev/zero"):
        said = plan(project, name)
        assert (said.status, said.out) == (3, "")
    assert plan(project, "link.md", "--json").document["source"] == str(project.root / "ROADMAP.md")


def test_hostile_titles(project: Project) -> None:
    """No raw escape reaches the terminal; the document has them as JSON has."""
    project.write("ROADMAP.md", "### Group A: X\n\n1. **Track 1: a\x1b[2J\u202eb** `\x07.py`\n")
    assert "\x1b" not in plan(project, "ROADMAP.md").out
    said = plan(project, "ROADMAP.md", "--json")
    assert said.out.isascii()
    assert "\x1b" not in said.out
