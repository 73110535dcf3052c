"""The one mark in a person's file: within the merge where that is right, else on disk, and never anything else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.actions import Integrate
from orchestrator.core.run import Outcome, RunRecord
from orchestrator.daemon import perform
from orchestrator.state.layout import Layout
from tests.daemon.accepted import Accepted
from tests.git import repos
from tests.git.repos import git
from tests.processes import python

DONE = "✅ **[DONE]**"


@pytest.fixture
def site(tmp_path: Path) -> Accepted:
    """A project with a run of two tracks, whose work stands on its branches."""
    made = Accepted(tmp_path, ["", ""], remote=False)
    for number in (1, 2):
        repos.grow(made.root, f"feat/t{number}", {f"{number}.txt": b"made\n"}, base="main")
    return made


def merge(site: Accepted, number: int = 1, record: RunRecord | None = None) -> Outcome:
    """Merge a track as the daemon does."""
    action = Integrate("roadmap", f"agent-{number}", 1, 1)
    layout, record = Layout(str(site.root)), record or site.record
    taken = perform.merge_track(layout, record, action)
    assert isinstance(taken, perform.TakenIn)
    outcome = perform.wind_up(layout, record, taken)
    assert outcome.ended == "merged"
    return outcome


def roadmap(site: Accepted) -> Path:
    """The person's file."""
    return site.root / "ROADMAP.md"


def on_main(site: Accepted) -> str:
    """The person's file as main has it."""
    return site.git("show", "main:ROADMAP.md") + "\n"


def marked(text: str, *numbers: int) -> str:
    """Return a roadmap with these tracks marked, and the group where both are."""
    for number in numbers:
        text = text.replace(f"Track {number}: T{number}**", f"Track {number}: T{number}** {DONE}")
    return text.replace("Things", "Things **[DONE]**") if set(numbers) == {1, 2} else text


def test_part_of_the_merge(site: Accepted) -> None:
    """A file as it was committed: merged and marked are one commit, every other byte stays, the checkout is clean."""
    before = roadmap(site).read_text()
    for number in (1, 2):
        assert merge(site, number).note == ""
        assert on_main(site) == roadmap(site).read_text() == marked(before, *range(1, number + 1))
        assert site.git("status", "--porcelain") == ""
        assert site.git("log", "-1", "--format=%s", "main") == f"Merge track {site.tracks[number - 1]}: T{number}"


def test_changed_and_not_committed(site: Accepted) -> None:
    """What the person is writing stays theirs: the mark goes beside it on disk, and is not committed for them."""
    before = on_main(site)
    mine = before + "\nA thought of mine.\n"
    roadmap(site).write_text(mine)
    for number in (1, 2):
        assert merge(site, number).note == ""
    assert roadmap(site).read_text() == marked(mine, 1, 2)
    assert on_main(site) == before
    assert site.git("status", "--porcelain") == " M ROADMAP.md"
    assert (site.root / "2.txt").exists()


@pytest.mark.parametrize("place", ["PLAN.md", "../PLAN.md", "notes/PLAN.md", ".git/info/PLAN.md"])
def test_not_in_the_repository(site: Accepted, place: str) -> None:
    """An untracked file, or one somewhere else, is marked where it is."""
    path = (site.root / place).resolve()
    path.parent.mkdir(exist_ok=True)
    text = roadmap(site).read_text()
    path.write_text(text)
    path.chmod(0o640)
    assert merge(site, record=replace(site.record, source=str(path))).note == ""
    assert path.read_text() == marked(text, 1)
    assert path.stat().st_mode & 0o777 == 0o640
    assert on_main(site) == text


@pytest.mark.parametrize("attributes", ["", "*.md text eol=crlf\n"])
def test_line_ends_stay(tmp_path: Path, attributes: str) -> None:
    """CRLF on disk stays CRLF on every line, and what git stores stays what git stores."""
    site = Accepted(tmp_path, [""], remote=False)
    text = roadmap(site).read_text()
    site.write(".gitattributes", attributes)
    roadmap(site).write_bytes(text.replace("\n", "\r\n").encode())
    site.git("add", "--all")
    site.git("commit", "--quiet", "--message=ends")
    repos.grow(site.root, "feat/t1", {"1.txt": b"made\n"}, base="main")
    assert merge(site).note == ""
    marks = text.replace("T1**", f"T1** {DONE}").replace("Things", "Things **[DONE]**")
    assert roadmap(site).read_bytes() == marks.replace("\n", "\r\n").encode()
    stored = repos.show(site.root, "main", "ROADMAP.md")
    assert stored == (marks if attributes else marks.replace("\n", "\r\n")).encode()
    assert site.git("status", "--porcelain") == ""


def _gone(site: Accepted) -> None:
    roadmap(site).unlink()


