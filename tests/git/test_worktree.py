"""Worktrees: made once, finished after a crash, and removed only when nothing is lost by it."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import backup, branches, repository, worktree
from orchestrator.git.repository import Repository
from tests.git import repos
from tests.git.repos import git
from tests.waiting import wait_for

REF = "refs/orchd/backup/run/track/1"


@pytest.fixture
def repo(home: Path) -> Repository:
    """The repository as a run finds it, with the folder of the worktrees excluded."""
    found = repository.survey(str(home))
    repository.exclude(found, ["/worktrees/"])
    return found


def place(repo: Repository) -> Path:
    """Return where the tests' worktree stands."""
    return Path(repo.top, "worktrees", "agent-1")


def add(repo: Repository, branch: str = "feat/x") -> Path:
    """Make the tests' worktree."""
    worktree.add(repo, str(place(repo)), branch, repo.head)
    return place(repo)


def test_a_worktree_is_made_on_a_new_branch(repo: Repository) -> None:
    """All files are there, on the branch, and the user's checkout is as it was."""
    before = repos.on_disk(Path(repo.top))
    path = add(repo)
    assert git(path, "symbolic-ref", "HEAD") == "refs/heads/feat/x"
    assert git(path, "status", "--porcelain") == ""
    assert repos.on_disk(path) == before
    assert git(Path(repo.top), "status", "--porcelain") == ""
    assert [(each.path, each.branch) for each in worktree.list(repo)] == [(repo.top, "main"), (str(path), "feat/x")]


def test_done_twice_changes_nothing(repo: Repository) -> None:
    """What an agent did in between stays, and a later base moves nothing."""
    path = add(repo)
    repos.write(path, {"new": b"work", "a.txt": b"changed"})
    later = repos.grow(Path(repo.top), "later", {"x": b""}, base="main")
    worktree.add(repo, str(path), "feat/x", later)
    assert (path / "new").read_bytes() == b"work"
    assert (path / "a.txt").read_bytes() == b"changed"
    assert repos.tip(path, "HEAD") == repo.head


def test_the_path_may_lead_over_links(repo: Repository, tmp_path: Path) -> None:
    """A folder of worktrees on another disk is found again by its link."""
    (tmp_path / "disk").mkdir()
    Path(repo.top, "worktrees").symlink_to(tmp_path / "disk")
    for _ in range(2):
        path = add(repo)
    assert (tmp_path / "disk" / "agent-1" / "a.txt").exists()
    assert worktree.remove(repo, str(path)).removed


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_a_place_that_is_taken_is_refused(repo: Repository, tmp_path: Path, what: str) -> None:
    """What stands there is left alone, and no branch is made."""
    path = place(repo)
    path.parent.mkdir()
    match what:
        case "file":
            path.write_bytes(b"mine")
        case "folder":
            path.mkdir()
            (path / "mine").touch()
        case _:
            path.symlink_to(tmp_path)
    with pytest.raises(GitRefused, match="in the way"):
        add(repo)
    assert os.path.lexists(path)
    assert repos.tip(Path(repo.top), "refs/heads/feat/x") == ""


def test_an_empty_folder_is_no_obstacle(repo: Repository) -> None:
    """A crash may have made the folder and no more."""
    place(repo).mkdir(parents=True)
    assert (add(repo) / "a.txt").exists()


def test_a_worktree_on_another_branch_is_refused(repo: Repository) -> None:
    """It is somebody's; the message says where it stands."""
    path = add(repo, "other")
    with pytest.raises(GitRefused, match="stands on other, not on feat/x"):
        add(repo)
    git(path, "checkout", "--quiet", "--detach")
    with pytest.raises(GitRefused, match="on no branch"):
        add(repo)


def test_a_branch_that_is_checked_out_elsewhere_is_refused(repo: Repository) -> None:
    """Git allows a branch one worktree."""
    add(repo)
    with pytest.raises(GitRefused, match="already checked out"):
        worktree.add(repo, f"{repo.top}/worktrees/agent-2", "feat/x", repo.head)


