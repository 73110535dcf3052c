"""Backups hold every byte that no branch holds, and change nothing else."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import backup
from tests.git import repos
from tests.git.repos import git

REF = "refs/orchd/backup/run/track/1"


def index_of(folder: Path) -> bytes:
    """Return the staging area as it is on disk."""
    return (folder / ".git" / "index").read_bytes()


def test_nothing_to_keep_is_none(home: Path) -> None:
    """A clean worktree whose commit is on a branch has no backup; ignored files are none."""
    (home / ".git" / "info" / "exclude").write_text("*.o\n", encoding="ascii")
    (home / "x.o").touch()
    assert backup.keep(str(home), REF) is None
    assert repos.tip(home, REF) == ""


def test_everything_is_kept_and_nothing_touched(home: Path) -> None:
    """Changed, new, deleted and staged; odd names, bytes and modes; worktree and index stay byte for byte."""
    odd = os.fsdecode(b"\xff\xfe"), "new\nline", "-dash", "um\u00e4 laut", ":(glob)*", "deep/er/\ttab"
    repos.write(home, {"a.txt": b"staged\n", **{name: f"in {name!r}".encode() for name in odd}})
    git(home, "add", "a.txt")
    repos.write(home, {"a.txt": b"changed\r\n", "src/b.txt": None})
    (home / "tool").write_bytes(b"#!/bin/sh\n")
    (home / "tool").chmod(0o755)
    (home / "link").symlink_to("/nowhere/at all")
    disk, index, status = repos.on_disk(home), index_of(home), git(home, "status", "--porcelain", "-z")
    commit = backup.keep(str(home), REF)
    assert commit == repos.tip(home, REF)
    assert (repos.on_disk(home), index_of(home), git(home, "status", "--porcelain", "-z")) == (disk, index, status)
    names = set(git(home, "ls-tree", "-r", "-z", "--name-only", REF).rstrip("\0").split("\0"))
    assert names == {*disk, "link"}
    assert all(repos.show(home, REF, name) == data for name, data in disk.items())
    assert "100755" in git(home, "ls-tree", REF, "tool")
    assert repos.show(home, REF, "link") == b"/nowhere/at all"
    assert repos.show(home, f"{REF}^2", "a.txt") == b"staged\n"
    assert repos.parents(home, REF)[0] == repos.tip(home, "main")


def test_done_twice_is_one_backup(home: Path) -> None:
    """The same state is found again; another one is added in front of it."""
    repos.write(home, {"new": b"1"})
    first = backup.keep(str(home), REF)
    assert backup.keep(str(home), REF) == first
    repos.write(home, {"new": b"2"})
    second = backup.keep(str(home), REF)
    assert second
    assert second != first
    assert repos.parents(home, second) == [repos.tip(home, "main"), first]
    assert repos.show(home, second, "new") == b"2"


def test_a_change_at_the_very_moment_of_staging_is_seen(home: Path) -> None:
    """The copy of the index keeps its time, so that git looks again at files as young as it."""
    git(home, "config", "core.trustctime", "false")
    moment = (home / ".git" / "index").stat().st_mtime_ns - 10**10
    repos.write(home, {"a.txt": b"one\n"})
    os.utime(home / "a.txt", ns=(moment, moment))
    git(home, "add", "a.txt")
    os.utime(home / ".git" / "index", ns=(moment, moment))
    repos.write(home, {"a.txt": b"two\n"})
    os.utime(home / "a.txt", ns=(moment, moment))
    assert backup.keep(str(home), REF)
    assert repos.show(home, REF, "a.txt") == b"two\n"


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_what_git_was_told_not_to_look_at_is_kept(home: Path, flag: str) -> None:
    """An agent may have hidden a change from `git status`."""
    git(home, "update-index", flag, "a.txt")
    repos.write(home, {"a.txt": b"hidden\n"})
    assert git(home, "status", "--porcelain") == ""
    assert backup.keep(str(home), REF)
    assert repos.show(home, REF, "a.txt") == b"hidden\n"
    git(home, "update-index", flag.replace("--", "--no-"), "a.txt")


def test_a_sparse_checkout_loses_nothing(home: Path) -> None:
    """Files that are not checked out stay in the backup's tree; a new one outside of the cone is kept."""
    git(home, "sparse-checkout", "set", "--no-cone", "/a.txt")
    assert not (home / "src").exists()
    repos.write(home, {"other/new": b"x"})
    assert backup.keep(str(home), REF)
    assert repos.show(home, REF, "src/b.txt").startswith(b"1\n")
    assert repos.show(home, REF, "other/new") == b"x"


