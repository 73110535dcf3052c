"""A checkout for a moment."""

from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import checkout, repository, worktree
from tests.git import repos
from tests.git.repos import git


def test_it_is_there_for_the_block(home: Path, tmp_path: Path) -> None:
    """All files of the commit, on no branch; afterwards nothing is left, whatever was written in it."""
    repo = repository.survey(str(home))
    later = repos.grow(home, "main", {"later.txt": b"1"})
    path = str(tmp_path / "aside")
    with checkout.of_commit(repo, path, repo.head) as folder:
        assert sorted(repos.on_disk(Path(folder))) == ["ROADMAP.md", "a.txt", "src/b.txt"]
        assert git(Path(folder), "rev-parse", "HEAD") == repo.head != later
        assert git(Path(folder), "branch", "--show-current") == ""
        repos.write(Path(folder), {"a.txt": b"changed", "new/x": b"1"})
    assert not Path(path).exists()
    assert len(worktree.list(repo)) == 1


def test_what_a_crash_left_is_replaced(home: Path, tmp_path: Path) -> None:
    """With its folder, without it, locked as half-made, and after the block failed."""
    repo = repository.survey(str(home))
    path = tmp_path / "aside"
    git(home, "worktree", "add", "-q", "--detach", "--lock", "--reason", "initializing", str(path), "main")
    with checkout.of_commit(repo, str(path), repo.head):
        path.rename(tmp_path / "gone")
    with checkout.of_commit(repo, str(path), repo.head):
        assert (path / "a.txt").exists()
    with pytest.raises(ZeroDivisionError), checkout.of_commit(repo, str(path), repo.head):
        raise ZeroDivisionError
    assert not path.exists()


def test_what_is_nobodys_checkout_stays(home: Path, tmp_path: Path) -> None:
    """A folder with files in it is in the way, and is not touched."""
    path = tmp_path / "aside"
    path.mkdir()
    (path / "mine.txt").touch()
    repo = repository.survey(str(home))
    with pytest.raises(GitRefused, match="already exists"), checkout.of_commit(repo, str(path), repo.head):
        pass
    assert (path / "mine.txt").exists()
