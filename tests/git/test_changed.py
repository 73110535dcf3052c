"""What a working tree changed, as the program says that validators ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.git import repository, worktree
from orchestrator.git.changed import changed, main
from orchestrator.git.command import Git
from tests.git import repos
from tests.git.repos import git


@pytest.fixture
def place(home: Path) -> Path:
    """The worktree of a track, on branch feat/x."""
    repo = repository.survey(str(home))
    repository.exclude(repo, ["/worktrees/", "*.ign"])
    worktree.add(repo, str(home / "worktrees" / "agent-1"), "feat/x", repo.head)
    return home / "worktrees" / "agent-1"


def found(place: Path, base: str = "main") -> tuple[str, ...]:
    """Return what changed since the branch left ``base``."""
    return changed(Git(str(place)), repos.tip(place, base))


def test_nothing_changed(place: Path) -> None:
    """A fresh worktree differs in no file."""
    assert found(place) == ()


def test_every_kind_of_change_counts(place: Path) -> None:
    """Committed, staged, changed, deleted, moved and new files; ignored ones do not."""
    repos.write(place, {"committed.txt": b"1", "x.ign": b"1"})
    git(place, "add", "committed.txt")
    git(place, "commit", "-q", "-m", "one")
    repos.write(place, {"staged.txt": b"2", "a.txt": b"other\n", "new/deep.txt": b"", "né w\n.txt": b"1"})
    git(place, "add", "staged.txt")
    git(place, "mv", "src/b.txt", "src/c.txt")
    (place / "ROADMAP.md").unlink()
    assert found(place) == tuple(
        sorted(
            (
                *("committed.txt", "staged.txt", "a.txt", "new/deep.txt", "né w\n.txt"),
                *("src/b.txt", "src/c.txt", "ROADMAP.md"),
            )
        )
    )


def test_the_work_of_others_does_not_count(place: Path) -> None:
    """What the base got after the branch left it is no change of the branch; nor what the branch took in from it."""
    repos.grow(place, "main", {"theirs.txt": b"1"})
    repos.write(place, {"mine.txt": b"1"})
    assert found(place) == ("mine.txt",)
    git(place, "add", "mine.txt")
    git(place, "commit", "-q", "-m", "mine")
    git(place, "merge", "-q", "-m", "merge", "main")
    assert (place / "theirs.txt").exists()
    assert found(place) == ("mine.txt",)


def test_settings_of_the_user_hide_nothing(place: Path) -> None:
    """Renames, quoting and relative names are as we want them."""
    for name, value in (("diff.relative", "true"), ("diff.renames", "copies"), ("core.quotePath", "true")):
        git(place, "config", name, value)
    git(place, "mv", "a.txt", "ä.txt")
    assert found(place) == ("a.txt", "ä.txt")


def test_the_program_says_the_same(place: Path) -> None:
    """One name after the other, each ended by a NUL, whatever bytes it is made of."""
    with open(os.fsencode(place) + b"/\xff\n.txt", "wb"):
        pass
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "orchestrator.git.changed", repos.tip(place, "main")],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(repos.TOP)},
        capture_output=True,
        check=True,
    )
    assert ended.stdout == b"\xff\n.txt\0"


@pytest.mark.parametrize("words", [[], ["main"], ["--output=x"], ["0" * 40, "0" * 40]])
def test_wrong_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Anything but one commit is refused."""
    assert main(words) == 64
    assert capsys.readouterr().err.startswith("usage: ")


def test_a_commit_that_is_not_there(place: Path) -> None:
    """Status 1, and one line that says what git said."""
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "orchestrator.git.changed", "0" * 40],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(repos.TOP)},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (1, b"", 1)