def test_line_ends_are_no_obstacle(home: Path) -> None:
    """Where git would refuse to mix them, the file is kept all the same."""
    git(home, "config", "core.autocrlf", "input")
    git(home, "config", "core.safecrlf", "true")
    repos.write(home, {"mixed": b"a\r\nb\n"})
    git(home, "add", "mixed", status=128)
    assert backup.keep(str(home), REF)
    assert repos.show(home, REF, "mixed") == b"a\nb\n"


def test_a_commit_on_no_branch_is_kept(home: Path) -> None:
    """A clean worktree may still stand on commits that nothing else holds."""
    git(home, "checkout", "--quiet", "--detach")
    git(home, "commit", "--quiet", "--allow-empty", "-m", "mine")
    own = repos.tip(home, "HEAD")
    assert backup.keep(str(home), REF)
    git(home, "merge-base", "--is-ancestor", own, REF)
    assert backup.keep(str(home), "refs/orchd/backup/run/track/2") is None


def test_a_branch_without_a_commit_is_kept(home: Path) -> None:
    """An agent on an orphan branch: its files are kept without a parent."""
    git(home, "checkout", "--quiet", "--orphan", "new")
    commit = backup.keep(str(home), REF)
    assert commit
    assert repos.parents(home, commit) == []
    assert repos.show(home, commit, "a.txt") == b"a\n"


def test_no_name_and_no_hook_stand_in_the_way(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """orchd signs, and the user's hooks are not asked."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    hook = home / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    hook.chmod(0o755)
    repos.write(home, {"new": b""})
    assert backup.keep(str(home), REF)
    assert git(home, "show", "-s", "--format=%an <%ae> %cn", REF) == "orchd <orchd@localhost> orchd"


def test_a_file_that_cannot_be_kept_is_said(home: Path) -> None:
    """Rather no backup than one with a hole: here a nested repository without a commit."""
    (home / "nested").mkdir()
    git(home / "nested", "init", "--quiet")
    with pytest.raises(GitRefused, match="nested"):
        backup.keep(str(home), REF)
    assert repos.tip(home, REF) == ""


def test_a_folder_within_is_no_worktree(home: Path) -> None:
    """A worktree whose .git file is gone must not be taken for the checkout around it."""
    (home / "worktrees" / "agent-1").mkdir(parents=True)
    repos.write(home, {"worktrees/agent-1/work": b"x"})
    with pytest.raises(GitRefused, match="not a worktree any more"):
        backup.keep(str(home / "worktrees" / "agent-1"), REF)


@pytest.mark.parametrize(
    "ref", ["refs/heads/main", "refs/orchd/backup/", "refs/orchd/backup/a..b", "refs/orchd/backup/-/x.lock"]
)
def test_only_our_own_refs_are_written(home: Path, ref: str) -> None:
    """A backup has its place."""
    repos.write(home, {"new": b""})
    with pytest.raises(GitRefused, match="no name for a backup"):
        backup.keep(str(home), ref)


def test_the_way_back_works(home: Path) -> None:
    """The command that the report names brings the work back as a branch."""
    repos.write(home, {"new": b"work"})
    assert backup.keep(str(home), REF)
    words = backup.way_back(REF).split(" ")
    assert words[0] == "git"
    git(home, *words[1:])
    assert repos.show(home, "restored-track-1", "new") == b"work"


def test_private_indexes_that_were_left_are_swept(home: Path) -> None:
    """Those of killed processes go after an hour; others may be in use."""
    folder = home / ".git" / "orchd"
    folder.mkdir(mode=0o700)
    for name in ("index-1-old", "index-2-young"):
        (folder / name).touch()
    os.utime(folder / "index-1-old", (1, 1))
    repos.write(home, {"new": b""})
    assert backup.keep(str(home), REF)
    assert [path.name for path in folder.iterdir()] == ["index-2-young"]
