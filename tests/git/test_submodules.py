"""Sub-modules in worktrees: as the user's checkout has them, from there, and nothing of them is lost."""

import signal
from pathlib import Path

import pytest

from orchestrator.git import backup, repository, submodules, worktree
from tests.git import repos
from tests.git.repos import git
from tests.git.test_kinds import commit_phase

ALLOW = ("-c", "protocol.file.allow=always")
REF = "refs/orchd/backup/run/track/1"


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """A checkout with a sub-module of an odd name that has one itself; where they came from is gone."""
    deep = repos.make(tmp_path / "deep", {"d": b"d"})
    inner = repos.make(tmp_path / "inner", {"x": b"x"})
    git(inner, *ALLOW, "submodule", "--quiet", "add", "--name", "deep", str(deep), "deep")
    git(inner, "commit", "--quiet", "-m", "deep")
    made = repos.make(tmp_path / "outer", {"a.txt": b"a\n", "ROADMAP.md": b"- one\n"})
    git(made, *ALLOW, "submodule", "--quiet", "add", "--name", "o'dd=na me", str(inner), "libs/in ner")
    git(made, *ALLOW, "submodule", "--quiet", "update", "--init", "--recursive")
    git(made, "commit", "--quiet", "-m", "inner")
    for each in (deep, inner):
        each.rename(each.with_name(f"{each.name}.gone"))
    return made


def made(outer: Path) -> tuple[repository.Repository, Path]:
    """Return a new worktree with its sub-modules."""
    repo = repository.survey(str(outer))
    repository.exclude(repo, ["/worktrees/"])
    path = outer / "worktrees" / "agent-1"
    worktree.add(repo, str(path), "feat/x", repo.head)
    assert submodules.fill(repo.top, str(path)) == "sub-modules as in your checkout: 1 of 1"
    return repo, path


def test_they_are_there_without_a_network_and_go_with_it(outer: Path, tmp_path: Path) -> None:
    """Those within, too; they push where the user's do; they are no change, no backup, and in nobody's way."""
    config = (outer / ".git" / "config").read_bytes()
    repo, path = made(outer)
    inner = path / "libs" / "in ner"
    assert ((inner / "x").read_bytes(), (inner / "deep" / "d").read_bytes()) == (b"x", b"d")
    assert git(inner, "remote", "get-url", "origin") == str(tmp_path / "inner")
    assert submodules.fill(repo.top, str(path)) == ""
    assert (git(path, "status", "--porcelain"), (outer / ".git" / "config").read_bytes()) == ("", config)
    assert backup.keep(str(path), REF) is None
    repos.write(path, {"new": b"n"})
    commit_phase(path, repo.head)
    assert worktree.remove(repo, str(path)).removed
    assert git(outer, "status", "--porcelain") == ""
    assert (outer / "libs" / "in ner" / "deep" / "d").exists()


