"""Backups hold every byte that no branch holds, and change nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import backup, repository, worktree
from tests.git import repos
from tests.git.repos import git

REF = "refs/orchd/backup/run/track/1"

PLAIN = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Begins a command of root's with the rights that others have."""


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


def test_a_commit_that_only_a_ref_of_the_worktree_holds_is_kept(home: Path, tmp_path: Path) -> None:
    """Such a ref goes with the worktree, and no log has the commit."""
    place = tmp_path / "place"
    git(home, "worktree", "add", "--quiet", "-b", "feat/x", str(place))
    lost = git(
        place, "-c", "user.name=A", "-c", "user.email=a@b", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "x"
    )
    git(place, "update-ref", "refs/worktree/mine", lost)
    assert backup.look(str(place)).lost == (lost,)
    assert backup.keep(str(place), REF) is not None
    assert git(home, "merge-base", "--is-ancestor", lost, REF) == ""
    assert backup.look(str(place)).lost == ()


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


def test_a_repository_within_is_kept_as_files(home: Path) -> None:
    """With commits or without: its files are in the backup, exactly, and so is everything around it."""
    repos.make(home / "old", {"x": b"1"})
    repos.write(home, {"old/x": b"2", "old/deep/y": b"y", "around": b"a"})
    (home / "fresh").mkdir()
    git(home / "fresh", "init", "--quiet")
    repos.write(home / "fresh", {"z\n": b"z\r\n"})
    assert backup.keep(str(home), REF)
    loose = dict(backup.look(str(home)).more)["loose"]
    assert set(git(home, "ls-tree", "-r", "-z", "--name-only", loose).split("\0")) >= {
        "old/x",
        "old/deep/y",
        "fresh/z\n",
    }
    assert repos.show(home, loose, "old/x") == b"2"
    assert repos.show(home, REF, "around") == b"a"
    assert "of which only the files are kept: fresh" in git(home, "show", "-s", "--format=%B", REF)


def test_ignored_files_are_kept_where_asked_for(home: Path) -> None:
    """Byte for byte, with their modes and links; without that they are no work."""
    (home / ".git" / "info" / "exclude").write_text("*.o\ncache/\n", encoding="ascii")
    repos.write(home, {"x.o": b"\r\n", "cache/deep/f": b"f"})
    (home / "x.o").chmod(0o600)
    (home / "cache" / "l").symlink_to("nowhere")
    assert backup.keep(str(home), REF) is None
    assert backup.keep(str(home), REF, ignored=True)
    more = dict(backup.look(str(home), ignored=True).more)
    assert repos.show(home, more["loose"], "cache/deep/f") == b"f"
    assert repos.show(home, more["loose"], "cache/l") == b"nowhere"
    assert repos.show(home, more["modes"], "modes") == b"600 x.o\0"


def test_what_git_would_convert_is_kept_raw_too(home: Path) -> None:
    """The tree is git's view, so that it can be merged; a second one has the very bytes."""
    repos.write(home, {".gitattributes": b"*.t text eol=lf\n*.u ident\n"})
    repos.write(home, {"a.t": b"1\r\n2\n", "b.u": b"$Id: x $"})
    assert backup.keep(str(home), REF)
    raw = dict(backup.look(str(home)).more)["raw"]
    assert repos.show(home, REF, "a.t") == b"1\n2\n"
    assert (repos.show(home, raw, "a.t"), repos.show(home, raw, "b.u")) == (b"1\r\n2\n", b"$Id: x $")


def test_a_filter_that_fails_is_no_obstacle(home: Path) -> None:
    """A program that is not installed must not cost the file."""
    git(home, "config", "filter.x.clean", "false")
    git(home, "config", "filter.x.required", "true")
    repos.write(home, {".gitattributes": b"*.x filter=x\n", "a.x": b"work"})
    assert backup.keep(str(home), REF)
    assert repos.show(home, REF, "a.x") == b"work"
    repos.write(home, {".gitattributes": None, "a.x": None})


def test_commits_that_only_a_log_holds_are_kept(home: Path) -> None:
    """Amended or reset away: the log goes with the worktree."""
    start = repos.tip(home, "main")
    lost = []
    for name in ("one", "two"):
        repos.write(home, {name: b"x"})
        git(home, "add", name)
        git(home, "commit", "--quiet", "-m", name)
        lost.append(repos.tip(home, "main"))
        git(home, "reset", "--quiet", "--hard", start)
    assert backup.keep(str(home), REF)
    for each in lost:
        git(home, "merge-base", "--is-ancestor", each, REF)
    assert backup.keep(str(home), "refs/orchd/backup/run/track/2") is None


