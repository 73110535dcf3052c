"""Who may still be at work with git somewhere, and when a lock may go."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import leftover
from orchestrator.git.command import Git
from tests.git.repos import git
from tests.waiting import wait_for

SLEEPER = "import sys; print('up', flush=True); sys.stdin.read()"


@pytest.fixture
def lock(home: Path) -> Path:
    """A lock of the index that is old enough."""
    path = home / ".git" / "index.lock"
    path.touch()
    os.utime(path, (1, 1))
    return path


def test_nobody_is_at_work(home: Path, lock: Path) -> None:
    """Processes that merely stand in the folder do not count; the lock goes."""
    with subprocess.Popen(["sleep", "60"], cwd=home) as standing:
        assert leftover.occupant(str(home), str(lock)) == ""
        leftover.clear_locks(Git(str(home)))
        standing.kill()
    assert not lock.exists()


@pytest.mark.parametrize("how", ["stands there", "was given its path"])
def test_a_git_in_the_folder_counts(home: Path, tmp_path: Path, lock: Path, how: str) -> None:
    """Whether it stands there or was given the path; the lock stays, and the message names the process."""
    at, words = (home / "src", ["wait"]) if how == "stands there" else (tmp_path, ["-C", str(home), "wait"])
    with subprocess.Popen(["git", "-c", "alias.wait=!cat", *words], cwd=at, stdin=subprocess.PIPE) as child:
        wait_for(lambda: leftover.occupant(str(home)) == f"process {child.pid} (git)")
        with pytest.raises(GitRefused, match=rf"stays: process {child.pid} \(git\)") as error:
            leftover.clear_locks(Git(str(home)), wait=0.1)
        assert "remove that file" in error.value.hint
        with pytest.raises(GitRefused, match="is at work in"):
            leftover.wait_until_idle(str(home), wait=0.1)
        assert lock.exists()
        child.communicate()
    leftover.wait_until_idle(str(home))
    leftover.clear_locks(Git(str(home)))
    assert not lock.exists()


def test_whoever_has_the_lock_open_counts(home: Path, tmp_path: Path, lock: Path) -> None:
    """A library that is no git, anywhere on the machine."""
    with (
        lock.open("rb") as file,
        subprocess.Popen(
            [sys.executable, "-c", SLEEPER],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[file.fileno()],
        ) as child,
    ):
        assert child.stdout
        child.stdout.readline()
        file.close()
        assert leftover.occupant(str(home), str(lock)).startswith(f"process {child.pid} (")
        child.communicate()
    assert leftover.occupant(str(home), str(lock)) == ""
    lock.unlink()


def test_a_young_lock_is_left_alone(home: Path) -> None:
    """Its owner may not be in sight yet."""
    path = home / ".git" / "index.lock"
    path.touch()
    with pytest.raises(GitRefused, match="made just now"):
        leftover.clear_locks(Git(str(home)), wait=0.1)
    leftover.clear_locks(Git(str(home)))
    assert not path.exists()


def test_a_foreign_lock_is_only_waited_for(home: Path, lock: Path) -> None:
    """In the user's checkout nothing is taken away."""
    with pytest.raises(GitRefused, match="may still be used"):
        leftover.wait_for_lock(str(lock), 0.1)
    assert lock.exists()
    lock.unlink()
    leftover.wait_for_lock(str(lock), 0.1)
    assert git(home, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["packed-refs.lock", "refs/heads/x.lock"])
def test_a_git_in_another_worktree_may_hold_the_lock_of_a_ref(home: Path, tmp_path: Path, name: str) -> None:
    """It has closed it by then, and stands somewhere else altogether; that of an index is no business of its."""
    other = tmp_path / "other"
    git(home, "worktree", "add", "--quiet", "--detach", str(other))
    lock, index = home / ".git" / name, home / ".git" / "index.lock"
    for each in (lock, index):
        each.touch()
        os.utime(each, (1, 1))
    with subprocess.Popen(
        ["git", "hash-object", "--stdin"], cwd=other, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        with pytest.raises(GitRefused, match=rf"process {child.pid} \(git\)"):
            leftover.clear_locks(Git(str(home)), name, wait=0.1)
        leftover.clear_locks(Git(str(home)))
        child.communicate()
    assert (lock.exists(), index.exists()) == (True, False)
    leftover.clear_locks(Git(str(home)), name)
    assert not lock.exists()
