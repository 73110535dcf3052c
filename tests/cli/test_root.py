"""Which folder is the root."""

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.cli import root as roots
from orchestrator.state import layout
from tests.cli.orchd import Orchd


def _git(*words: str, cwd: Path) -> None:
    subprocess.run(["git", *words], cwd=cwd, env=Orchd(cwd).env, check=True, capture_output=True, timeout=60)


def _repository(path: Path) -> Path:
    path.mkdir(parents=True)
    _git("init", "-q", cwd=path)
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
    _git(*identity, "commit", "-q", "--allow-empty", "-m", "start", cwd=path)
    return path


def test_the_names_are_those_of_the_layout() -> None:
    """The marks of a root are the files that the layout names."""
    assert (roots.SETTINGS, roots.LOCKS, roots.WORKTREES) == (layout.SETTINGS, layout.LOCKS, layout.WORKTREES)


@pytest.mark.parametrize("mark", ["orchestrator.toml", ".orchestrator_locks", ".git"])
def test_the_nearest_marked_folder_upwards(tmp_path: Path, mark: str) -> None:
    """Settings, locks or git make a folder a root for everything below it; the nearest counts."""
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "a" / "inner"
    deep = inner / "b" / "c"
    deep.mkdir(parents=True)
    (outer / ".git").mkdir()
    assert roots.nearest(str(deep)) == str(outer)
    (inner / mark).mkdir()
    assert roots.nearest(str(deep)) == str(inner)
    assert roots.nearest(str(inner)) == str(inner)
    assert roots.nearest(str(outer / "a")) == str(outer)


def test_a_worktree_of_ours_belongs_to_its_root(tmp_path: Path) -> None:
    """In a worktree that lies in the root's ``worktrees``, the root is the one that made it, settings or not."""
    root = _repository(tmp_path / "root")
    _git("worktree", "add", "-q", "worktrees/agent-1", "-b", "one", cwd=root)
    worktree = root / "worktrees" / "agent-1"
    (worktree / "orchestrator.toml").touch()
    (worktree / "sub").mkdir()
    assert (worktree / ".git").is_file()
    assert roots.nearest(str(worktree / "sub")) == str(root)


def test_a_worktree_of_a_root_that_is_one_itself(tmp_path: Path) -> None:
    """A root may be a linked worktree of a repository elsewhere; its own worktrees still belong to it."""
    main = _repository(tmp_path / "main")
    root = tmp_path / "root"
    _git("worktree", "add", "-q", str(root), "-b", "root", cwd=main)
    _git("worktree", "add", "-q", "worktrees/agent-1", "-b", "one", cwd=root)
    assert roots.nearest(str(root)) == str(root)
    assert roots.nearest(str(root / "worktrees" / "agent-1")) == str(root)


def test_a_stranger_below_worktrees_is_a_root_of_its_own(tmp_path: Path) -> None:
    """Another repository, or a worktree of one, that only happens to lie in a folder of that name is not ours."""
    home = _repository(tmp_path / "home")
    own = _repository(home / "worktrees" / "project")
    assert roots.nearest(str(own)) == str(own)
    main = _repository(tmp_path / "main")
    linked = home / "worktrees" / "linked"
    _git("worktree", "add", "-q", str(linked), "-b", "one", cwd=main)
    assert roots.nearest(str(linked)) == str(linked)


def test_the_environment_wins_over_the_folder_and_the_option_over_both(tmp_path: Path) -> None:
    """``--root``, then ``$ORCHD_ROOT``, then the folders upwards; each is shown as an absolute path."""
    marks = {}
    for name in ("option", "environment", "folder"):
        marks[name] = tmp_path / name
        marks[name].mkdir()
        Orchd(marks[name]).write_lock(name, b"")
    orchd = Orchd(marks["environment"])

    def track(*words: str, **env: str) -> str:
        (lock,) = orchd("locks", "--json", *words, cwd=marks["folder"], **env).document["locks"]
        return str(lock["track"])

    assert track("--root", "../option") == "option"
    assert track() == "environment"
    assert track(ORCHD_ROOT="") == "folder"
    os.symlink(marks["option"], tmp_path / "link")
    assert track("--root", str(tmp_path / "link")) == "option"


def test_no_root_is_said_with_the_way_out(tmp_path: Path) -> None:
    """Where nothing looks like a root: exit code 64, and what to do."""
    ended = Orchd(tmp_path)("locks", ORCHD_ROOT="")
    assert (ended.status, ended.out) == (64, "")
    assert "orchd init" in ended.err
    assert "--root" in ended.err


def test_a_root_that_is_none(tmp_path: Path) -> None:
    """A variable that names no folder is refused, not passed over."""
    (tmp_path / ".git").mkdir()
    ended = Orchd(tmp_path)("locks", ORCHD_ROOT=f"{tmp_path}/no\x1b[1m")
    assert ended.status == 64
    assert "ORCHD_ROOT" in ended.err
    assert ended.tame


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A command started in a folder that was removed meanwhile says so."""
    gone = tmp_path / "gone"
    gone.mkdir()
    argv = (
        "import os, sys, runpy; os.rmdir(os.getcwd()); sys.argv = ['orchd', 'locks']; runpy.run_module('orchestrator')"
    )
    env = Orchd(tmp_path).env | {"ORCHD_ROOT": ""}
    code = argv.replace("runpy.run_module('orchestrator')", "runpy.run_module('orchestrator', run_name='__main__')")
    ended = subprocess.run(
        ["python3", "-P", "-c", code], cwd=gone, env=env, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 64, ended.stderr
    assert b"does not exist any more" in ended.stderr


def test_a_worktree_that_orchd_made_elsewhere_belongs_to_its_root(tmp_path: Path) -> None:
    """In any folder of the root, or outside of it: git's own folder of the worktree remembers who made it."""
    root = _repository(tmp_path / "home")
    for path in (root / "build" / "wt" / "agent-1", tmp_path / "out" / "agent-2"):
        _git("worktree", "add", "-q", str(path), "-b", path.name, cwd=root)
        assert roots.nearest(str(path)) == str(path)
        (root / ".git" / "worktrees" / path.name / "orchd-exclude").touch()
        assert roots.nearest(str(path)) == str(root)
