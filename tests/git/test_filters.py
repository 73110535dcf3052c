"""Filters such as git-lfs: one that is required and missing is told before anything starts."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import filters, repository, worktree
from tests.git import repos
from tests.git.repos import git
from tests.git.test_kinds import commit_phase

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"1" * 64 + b"\nsize 12345\n"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A repository with a pointer to a large file."""
    files = {"big.bin": POINTER, ".gitattributes": b"*.bin filter=lfs diff=lfs merge=lfs -text\n", "a.txt": b"a\n"}
    return repos.make(tmp_path / "large", files)


def require(home: Path, program: str, **words: str) -> None:
    """Set the filter up as git-lfs does."""
    settings = {"clean": f"{program} clean -- %f", "smudge": f"{program} smudge -- %f", "required": "true", **words}
    for name, value in {**settings, "process": f"{program} filter-process"}.items():
        git(home, "config", f"filter.lfs.{name}", value)


def test_missing_and_required(large: Path) -> None:
    """One line with a file and the program, and the next step; else the worktree would stay half-made."""
    filters.check(str(large))
    require(large, "git-lfs-that-is-not-there")
    with pytest.raises(
        GitRefused, match=r"big\.bin goes through the filter lfs, whose program git-lfs-that"
    ) as refused:
        filters.check(str(large))
    assert "git config filter.lfs.required false" in refused.value.hint
    require(large, "git-lfs-that-is-not-there", required="false")
    filters.check(str(large))


@pytest.mark.parametrize("program", ["git", "sh", "'$HOME'/x", "(echo", "''"])
def test_what_is_there_or_cannot_be_told(large: Path, program: str) -> None:
    """Nobody is kept from working by a doubt."""
    require(large, program)
    filters.check(str(large))


def test_nothing_goes_through_it(home: Path) -> None:
    """A filter that a machine has set up for other repositories is none of ours."""
    require(home, "git-lfs-that-is-not-there")
    filters.check(str(home))


def test_pointers_stay_pointers(large: Path) -> None:
    """Without git-lfs at all: the worktree has them, the commit keeps them, and what is new comes in as it is."""
    repo = repository.survey(str(large))
    repository.exclude(repo, ["/worktrees/"])
    path = large / "worktrees" / "agent-1"
    worktree.add(repo, str(path), "feat/x", repo.head)
    assert (path / "big.bin").read_bytes() == POINTER
    repos.write(path, {"new.bin": b"\0" * 1000, "a.txt": b"b\n"})
    commit_phase(path, repo.head)
    assert (repos.show(large, "feat/x", "big.bin"), repos.show(large, "feat/x", "new.bin")) == (POINTER, b"\0" * 1000)
    assert git(path, "status", "--porcelain") == ""
    assert worktree.remove(repo, os.fspath(path)).removed