def _without_the_track(site: Accepted) -> None:
    roadmap(site).write_text("### Group A: Things\n")


def _a_link(site: Accepted) -> None:
    roadmap(site).rename(site.root / "real.md")
    roadmap(site).symlink_to("real.md")


def _not_text(site: Accepted) -> None:
    roadmap(site).write_bytes(b"\xff\xfe" + roadmap(site).read_bytes())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_gone, "the file is gone"),
        (_without_the_track, "there is no track"),
        (_a_link, "links are not followed"),
        (_not_text, "it is not UTF-8"),
    ],
)
@pytest.mark.parametrize("committed", [False, True])
def test_what_cannot_be_marked(
    site: Accepted,
    change: Callable[[Accepted], None],
    why: str,
    committed: bool,  # noqa: FBT001  # the two cases
) -> None:
    """The track is merged all the same; the report says why there is no mark; the file is as the person left it."""
    change(site)
    if committed:
        site.git("add", "--all")
        site.git("commit", "--quiet", "--message=changed")
    before = files(site)
    note = merge(site).note
    assert note.startswith("not marked in ROADMAP.md: ")
    assert why in note
    assert files(site) == before | {"1.txt": b"made\n"}
    assert repos.show(site.root, "main", "1.txt") == b"made\n"


def files(site: Accepted) -> dict[str, bytes]:
    """Return every file of the person's."""
    return {name: data for name, data in repos.on_disk(site.root).items() if not name.startswith("runtime/")}


@pytest.mark.parametrize("way", [["switch", "--quiet", "--create", "mine"], ["switch", "--quiet", "--detach"]])
def test_the_checkout_stands_elsewhere(site: Accepted, way: list[str]) -> None:
    """Main is moved and marked behind the scenes; the file of the other branch is let alone, whatever is in it."""
    before = on_main(site)
    site.git(*way)
    roadmap(site).write_text("something else, of mine\n")
    if "--create" in way:
        site.git("commit", "--quiet", "--all", "--message=mine")
    assert merge(site).note == ""
    assert on_main(site) == marked(before, 1)
    assert roadmap(site).read_text() == "something else, of mine\n"
    assert not (site.root / "1.txt").exists()


def test_marked_before(site: Accepted) -> None:
    """A mark that a person or an agent has set already is not set twice."""
    text = marked(roadmap(site).read_text(), 1)
    roadmap(site).write_text(text)
    site.git("commit", "--quiet", "--all", "--message=marked")
    assert merge(site).note == ""
    assert on_main(site) == roadmap(site).read_text() == text


def test_merged_by_a_person(site: Accepted) -> None:
    """What somebody merged by hand is found in, and marked on disk, since no merge of ours can carry the mark."""
    before = roadmap(site).read_text()
    said = f"Implement T1\n\nOrchd-Track: {site.tracks[0]}\nOrchd-Run: {site.record.run}\n"
    ours = site.git("commit-tree", "feat/t1^{tree}", "-p", "feat/t1^", "-m", said)
    site.git("update-ref", "refs/heads/feat/t1", ours)
    site.git("merge", "--quiet", "--no-edit", "feat/t1")
    assert merge(site).note == ""
    assert roadmap(site).read_text() == marked(before, 1)
    assert site.git("status", "--porcelain") == " M ROADMAP.md"


def test_something_is_in_the_way_of_the_checkout(site: Accepted) -> None:
    """Main stays behind, and the mark is in what waits for it: the file on disk is not made another obstacle."""
    before = roadmap(site).read_text()
    site.write("1.txt", "mine")
    outcome = merge(site)
    assert "stays behind" in outcome.note
    assert roadmap(site).read_text() == before
    (site.root / "1.txt").unlink()
    git(site.root, "merge", "--quiet", "--ff-only", "refs/orchd/runs/roadmap/integrated")
    assert roadmap(site).read_text() == marked(before, 1)


def test_marks_of_two_runs_at_once(site: Accepted) -> None:
    """Both are set: one marks after the other."""
    plan = site.root / "PLAN.md"
    plan.write_text(roadmap(site).read_text())
    code = """
import sys
from orchestrator.daemon import marks
from orchestrator.git import repository
from orchestrator.state import results
from orchestrator.state.layout import Layout
from dataclasses import replace
layout = Layout(sys.argv[1])
record = replace(results.read_run(layout.run("roadmap")), source=sys.argv[2])
repo = repository.survey(layout.root, "main")
sys.stdin.readline()
print(marks.on_disk(repo, record, record.find(sys.argv[3])))
"""
    pair = [python(code, str(site.root), str(plan), f"agent-{number}") for number in (1, 2)]
    for each in pair:
        assert each.communicate("\n", timeout=30)[0] == "\n"
    assert plan.read_text() == marked(roadmap(site).read_text(), 1, 2)
