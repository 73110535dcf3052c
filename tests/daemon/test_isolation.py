"""Runs whose agents work in one place: the user's checkout, or a folder without git."""

import signal
from pathlib import Path
from typing import Final

import pytest

from orchestrator.state import results
from orchestrator.state.layout import Layout
from tests.projects import SETTINGS, Project, Site, git, names, script, waits_for, writes

ONE, TWO, THREE = names(3)
PLAN: Final = """\
### Group A: Things

**Prerequisites**: None

1. **Track 1: One**
   - in `src/one/`
2. **Track 2: Two**
   - in `src/two.txt`
3. **Track 3: Three**
   - in `docs/`
"""
NO_PATHS: Final = "\n".join(line for line in PLAN.splitlines() if "   - in" not in line) + "\n"
SCRIPTS: Final = {
    ONE: script(writes("src/one/a.txt"), writes("src/one/b.txt")),
    TWO: script(writes("src/two.txt"), writes("stray.txt"), "fail = 3"),
    THREE: script(waits_for(Path("stray.txt")), writes("docs/three.txt"), 'run = ["rm", "docs/old.txt"]'),
}


def project(folder: Path, plan: str, *, remote: bool = True, more: str = "") -> Site:
    """Return a project of three tracks, in which the user has things of their own in hand."""
    site = Site(folder, plan, SCRIPTS, settings=f"{SETTINGS}{more}", remote=remote)
    site.write("docs/old.txt", "old\n")
    site.git("add", "docs")
    site.git("commit", "--quiet", "--message=docs")
    return site


def mine(site: Site) -> None:
    """Have the user change, stage and begin things."""
    site.write("shared.txt", "changed by me\n")
    site.write("notes.txt", "mine\n")
    site.write("staged.txt", "staged\n")
    site.git("add", "staged.txt")


def test_side_by_side_in_the_users_checkout(tmp_path: Path) -> None:
    """Each commits its own files on the user's branch; what the user has in hand stays; what failed is taken out."""
    site = project(tmp_path, PLAN)
    mine(site)
    ended = site("run", "ROADMAP.md", "--isolation", "shared", "--json")
    told = {each["track"]: each["outcome"] for each in ended.document["tracks"]}
    assert told == {ONE: "merged", TWO: "failed", THREE: "merged"}
    subjects = [f"Implement {each} - Group A, Track {number}" for number, each in ((1, "One"), (3, "Three"))]
    assert sorted(site.subjects()[:2]) == subjects
    assert site.git("rev-list", "--merges", "--count", "main") == "0"
    status = [" M shared.txt", "A  staged.txt", "?? notes.txt", "?? stray.txt"]
    assert site.git("status", "--porcelain").splitlines() == status
    assert "not committed, as no track declares it: stray.txt" in site.run_file("summary.md").read_text()
    assert site.git("branch", "--format=%(refname:short)") == "main"
    assert (site.pushes(), git(site.remote, "rev-parse", "main")) == (1, site.git("rev-parse", "main"))
    assert site.git("show", "main:ROADMAP.md").count("[DONE]") == 2
    outcome = results.read_outcome(str(site.run_file("agent-2.outcome.json")))
    assert outcome is not None
    assert f"refs/orchd/backup/roadmap/{TWO}/1" in outcome.kept
    assert "src/two.txt" in site.git("ls-tree", "-r", "--name-only", f"refs/orchd/backup/roadmap/{TWO}/1")
    assert not (site.root / "worktrees").exists()
    assert site("clean", "--yes").status == 0
    assert (site.root / "notes.txt").read_text() == "mine\n"


def test_one_after_the_other(tmp_path: Path) -> None:
    """With one slot, tracks need no paths: each begins on the commit of the one before; a failure stops none."""
    site = project(tmp_path, NO_PATHS)
    site.write("agents/group_A_track_3.toml", script('run = ["ls", "src/one/a.txt"]', writes("docs/three.txt")))
    site.git("commit", "--quiet", "--all", "--message=script")
    ended = site("run", "ROADMAP.md", "--isolation", "shared", "--agents", "1")
    assert ended.status == 2
    assert [each for each in site.subjects() if each.startswith("Implement")] == [
        "Implement Three - Group A, Track 3",
        "Implement One - Group A, Track 1",
    ]
    assert (site.git("status", "--porcelain"), site.pushes()) == ("", 1)
    assert not (site.root / "src" / "two.txt").exists()
    log = site.git("log", "--format=%s", "--name-only", "-1", "main").splitlines()
    assert log[2:] == ["ROADMAP.md", "docs/three.txt"]
    assert "stray.txt" in site.git("ls-tree", "-r", "--name-only", f"refs/orchd/backup/roadmap/{TWO}/1")
    site.write("agents/group_A_track_2.toml", script(writes("src/two.txt")))
    site.git("commit", "--quiet", "--all", "--message=mended")
    assert site("retry", "roadmap").status == 0
    assert site.git("show", "main:ROADMAP.md").count("[DONE]") == 4  # the group, too


