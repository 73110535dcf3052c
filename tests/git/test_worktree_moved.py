"""A worktree that was moved together with its repository is found again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.git import repository, worktree
from orchestrator.git.repository import Repository
from tests.git import repos
from tests.git.repos import git


@pytest.fixture
def repo(home: Path) -> Repository:
    """The repository as a run finds it, with a worktree in it."""
    found = repository.survey(str(home))
    repository.exclude(found, ["/worktrees/"])
    worktree.add(found, f"{found.top}/worktrees/agent-1", "feat/x", found.head)
    return found


@pytest.fixture
def there(repo: Repository) -> Iterator[Repository]:
    """The repository, moved; at the end it stands in its old place again."""
    old = Path(repo.top)
    new = old.rename(old.with_name("moved"))
    yield replace(repo, top=str(new), common_dir=repo.common_dir.replace(str(old), str(new)))
    new.rename(old)


def place(repo: Repository) -> Path:
    """Return where the worktree stands."""
    return Path(repo.top, "worktrees", "agent-1")


def test_it_is_taken_up(there: Repository) -> None:
    """With what stands in it."""
    path = place(there)
    repos.write(path, {"work": b"x"})
    worktree.add(there, str(path), "feat/x", there.head)
    assert git(path, "status", "--porcelain") == "?? work"
    assert [(each.path, each.branch) for each in worktree.list(there)][1:] == [(str(path), "feat/x")]


def test_it_is_removed(there: Repository) -> None:
    """As any other, and only when nothing is lost by it."""
    path = place(there)
    repos.write(path, {"work": b"x"})
    assert not worktree.remove(there, str(path)).removed
    (path / "work").unlink()
    assert worktree.remove(there, str(path)).removed
    assert not path.exists()


def test_that_of_another_repository_is_left_alone(repo: Repository, tmp_path: Path) -> None:
    """What its own repository knows is not taken from it; what is no worktree is nothing to us."""
    link = place(repo) / ".git"
    before = link.read_bytes()
    worktree.reconnect(str(tmp_path), str(link.parent))
    assert link.read_bytes() == before
    worktree.reconnect(repo.top, str(tmp_path / "nowhere"))
    worktree.reconnect(repo.top, repo.top)
