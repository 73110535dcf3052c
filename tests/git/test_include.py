"""``.worktreeinclude``: what a new worktree gets of what git ignores, and what it does not."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import backup, commit, include, repository, worktree
from orchestrator.git.command import Git
from tests.git import repos

REF = "refs/orchd/backup/run/track/1"
ODD = os.fsdecode(b"odd \xff\n'\"")


@pytest.fixture
def checkout(home: Path) -> Path:
    """A checkout with files that git ignores, some of them named in .worktreeinclude."""
    repos.grow(home, "main", {".gitignore": b".env*\nlocal/\nruntime/\n*.log\n", "sub/.gitignore": b"own\n"})
    repos.git(home, "reset", "--quiet", "--hard", "main")
    ignored = {".env": b"A=1\n", ".env.test": b"B=2\n", "local/deep/key": b"k", f"local/{ODD}": b"o", "a.log": b"l"}
    repos.write(home, {**ignored, "sub/own": b"s", "runtime/x.env": b"ours", "new.txt": b"not ignored\n"})
    named = b"# what tracks need\n.env*\n!.env.test\nlocal/\nsub/own\na.txt\nnew.txt\nruntime/\n"
    repos.write(home, {".worktreeinclude": named})
    return home


def made(home: Path, name: str = "agent-1") -> Path:
    """Return a new worktree with what it gets."""
    repo = repository.survey(str(home))
    path = home / "worktrees" / name
    worktree.add(repo, str(path), f"feat/{name}", repo.head)
    include.copy(repo.top, str(path), [f"{home}/runtime"])
    return path


def test_ignored_and_named(checkout: Path) -> None:
    """Files and folders, by the rules of .gitignore; nothing tracked, nothing that git sees, nothing of orchd's."""
    path = made(checkout)
    before = {"a.txt", "src/b.txt", "ROADMAP.md", ".gitignore", "sub/.gitignore"}
    assert set(repos.on_disk(path)) - before == {".env", "local/deep/key", f"local/{ODD}", "sub/own"}
    assert repos.git(path, "status", "--porcelain", "--untracked-files=all") == ""
    (path / ".env").write_text("mine\n")
    assert include.copy(str(checkout), str(path), []) == ""
    assert (path / ".env").read_text() == "mine\n"


def test_what_is_said(checkout: Path) -> None:
    """How many were copied, and what was not, and why."""
    (checkout / "local" / "out").symlink_to("/etc/passwd")
    (checkout / "local" / "in").symlink_to("deep/key")
    repo = repository.survey(str(checkout))
    path = checkout / "worktrees" / "agent-1"
    worktree.add(repo, str(path), "feat/one", repo.head)
    said = include.copy(repo.top, str(path), [f"{checkout}/runtime"])
    assert said.startswith("copied 5 files that .worktreeinclude names; not copied: links that lead out")
    assert "local/out" in said
    assert (os.readlink(path / "local" / "in"), os.path.lexists(path / "local" / "out")) == ("deep/key", False)


def test_what_the_worktree_does_not_ignore_is_not_copied(checkout: Path) -> None:
    """Else it would be the track's change: a branch may have other rules, or the file itself, or a link in its way."""
    (checkout / ".gitignore").write_text(".env*\nlocal/\nsecret\n")
    repos.write(checkout, {"secret": b"s", ".worktreeinclude": b"secret\n.env\nlocal/\n"})
    repos.grow(checkout, "main", {"local": b"a file now\n"})
    path = made(checkout)
    assert (repos.on_disk(path)[".env"], repos.on_disk(path)["local"]) == (b"A=1\n", b"a file now\n")
    assert not (path / "secret").exists()
    assert repos.git(path, "status", "--porcelain") == ""


def test_copies_are_nobodys_work(checkout: Path) -> None:
    """They go with the worktree and are not backed up, even where ignored files are; one that was changed is."""
    path = made(checkout)
    assert backup.keep(str(path), REF, ignored=True) is None
    repo = repository.survey(str(checkout))
    assert worktree.remove(repo, str(path), keep_ignored=True).removed
    other = made(checkout, "agent-2")
    (other / ".env").write_text("changed\n")
    (other / "b.log").write_text("new\n")
    assert not worktree.remove(repo, str(other), keep_ignored=True).removed
    kept = backup.keep(str(other), REF, ignored=True)
    assert kept is not None
    loose = next(
        each
        for each in repos.parents(checkout, kept)
        if "loose" in repos.git(checkout, "log", "-1", "--format=%s", each)
    )
    assert repos.git(checkout, "ls-tree", "-r", "--name-only", loose).splitlines() == [".env", "b.log"]
    assert worktree.remove(repo, str(other), keep_ignored=True).removed


def test_copies_do_not_come_into_a_commit(checkout: Path) -> None:
    """Not where the agent has git ignore them no longer, nor where it committed them by itself and thought better."""
    path = made(checkout)
    git, base = Git(str(path)), repos.tip(checkout, "main")
    spec = commit.Spec("feat/agent-1", base, "Implement X", (), {}, {})
    (path / ".gitignore").write_text("runtime/\n")
    (path / "new.txt").write_text("new\n")
    with pytest.raises(commit.Invalid, match=r"^\.env, local/deep/key, .* is a copy that \.worktreeinclude names"):
        commit.make(git, spec)
    (path / ".gitignore").write_text(".env*\nlocal/\n*.log\n")
    assert repos.git(path, "diff", "--name-only", base, commit.make(git, spec)).splitlines() == [
        ".gitignore",
        "new.txt",
    ]
    for words in (["add", "--force", ".env"], ["commit", "-qm", "x"], ["rm", "-q", "--cached", ".env"]):
        repos.git(path, *words)
    with pytest.raises(commit.Invalid, match=r"^\.env was committed, a copy that \.worktreeinclude names"):
        commit.make(git, spec)
    assert (path / ".env").read_text() == "A=1\n"


def test_cut_short_it_goes_on(checkout: Path) -> None:
    """A copy that was not finished is made anew; one that was stays."""
    repo = repository.survey(str(checkout))
    path = checkout / "worktrees" / "agent-1"
    worktree.add(repo, str(path), "feat/one", repo.head)
    (path / ".env").write_text("A")
    (path / ".env").chmod(0o200)
    include.copy(repo.top, str(path), [f"{checkout}/runtime"])
    assert (path / ".env").read_text() == "A=1\n"
    assert (path / ".env").stat().st_mode & 0o777 == (checkout / ".env").stat().st_mode & 0o777


def test_what_cannot_be_is_refused(checkout: Path) -> None:
    """A link in its place, and more than anybody wants in each worktree: one line, before anything starts."""
    with (checkout / "local" / "huge").open("wb") as file:
        file.truncate(5 * 1024**3)
    with pytest.raises(GitRefused, match=r"names 5 files with 5120 MiB, for each worktree: local/huge, "):
        include.chosen(str(checkout), [f"{checkout}/runtime"])
    (checkout / ".worktreeinclude").unlink()
    assert include.chosen(str(checkout), []).paths == ()
    (checkout / ".worktreeinclude").symlink_to("/etc/passwd")
    with pytest.raises(GitRefused, match="symbolic link"):
        include.chosen(str(checkout), [])
