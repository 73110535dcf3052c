"""A worktree of which git knows nothing any more is made one again, and no file in it changes."""

import shutil
import signal
from pathlib import Path

import pytest

from orchestrator.git import adopt, backup, ignored, repository, worktree
from orchestrator.git.command import Git
from tests.git import repos
from tests.git.repos import git

REF = "refs/orchd/backup/run/track/1"
FILES = {"a.txt": b"changed\n", "src/b.txt": None, "new\n\udcff": b"new\r\n"}


@pytest.fixture
def place(home: Path) -> Path:
    """A worktree in which somebody is in the middle of something."""
    repo = repository.survey(str(home))
    path = home / "worktrees" / "agent-1"
    worktree.add(repo, str(path), "feat/x", repo.head)
    repos.write(path, {"done": b"done\n"})
    git(path, "add", "done")
    git(path, "commit", "--quiet", "-m", "done")
    repos.write(path, FILES)
    return path


def lose(home: Path, place: Path, how: str) -> None:
    """Have git know nothing of the worktree any more."""
    if how == "pruned":
        (place / ".git").unlink()
        git(home, "worktree", "prune", "--expire=now")
    else:
        shutil.rmtree(home / ".git" / "worktrees")


@pytest.mark.parametrize("how", ["pruned", "removed"])
def test_it_is_a_worktree_again(home: Path, place: Path, how: str) -> None:
    """On its branch, with the very files; it can be backed up and worked in."""
    assert not adopt.is_orphan(str(place))
    lose(home, place, how)
    disk = repos.on_disk(place)
    worktree.reconnect(str(home), str(place))
    assert adopt.is_orphan(str(place))
    repo = repository.survey(str(home))
    adopt.adopt(repo, str(place), "feat/x")
    assert not adopt.is_orphan(str(place))
    assert repos.on_disk(place) == disk
    assert git(place, "symbolic-ref", "HEAD") == "refs/heads/feat/x"
    told = git(place, "status", "--porcelain", "-z").split("\0")
    assert sorted(told) == sorted(["", " M a.txt", " D src/b.txt", "?? new\n\udcff"])
    assert backup.keep(str(place), REF)
    assert repos.show(home, REF, "new\n\udcff") == b"new\r\n"
    worktree.add(repo, str(place), "feat/x", repo.head)
    assert [each.path for each in worktree.list(repo)] == [str(home), str(place)]


def test_nobody_knows_what_was_ignored_when_it_began(home: Path, place: Path) -> None:
    """So what others had ignored is kept, but for what the worktree's own files say."""
    lose(home, place, "removed")
    with (home / ".git" / "info" / "exclude").open("a") as file:
        file.write("hidden*\n")
    repos.write(place, {"hidden.txt": b"hidden\n", ".gitignore": b"*.o\n", "x.o": b"x"})
    adopt.adopt(repository.survey(str(home)), str(place), "feat/x")
    assert ignored.since(Git(str(place))) == ("hidden.txt",)
    assert backup.keep(str(place), REF)
    assert repos.show(home, f"{REF}^2", "hidden.txt") == b"hidden\n"


@pytest.mark.parametrize("branch", ["is gone", "is checked out elsewhere"])
def test_without_its_branch(home: Path, place: Path, branch: str) -> None:
    """It stands on no branch then, and everything in it is still there to be kept."""
    lose(home, place, "removed")
    if branch == "is gone":
        git(home, "branch", "-D", "feat/x")
    else:
        git(home, "worktree", "add", "--quiet", str(home / "worktrees" / "other"), "feat/x")
    disk = repos.on_disk(place)
    adopt.adopt(repository.survey(str(home)), str(place), "feat/x")
    assert git(place, "symbolic-ref", "--quiet", "HEAD", status=1) == ""
    assert backup.keep(str(place), REF)
    assert repos.on_disk(place) == disk


@pytest.mark.parametrize("point", ["adopt.made", "adopt.moved"])
def test_a_kill_on_the_way(home: Path, place: Path, point: str) -> None:
    """The next call finishes it."""
    lose(home, place, "pruned")
    words = ("adopt", str(home), str(place), "feat/x")
    repos.ended(repos.drive(*words, failpoint=f"{point}:kill"), -signal.SIGKILL)
    repos.ended(repos.drive(*words))
    repo = repository.survey(str(home))
    assert [each.path for each in worktree.list(repo)] == [str(home), str(place)]
    assert git(place, "symbolic-ref", "HEAD") == "refs/heads/feat/x"


def test_what_is_none_of_ours_is_left_alone(home: Path, tmp_path: Path) -> None:
    """A repository of its own, a link, a file, nothing."""
    (tmp_path / "own").mkdir()
    git(tmp_path / "own", "init", "--quiet", "--template=")
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    names = ("own", "link", "file", "nothing")
    assert [name for name in names if adopt.is_orphan(str(tmp_path / name))] == []
    assert not adopt.is_orphan(str(home))