def test_a_branch_without_worktree_is_used(repo: Repository) -> None:
    """Made before a crash: with commits it stays as it is, without any it begins at the base."""
    top = Path(repo.top)
    own = repos.grow(top, "feat/x", {"own": b""}, base="main")
    git(top, "branch", "feat/y")
    later = repos.grow(top, "later", {"x": b""}, base="main")
    worktree.add(repo, str(place(repo)), "feat/x", later)
    assert repos.tip(place(repo), "HEAD") == own
    worktree.add(repo, f"{repo.top}/worktrees/agent-2", "feat/y", later)
    assert repos.tip(top, "feat/y") == later


def test_a_branch_of_another_history_is_refused(repo: Repository) -> None:
    """A branch that has nothing in common with the base is a stranger's."""
    top = Path(repo.top)
    git(top, "update-ref", "refs/heads/feat/x", git(top, "commit-tree", "-m", "x", git(top, "mktree")))
    with pytest.raises(GitRefused, match="nothing in common"):
        add(repo)


@pytest.mark.parametrize("branch", ["", "-x", "a..b", "a\0b", "a b", "x.lock", "@{-1}", "a\nb", "x" * 5000])
def test_a_name_that_is_no_branch_is_refused(repo: Repository, branch: str) -> None:
    """Options, ranges and other words of git are not names."""
    with pytest.raises(GitRefused):
        worktree.add(repo, str(place(repo)), branch, repo.head)
    with pytest.raises(GitRefused):
        branches.free(repo, branch)
    assert not place(repo).exists()


def test_a_worktree_whose_folder_was_deleted_is_made_again(repo: Repository) -> None:
    """Also when the folder of all worktrees went, and at another place; commits of its branch are kept."""
    top = Path(repo.top)
    path = add(repo)
    git(path, "commit", "--quiet", "--allow-empty", "-m", "own")
    own = repos.tip(top, "feat/x")
    for again in (path, top / "worktrees" / "agent-2"):
        _delete(top / "worktrees")
        worktree.add(repo, str(again), "feat/x", repo.head)
        assert repos.tip(again, "HEAD") == own
        assert len(worktree.list(repo)) == 2


