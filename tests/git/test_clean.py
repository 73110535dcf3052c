"""A worktree that holds just what its commit holds is told from every other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.git import clean
from orchestrator.git.command import Git
from tests.git import repos
from tests.git.repos import git


def _nested(home: Path) -> None:
    git(home, "init", "-q", "nested")


def _staged_alone(home: Path) -> None:
    before = (home / "a.txt").read_bytes()
    repos.write(home, {"a.txt": b"staged"})
    git(home, "add", "a.txt")
    repos.write(home, {"a.txt": before})


def _assumed(home: Path) -> None:
    git(home, "update-index", "--assume-unchanged", "a.txt")
    repos.write(home, {"a.txt": b"unseen"})


def _skipped(home: Path) -> None:
    git(home, "update-index", "--skip-worktree", "a.txt")
    repos.write(home, {"a.txt": b"unseen"})


def _unshown(home: Path) -> None:
    git(home, "config", "status.showUntrackedFiles", "no")
    repos.write(home, {"new": b""})


def test_a_clean_one_is_told(home: Path) -> None:
    """Its commit, the tree of that, and the branch are those that git names."""
    told = clean.glance(Git(str(home), hooks=False))
    tree = git(home, "rev-parse", "HEAD^{tree}").strip()
    assert told == clean.Clean(repos.tip(home, "main"), tree, "refs/heads/main")


@pytest.mark.parametrize("change", [_nested, _staged_alone, _assumed, _skipped, _unshown])
def test_anything_else_is_looked_at_in_full(home: Path, change: Callable[[Path], None]) -> None:
    """Repositories within, what is staged alone, and what git was told not to see or show."""
    change(home)
    assert clean.glance(Git(str(home), hooks=False)) is None