@pytest.mark.parametrize(
    ("plan", "words", "status", "said"),
    [
        (PLAN.replace("docs/", "src/"), [], 4, "both work on src/"),
        (NO_PATHS, ["--agents", "1"], 9, "would commit: notes.txt, shared.txt, staged.txt"),
    ],
)
def test_what_is_refused_before_anything_starts(
    tmp_path: Path, plan: str, words: list[str], status: int, said: str
) -> None:
    """Tracks in each other's way, and files in hand that a track would commit: by name, and with a way out."""
    site = project(tmp_path, plan, remote=False)
    mine(site)
    ended = site("run", "ROADMAP.md", "--isolation", "shared", *words)
    assert (ended.status, said in ended.err, "isolation" in ended.err) == (status, True, True)
    assert not (site.root / "runtime" / "parallel").exists()


@pytest.mark.parametrize("step", ["integrate.settled", "shared.put_back"])
def test_killed_at_a_step_of_its_own(tmp_path: Path, step: str) -> None:
    """The next start brings it to the same end, with the user's things where they were."""
    site = project(tmp_path, PLAN, remote=False)
    mine(site)
    words = ("run", "ROADMAP.md", "--isolation", "shared", "--tracks", f"{ONE},{TWO}")
    assert site(*words, ORCHD_FAILPOINT=f"{step}:kill").status == -signal.SIGKILL
    assert site("run", "ROADMAP.md", "--resume").status == 2
    assert site.git("show", "main:src/one/b.txt") == "made"
    status = [" M shared.txt", "A  staged.txt", "?? notes.txt", "?? stray.txt"]
    assert site.git("status", "--porcelain").splitlines() == status
    outcome = results.read_outcome(str(site.run_file("agent-2.outcome.json")))
    assert outcome is not None
    assert f"refs/orchd/backup/roadmap/{TWO}/1" in outcome.kept
    assert (site.git("show", f"refs/orchd/backup/roadmap/{TWO}/1:src/two.txt"), site.git("branch")) == (
        "made",
        "* main",
    )


def test_what_an_agent_committed_by_itself_is_named(tmp_path: Path) -> None:
    """Its track failed, and left nothing to be taken out; yet it is on the user's branch, and goes with a push."""
    site = project(tmp_path, NO_PATHS)
    site.write("agents/group_A_track_2.toml", script('run = ["git", "commit", "-qmx", "--allow-empty"]', "fail = 3"))
    site.git("commit", "--quiet", "--all", "--message=script")
    words = ("--isolation", "shared", "--agents", "1", "--tracks", f"{ONE},{TWO}", "--json")
    ended = site("run", "ROADMAP.md", *words).document
    said = f"main has commits that orchd did not make: {site.git('rev-parse', '--short', 'main')}"
    outcome = results.read_outcome(str(site.run_file("agent-2.outcome.json")))
    assert outcome is not None
    assert (outcome.kept, ended["publication"], site.pushes()) == (said, "pushed", 1)
    assert said in site.run_file("summary.md").read_text().split("### ")[0]


def test_without_git(tmp_path: Path) -> None:
    """Agents work in the folder; what passed is done by exit status, and the report says that nothing is committed."""
    site = Project(tmp_path / "project")
    site.root.mkdir()
    site.write("ROADMAP.md", PLAN)
    site.write("docs/old.txt", "old\n")
    site.write("orchestrator.toml", f'{SETTINGS}[git]\nisolation = "none"\n')
    for name, text in SCRIPTS.items():
        site.write(f"agents/{name}.toml", text)
    ended = site("run", "ROADMAP.md", "--json", PATH="/nowhere")
    told = {each["track"]: each["outcome"] for each in ended.document["tracks"]}
    assert told == {ONE: "merged", TWO: "failed", THREE: "failed"}
    assert ((site.root / "src/one/b.txt").read_text(), (site.root / "src/two.txt").read_text()) == ("made\n", "made\n")
    assert (site.root / "ROADMAP.md").read_text().count("[DONE]") == 1
    report = (site.root / "runtime/parallel/roadmap/summary.md").read_text()
    assert "no commit," in report
    assert "**Published**: nothing was committed: this is no repository" in report
    accepted = results.read_run(Layout(str(site.root)).run("roadmap"))
    assert (accepted.target_branch, accepted.base, accepted.options.push) == ("no branch", "", False)
    assert "git: ok" in site("doctor").out
    assert site("status").status in {0, 3}


def test_without_git_is_not_for_a_repository(tmp_path: Path) -> None:
    """There, work can be kept, so it is."""
    site = project(tmp_path, PLAN, remote=False)
    ended = site("run", "ROADMAP.md", "--isolation", "none")
    assert (ended.status, "is a repository" in ended.err, "--isolation shared" in ended.err) == (9, True, True)