def _delete(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def test_a_deleted_worktree_with_something_to_lose_is_not_forgotten(repo: Repository) -> None:
    """Staged work, a commit on no branch, a lock: a person decides, and the message says how."""
    path = add(repo)
    repos.write(path, {"staged": b"x"})
    git(path, "add", "staged")
    _delete(path)
    with pytest.raises(GitRefused, match="something was staged in it") as error:
        add(repo)
    assert f"git worktree remove {path}" in error.value.hint
    assert not worktree.remove(repo, str(path)).removed
    git(Path(repo.top), "worktree", "remove", str(path))
    path = add(repo)
    git(path, "checkout", "--quiet", "--detach")
    git(path, "commit", "--quiet", "--allow-empty", "-m", "lost")
    _delete(path)
    with pytest.raises(GitRefused, match="no branch holds its commit"):
        add(repo)
    git(Path(repo.top), "worktree", "lock", "--reason", "on a stick", str(path))
    with pytest.raises(GitRefused, match="locked: on a stick"):
        add(repo)


def test_a_worktree_without_its_git_file_is_repaired(repo: Repository) -> None:
    """An agent that deleted .git loses nothing."""
    path = add(repo)
    repos.write(path, {"work": b"x", ".git": None})
    add(repo)
    assert git(path, "status", "--porcelain") == "?? work"


KILLING = """#!/bin/sh
mkdir "$0.once" || exec cat
above=$(cut -d' ' -f4 /proc/$PPID/stat)
kill -9 "$above" "$PPID"
"""
WAITING = """#!/bin/sh
touch "$0.began"
while ! [ -e "$0.go" ]; do sleep 0.01; done
exec cat
"""


def filtered(repo: Repository, tmp_path: Path, script: str) -> Path:
    """Let a script see every file that git writes into a checkout."""
    path = tmp_path / "filter"
    path.write_text(script, encoding="ascii")
    path.chmod(0o755)
    top = Path(repo.top)
    git(top, "config", "filter.x.smudge", str(path))
    git(top, "config", "filter.x.clean", "cat")
    (top / ".git" / "info").mkdir(exist_ok=True)
    (top / ".git" / "info" / "attributes").write_text("src/* filter=x\n", encoding="ascii")
    return path


def test_a_half_made_worktree_is_finished(repo: Repository, tmp_path: Path) -> None:
    """Git was killed while it filled the worktree: its lock goes, the rest of the files come."""
    script = filtered(repo, tmp_path, KILLING)
    with pytest.raises(GitRefused):
        add(repo)
    path = place(repo)
    assert (tmp_path / f"{script.name}.once").exists()
    assert not (path / "src" / "b.txt").exists()
    assert Path(repo.common_dir, "worktrees", "agent-1", "index.lock").exists()
    assert not worktree.remove(repo, str(path)).removed
    add(repo)
    assert git(path, "status", "--porcelain") == ""
    assert git(path, "symbolic-ref", "HEAD") == "refs/heads/feat/x"
    assert [each.locked for each in worktree.list(repo)] == [None, None]


def test_a_git_that_outlives_its_caller_is_waited_for(repo: Repository, tmp_path: Path) -> None:
    """After a kill of the caller git goes on; the next caller lets it finish and then finds everything done."""
    script = filtered(repo, tmp_path, WAITING)
    words = ("add", repo.top, str(place(repo)), "feat/x", repo.head)
    first = repos.drive(*words)
    wait_for(lambda: Path(f"{script}.began").exists())
    first.kill()
    first.communicate()
    second = repos.drive(*words)
    wait_for(lambda: Path(f"/proc/{second.pid}/wchan").exists())
    Path(f"{script}.go").touch()
    repos.ended(second)
    assert git(place(repo), "status", "--porcelain") == ""
    assert [each.locked for each in worktree.list(repo)] == [None, None]


def test_many_processes_make_worktrees_at_once(repo: Repository) -> None:
    """Each gets its own."""
    paths = [f"{repo.top}/worktrees/agent-{number}" for number in range(4)]
    for child in [repos.drive("add", repo.top, path, f"feat/{number}", repo.head) for number, path in enumerate(paths)]:
        repos.ended(child)
    assert [each.path for each in worktree.list(repo)][1:] == paths


def test_a_failing_hook_does_not_undo_a_worktree(repo: Repository) -> None:
    """post-checkout has no say in the outcome."""
    hook = Path(repo.common_dir, "hooks", "post-checkout")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 3\n", encoding="ascii")
    hook.chmod(0o755)
    assert git(add(repo), "status", "--porcelain") == ""


def test_a_free_branch_is_found(repo: Repository) -> None:
    """Taken names, also in another case or as a folder, get a number; a name below a branch cannot be had."""
    top = Path(repo.top)
    assert branches.free(repo, "feat/x") == "feat/x"
    git(top, "branch", "feat/x")
    git(top, "branch", "Feat/X-2")
    git(top, "branch", "feat/x-3/deep")
    assert branches.free(repo, "feat/x") == "feat/x-4"
    with pytest.raises(GitRefused, match="the branch feat/x is in the way"):
        branches.free(repo, "feat/x/y")


def test_a_clean_worktree_is_removed(repo: Repository) -> None:
    """Its branch stays; a second time is harmless; ignored files go with it."""
    Path(repo.common_dir, "info", "exclude").write_text("*.o\n", encoding="ascii")
    path = add(repo)
    (path / "x.o").touch()
    assert worktree.remove(repo, str(path)) == worktree.Removal(removed=True)
    assert not path.exists()
    assert repos.tip(Path(repo.top), "feat/x") == repo.head
    assert worktree.remove(repo, str(path)).removed


def test_what_is_not_ours_is_not_removed(repo: Repository) -> None:
    """Neither the user's checkout, nor a locked worktree, nor a folder that is none."""
    path = add(repo)
    repos.write(Path(repo.top), {"a.txt": b"changed", "folder/x": b""})
    assert worktree.remove(repo, repo.top) == worktree.Removal(removed=False, why="it is the main checkout")
    assert not worktree.remove(repo, f"{repo.top}/folder").removed
    git(path, "worktree", "lock", "--reason", "mine\x1b", str(path))
    assert worktree.remove(repo, str(path)).why == "it is locked: mine\\x1b"
    assert git(Path(repo.top), "symbolic-ref", "HEAD") == "refs/heads/main"


def dirt(path: Path) -> None:
    """Leave work of every kind behind."""
    repos.write(path, {"new\nfile": b"\0new", "a.txt": b"staged\n"})
    git(path, "add", "a.txt")
    repos.write(path, {"a.txt": b"changed\n", "src/b.txt": None})


def test_a_dirty_worktree_stays_until_all_is_kept(repo: Repository) -> None:
    """Without a backup it stays as it is; with one it goes, and the backup holds every byte."""
    path = add(repo)
    dirt(path)
    refused = worktree.remove(repo, str(path))
    assert not refused.removed
    assert refused.why == "changed or new, and kept nowhere: a.txt, new\\x0afile, src/b.txt"
    commit = backup.keep(str(path), REF)
    assert commit
    assert worktree.remove(repo, str(path)).removed
    top = Path(repo.top)
    assert repos.show(top, commit, "new\nfile") == b"\0new"
    assert repos.show(top, commit, "a.txt") == b"changed\n"
    assert repos.show(top, f"{commit}^2", "a.txt") == b"staged\n"
    assert repos.tip(top, "feat/x") == repo.head


def test_a_change_after_the_backup_keeps_the_worktree(repo: Repository) -> None:
    """What came later is in no backup."""
    path = add(repo)
    dirt(path)
    assert backup.keep(str(path), REF)
    repos.write(path, {"later": b"x"})
    assert "later" in worktree.remove(repo, str(path)).why
    assert (path / "later").exists()


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_hidden_change_keeps_the_worktree(repo: Repository, flag: str) -> None:
    """A change that `git status` was told not to show is not lost either."""
    path = add(repo)
    git(path, "update-index", flag, "a.txt")
    repos.write(path, {"a.txt": b"hidden\n"})
    assert "a.txt" in worktree.remove(repo, str(path)).why
    assert backup.keep(str(path), REF)
    assert worktree.remove(repo, str(path)).removed
    assert repos.show(Path(repo.top), REF, "a.txt") == b"hidden\n"


def test_a_commit_on_no_branch_keeps_the_worktree(repo: Repository) -> None:
    """A detached HEAD with commits of its own goes only after a backup."""
    path = add(repo)
    git(path, "checkout", "--quiet", "--detach")
    git(path, "commit", "--quiet", "--allow-empty", "-m", "mine")
    own = repos.tip(path, "HEAD")
    assert "no branch holds its commit" in worktree.remove(repo, str(path)).why
    assert backup.keep(str(path), REF)
    assert worktree.remove(repo, str(path)).removed
    git(Path(repo.top), "merge-base", "--is-ancestor", own, REF)


def test_a_nested_repository_keeps_the_worktree(repo: Repository) -> None:
    """Its files are in no backup, whatever else is."""
    path = add(repo)
    repos.make(path / "nested", {"x": b"x"})
    assert "nested" in worktree.remove(repo, str(path)).why
    assert backup.keep(str(path), REF)
    assert "repositories of their own in it: nested" in worktree.remove(repo, str(path)).why
    assert (path / "nested" / "x").exists()


def test_a_worktree_in_the_middle_of_a_conflict_can_go(repo: Repository) -> None:
    """With both sides on branches and the marked files kept."""
    path = add(repo)
    repos.grow(Path(repo.top), "other", {"a.txt": b"other\n"}, base="main")
    repos.write(path, {"a.txt": b"mine\n"})
    git(path, "commit", "--quiet", "-am", "mine")
    git(path, "merge", "other", status=1)
    assert not worktree.remove(repo, str(path)).removed
    commit = backup.keep(str(path), REF)
    assert commit
    assert b"<<<<<<<" in repos.show(path, commit, "a.txt")
    assert worktree.remove(repo, str(path)).removed


def test_a_merged_track_is_forgotten(repo: Repository) -> None:
    """Worktree and branch go when the target holds everything; else they stay, with the reason."""
    path = add(repo)
    git(path, "commit", "--quiet", "--allow-empty", "-m", "mine")
    assert worktree.forget(repo, str(path), "feat/x") == "the branch feat/x stays: not all of it is merged"
    assert not path.exists()
    top = Path(repo.top)
    git(top, "update-ref", "refs/orchd/runs/demo/integrated", "feat/x")
    add(repo)
    repos.write(path, {"left": b""})
    assert "left" in worktree.forget(repo, str(path), "feat/x")
    repos.write(path, {"left": None})
    assert worktree.forget(repo, str(path), "feat/x") == ""
    assert repos.tip(top, "refs/heads/feat/x") == ""
    assert worktree.forget(repo, str(path), "feat/x") == ""
    assert "stands on it" in worktree.forget(repo, str(path), "main")