def test_both_sides_of_a_conflict_are_kept(home: Path) -> None:
    """Also of one that no commit has."""
    repos.grow(home, "other", {"a.txt": b"theirs\n"}, base="main")
    repos.write(home, {"a.txt": b"ours\n"})
    git(home, "commit", "--quiet", "-am", "ours")
    git(home, "merge", "other", status=1)
    assert backup.keep(str(home), REF)
    sides = dict(backup.look(str(home)).more)["unmerged"]
    found = [repos.show(home, sides, f"{side}/a.txt") for side in ("base", "ours", "theirs")]
    assert found == [b"a\n", b"ours\n", b"theirs\n"]


def conflict_beside(home: Path) -> None:
    """Be in the middle of a conflict, with something staged beside it that is something else on disk."""
    repos.grow(home, "other", {"a.txt": b"theirs\n"}, base="main")
    repos.write(home, {"a.txt": b"ours\n"})
    git(home, "commit", "--quiet", "-am", "ours")
    git(home, "merge", "other", status=1)
    repos.write(home, {"src/b.txt": b"staged\n", "same": b"same\n"})
    git(home, "add", "src/b.txt", "same")
    repos.write(home, {"src/b.txt": b"on disk\n", "ROADMAP.md": b"on disk, too\n"})


def test_what_was_staged_beside_a_conflict_is_kept(home: Path) -> None:
    """No tree can hold such an index; what is on disk as it was staged is not kept twice."""
    conflict_beside(home)
    assert backup.keep(str(home), REF)
    sides = dict(backup.look(str(home)).more)["unmerged"]
    assert repos.show(home, sides, "staged/src/b.txt") == b"staged\n"
    assert git(home, "ls-tree", "-r", "--name-only", f"{sides}:staged") == "src/b.txt"
    assert repos.show(home, REF, "src/b.txt") == b"on disk\n"


def test_a_conflict_in_a_worktree_that_was_deleted_is_kept(home: Path) -> None:
    """Its sides, and all that was staged."""
    place = home / "worktrees" / "x"
    git(home, "worktree", "add", "--quiet", "-b", "x", str(place))
    conflict_beside(place)
    shutil.rmtree(place)
    assert backup.keep_remains(str(home), str(home / ".git" / "worktrees" / "x"), REF)
    sides = git(home, "rev-parse", f"{REF}^2")
    found = git(home, "ls-tree", "-r", "--name-only", sides).split("\n")
    assert found == ["base/a.txt", "ours/a.txt", "staged/same", "staged/src/b.txt", "theirs/a.txt"]


def test_what_cannot_be_read_is_said_and_all_else_kept(home: Path) -> None:
    """A file and a folder that are closed to us: named in the backup, and looked for again before anything goes."""
    repos.write(home, {"new": b"x", "closed/f": b"f", "shut": b"s"})
    (home / "shut").chmod(0)
    (home / "closed").chmod(0)
    child = repos.drive("keep", str(home), REF, before=PLAIN if os.geteuid() == 0 else ())
    assert set(repos.ended(child).split()) == {"shut", "closed"}
    (home / "closed").chmod(0o700)
    assert repos.show(home, REF, "new") == b"x"


def test_what_was_written_into_a_half_made_worktree_is_kept(home: Path) -> None:
    """Before git fills it for good, and writes over what is there."""
    repo = repository.survey(str(home))
    path = home / "worktrees" / "agent-1"
    worktree.add(repo, str(path), "feat/x", repo.head)
    repos.write(path, {"a.txt": b"written over\n", "mine": b"mine", "src/b.txt": None})
    git(home, "worktree", "lock", "--reason", "initializing", str(path))
    worktree.add(repo, str(path), "feat/x", repo.head)
    assert (path / "a.txt").read_bytes() == b"a\n"
    assert (path / "src" / "b.txt").exists()
    ref = "refs/orchd/backup/half-made/agent-1/0"
    assert (repos.show(home, ref, "a.txt"), repos.show(home, ref, "mine")) == (b"written over\n", b"mine")


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
    assert backup.way_back(REF) == "orchd restore run track --attempt 1"


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