def test_commits_in_one_are_brought_home(outer: Path) -> None:
    """The user's sub-module holds them when the track's commit names them; only then may the worktree go."""
    repo, path = made(outer)
    inner = path / "libs" / "in ner"
    (inner / "y").write_text("y")
    git(inner, "add", "y")
    git(inner, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-m", "y")
    head = git(inner, "rev-parse", "HEAD")
    assert not submodules.has_nothing_of_its_own(str(path), "libs/in ner")
    commit_phase(path, repo.head)
    assert git(path, "ls-tree", "HEAD", "libs/").split()[2] == head
    assert git(outer / "libs" / "in ner", "rev-parse", f"{submodules.KEPT}/{head}") == head
    assert worktree.remove(repo, str(path)).removed


@pytest.mark.parametrize("spoil", ["file", "commit", "stash"])
def test_what_only_one_of_them_has_keeps_the_worktree(outer: Path, spoil: str) -> None:
    """A new file, a commit left behind, a stash: none of it is in the track's commit."""
    repo, path = made(outer)
    inner = path / "libs" / "in ner"
    (inner / "y").write_text("y")
    identity = ("-c", "user.name=A", "-c", "user.email=a@b")
    if spoil != "file":
        git(inner, "add", "y")
    if spoil == "commit":
        git(inner, *identity, "commit", "--quiet", "-m", "y")
        git(inner, "reset", "--quiet", "--hard", "HEAD^")
    elif spoil == "stash":
        git(inner, *identity, "stash", "--quiet")
    removal = worktree.remove(repo, str(path))
    assert (removal.removed, "repositories of their own in it: libs/in ner" in removal.why) == (False, True)
    assert (inner / "x").exists()


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_was_told_not_to_look_at_keeps_the_worktree(outer: Path, flag: str) -> None:
    """What is in it is in no commit, and git says that nothing has changed."""
    repo, path = made(outer)
    inner = path / "libs" / "in ner"
    git(inner, "update-index", flag, "x")
    (inner / "x").write_text("precious")
    assert git(inner, "status", "--porcelain") == ""
    assert not worktree.remove(repo, str(path)).removed
    assert (inner / "x").read_text() == "precious"


def test_ignored_files_in_one_keep_the_worktree_where_they_count(outer: Path) -> None:
    """With keep_ignored they are nobody's to throw away; without it they go, as they do beside it."""
    repo, path = made(outer)
    inner = path / "libs" / "in ner" / "deep"
    Path(git(inner, "rev-parse", "--path-format=absolute", "--git-path", "info/exclude")).write_text("*.log\n")
    (inner / "x.log").write_text("precious")
    assert not worktree.remove(repo, str(path), keep_ignored=True).removed
    assert (inner / "x.log").read_text() == "precious"
    assert worktree.remove(repo, str(path)).removed


def test_those_that_are_not_checked_out_stay_empty(outer: Path) -> None:
    """And one whose commit the checkout does not have is left empty, with the reason."""
    tip = git(outer / "libs" / "in ner", "rev-parse", "HEAD")
    git(outer, "update-index", "--cacheinfo", f"160000,{'1' * len(tip)},libs/in ner")
    git(outer, "commit", "--quiet", "-m", "moved on")
    repo = repository.survey(str(outer))
    path = outer / "worktrees" / "agent-1"
    worktree.add(repo, str(path), "feat/x", repo.head)
    said = submodules.fill(repo.top, str(path))
    assert said.startswith("sub-modules as in your checkout: 0 of 1; left empty: libs/in ner (")
    git(outer, "submodule", "--quiet", "deinit", "--force", "--all")
    other = outer / "worktrees" / "agent-2"
    worktree.add(repo, str(other), "feat/y", repo.head)
    assert submodules.fill(repo.top, str(other)) == ""
    assert worktree.remove(repo, str(other)).removed


@pytest.mark.parametrize("step", ["submodules.begun", "submodules.filled"])
def test_cut_short_it_begins_anew(outer: Path, step: str) -> None:
    """Whatever a killed one left half-made; what an agent had checked out by itself before is its own."""
    repo = repository.survey(str(outer))
    path = outer / "worktrees" / "agent-1"
    worktree.add(repo, str(path), "feat/x", repo.head)
    repos.ended(repos.drive("fill", str(outer), str(path), failpoint=f"{step}:kill"), -signal.SIGKILL)
    assert submodules.fill(repo.top, str(path)) == "sub-modules as in your checkout: 1 of 1"
    assert (path / "libs" / "in ner" / "deep" / "d").read_bytes() == b"d"
    (path / "libs" / "in ner" / "mine").touch()
    assert submodules.fill(repo.top, str(path)) == ""
    note = outer / ".git" / "worktrees" / "agent-1" / "orchd-submodules"
    for each in (note, note.with_name("orchd-submodules.done")):
        each.unlink()
    assert submodules.fill(repo.top, str(path)) == ""
    assert (path / "libs" / "in ner" / "mine").exists()
