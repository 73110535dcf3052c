"""Tear-down commands: run before a worktree goes, with their output in the track's log, and in nobody's way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.run import GitOptions
from orchestrator.daemon import tearing
from orchestrator.git import refs, restore
from orchestrator.git.command import Git
from tests.daemon.accepted import Accepted
from tests.projects import SETTINGS, Site, names, roadmap, script, writes

(ONE,) = names(1)


class Scene:
    """A run of one track whose worktree is a plain folder: the commands need no more."""

    def __init__(self, folder: Path) -> None:
        self.site = Accepted(folder, [""], remote=False)
        self.place = folder / "tree"
        self.place.mkdir()

    def down(self, *commands: Sequence[str], seconds: float = 60.0) -> str:
        """Tear the folder down and return what is said."""
        git = GitOptions(teardown=tuple(tuple(each) for each in commands), teardown_timeout_seconds=seconds)
        record = replace(self.site.record, options=replace(self.site.record.options, git=git))
        return tearing.down(self.site.layout, record, replace(record.tracks[0], worktree=str(self.place)))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A folder to tear down."""
    return Scene(tmp_path)


def test_where_and_as_whom(scene: Scene) -> None:
    """In the worktree, with the names of the track; what is printed is in the track's log."""
    text = 'echo "$ORCHD_TRACK $BRANCH_NAME $ORCHD_RUN"; [ "$PWD" = "$WORKING_DIR" ] && pwd; touch done'
    assert scene.down(["sh", "-c", text]) == ""
    log = scene.site.log(ONE)
    assert f"{ONE} feat/t1 roadmap\n{scene.place}\n" in log
    assert "tear-down `sh -c" in log
    assert (scene.place / "done").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["sh", "-c", "echo oh; exit 3"], "ended with status 3"),
        (["sh", "-c", "kill -9 $$"], "was ended by SIGKILL"),
        (["sh", "-c", "sleep 600"], "was ended: it was not done within 0.2 s"),
        (["./nothing"], "could not be started"),
    ],
)
def test_a_failure_is_said_and_the_next_one_runs(scene: Scene, argv: list[str], said: str) -> None:
    """It keeps nobody: not the other commands, nor what comes after."""
    told = scene.down(argv, ["touch", "next"], seconds=0.2 if "sleep" in argv[-1] else 60.0)
    assert said in told
    assert said in scene.site.log(ONE)
    assert (scene.place / "next").exists()


def test_a_folder_that_is_gone_needs_none(scene: Scene) -> None:
    """Nothing is run."""
    scene.place.rmdir()
    assert scene.down(["touch", str(scene.place.parent / "ran")]) == ""
    assert not (scene.place.parent / "ran").exists()


def _site(folder: Path, settings: str, scripts: Mapping[str, str]) -> Site:
    return Site(folder, roadmap("One", "Two"), scripts, settings=f"{SETTINGS}\n[git]\n{settings}", remote=False)


def test_before_worktrees_go_and_not_before(tmp_path: Path) -> None:
    """Merged: torn down and gone, with the failure in the report and what it left kept. Failed: when it is cleaned."""
    one, two = names(2)
    command = '[["sh", "-c", "echo down >> torn.txt; ls; exit 1"]]'
    scripts = {one: script(writes("one.txt")), two: script(writes("half.txt"), "fail = 3")}
    site = _site(tmp_path, f"teardown = {command}\n", scripts)
    assert site("run", "ROADMAP.md").status == 2
    assert [each.name for each in (site.root / "worktrees").iterdir()] == ["agent-2"]
    assert not (site.root / "worktrees" / "agent-2" / "torn.txt").exists()
    report = site.run_file("summary.md").read_text()
    assert "ended with status 1" in report
    assert f"refs/orchd/backup/roadmap/{one}/1" in report
    assert "one.txt\n" in site.log(one)
    cleaned = site("clean", "--yes")
    assert (cleaned.status, "ended with status 1" in cleaned.err) == (0, True)
    assert "half.txt\n" in site.log(two)
    assert list((site.root / "worktrees").iterdir()) == []
    kept = restore.backups(Git(str(site.root)))
    for each, name in zip(kept, ("torn.txt", "half.txt"), strict=True):
        assert name in site.git("ls-tree", "--name-only", each.commit).splitlines()
        assert each.ref.startswith(f"{refs.BACKUPS}/roadmap/")


def test_copies_come_before_set_up(tmp_path: Path) -> None:
    """What .worktreeinclude names is there for the set-up commands and for the check, and in no commit."""
    one, two = names(2)
    settings = 'setup = [["grep", "-q", "A=1", ".env"]]\ncheck = ["grep", "-q", "A=1", ".env"]\nkeep_ignored = true\n'
    site = _site(tmp_path, settings, {one: script(writes("one.txt")), two: script(writes("two.txt"))})
    site.write(".gitignore", ".env\n")
    site.git("add", ".gitignore")
    site.git("commit", "--quiet", "--message=ignore")
    site.write(".env", "A=1\n")
    site.write(".worktreeinclude", ".env\n")
    assert site("run", "ROADMAP.md").status == 0
    assert "copied 1 file that .worktreeinclude names" in site.log(one)
    assert site.git("log", "--all", "--format=%H", "--", ".env") == ""
    assert site.git("for-each-ref", "refs/orchd/backup") == ""
    assert list((site.root / "worktrees").iterdir()) == []
