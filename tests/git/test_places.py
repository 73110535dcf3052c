"""Where worktrees may be made: nothing of the repository's own is in the way."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import places, repository, worktree
from tests.git import repos


def check(home: Path, folder: Path) -> None:
    """Look at a folder as a run does before it starts."""
    repo = repository.survey(str(home))
    places.check_folder(repo.top, repo.common_dir, str(folder))


def test_a_folder_that_is_not_there_so_far(home: Path, tmp_path: Path) -> None:
    """Inside or outside, as deep as it likes; nothing is made by looking."""
    for folder in (home / "build" / "trees", tmp_path / "elsewhere" / "a b\n\N{SNOWMAN}"):
        check(home, folder)
        assert not folder.parent.exists()


@pytest.mark.parametrize("name", ["src", "", "..", ".git/trees", "src/b.txt", "link"])
def test_a_folder_that_cannot_be(home: Path, name: str) -> None:
    """The checkout, what is around it, git's folder, a file, and where the user's files are: refused in one line."""
    (home / "link").symlink_to("src")
    with pytest.raises(GitRefused, match=r"worktree") as refused:
        check(home, home / name)
    assert "[git] worktrees" in refused.value.hint
    (home / "link").unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to(home: Path, tmp_path: Path) -> None:
    """That is found out before anything starts."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(GitRefused, match="cannot be written to"):
        check(home, locked / "trees")


def test_worktrees_outside_are_made_and_go(home: Path, tmp_path: Path) -> None:
    """A folder with every hostile character in it is as good as any."""
    repo = repository.survey(str(home))
    path = str(tmp_path / "out side '\"\N{SNOWMAN}" / "agent-1")
    worktree.add(repo, path, "feat/one", repo.head)
    assert repos.git(Path(path), "symbolic-ref", "--short", "HEAD") == "feat/one"
    assert worktree.forget(repo, path, "feat/one") == ""
    assert (os.path.lexists(path), repos.tip(home, "refs/heads/feat/one")) == (False, "")
