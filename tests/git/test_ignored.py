"""What one agent has ignored for itself hides nothing of another for good."""

from pathlib import Path

import pytest

from orchestrator.git import ignored, repository, worktree
from orchestrator.git.command import Git
from tests.git import repos
from tests.git.repos import git


@pytest.fixture
def place(home: Path) -> Path:
    """A worktree in a repository that ignores some files."""
    repo = repository.survey(str(home))
    repository.exclude(repo, ["/worktrees/", "*.log", "cache/"])
    worktree.add(repo, str(home / "worktrees" / "agent-1"), "feat/x", repo.head)
    return home / "worktrees" / "agent-1"


def test_what_was_ignored_from_the_beginning(place: Path, home: Path) -> None:
    """It goes with the worktree, and so does what a .gitignore names."""
    repos.write(place, {"a.log": b"", "cache/b": b"", "deep/.gitignore": b"*\n", "deep/c": b""})
    assert ignored.since(Git(str(place))) == ()
    assert worktree.remove(repository.survey(str(home)), str(place)).removed


@pytest.mark.parametrize("setting", ["", "core.excludesFile"])
def test_what_is_ignored_only_since(place: Path, home: Path, setting: str, tmp_path: Path) -> None:
    """The worktree stays, and it is said for what; nothing in it is touched."""
    repos.write(place, {"notes/two.md": b"work", "odd\n.md": b"work"})
    patterns = tmp_path / "patterns" if setting else home / ".git" / "info" / "exclude"
    with patterns.open("a") as file:
        file.write("notes/\n*.md\n!ROADMAP.md\n")
    if setting:
        git(home, "config", setting, str(patterns))
    assert git(place, "status", "--porcelain") == ""
    assert ignored.since(Git(str(place))) == ("notes/", "odd\n.md")
    removal = worktree.remove(repository.survey(str(home)), str(place))
    assert not removal.removed
    assert "ignored only since it was made" in removal.why
    assert "notes/, odd\\x0a.md" in removal.why
    assert (place / "notes" / "two.md").read_bytes() == b"work"


def test_patterns_that_only_git_reads(place: Path, home: Path, tmp_path: Path) -> None:
    """A link is followed by git and not by us: what it says now is not taken for what it said."""
    repos.write(place, {"notes/two.md": b"work"})
    (tmp_path / "patterns").write_text("notes/\n")
    (tmp_path / "link").symlink_to("patterns")
    git(home, "config", "core.excludesFile", str(tmp_path / "link"))
    assert ignored.since(Git(str(place))) == ("notes/",)


def test_a_worktree_that_remembers_nothing(place: Path, home: Path) -> None:
    """One of an earlier version goes as it always did; and what is remembered stays as it was."""
    before = repository.survey(str(home))
    copy = Path(git(place, "rev-parse", "--git-path", "orchd-exclude"))
    kept = copy.read_bytes()
    repository.exclude(before, ["later"])
    worktree.add(before, str(place), "feat/x", before.head)
    assert copy.read_bytes() == kept
    copy.unlink()
    repos.write(place, {"later": b"x"})
    assert worktree.remove(before, str(place)).removed
