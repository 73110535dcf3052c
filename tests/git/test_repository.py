"""What a run can stand on, and what is read and added in a repository."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import repository
from tests.git import repos
from tests.git.repos import git


def test_a_repository_is_described(home: Path) -> None:
    """Top, common folder, branch and commit; no remote yet."""
    repo = repository.survey(str(home))
    assert (repo.top, repo.common_dir) == (str(home), str(home / ".git"))
    assert (repo.branch, repo.head) == ("main", repos.tip(home, "main"))
    assert (repo.remote, repo.upstream_branch) == (None, "main")


def test_a_folder_within_finds_the_top(home: Path) -> None:
    """A root below the top is part of the same repository."""
    assert repository.survey(str(home / "src")).top == str(home)


def test_odd_paths_are_no_trouble(tmp_path: Path) -> None:
    """Blanks, quotes, line breaks and bytes that are no text in the path of the repository."""
    folder = repos.make(tmp_path / os.fsdecode(b"a \"b\"\n'c' \xff"), {"a": b"a"})
    repo = repository.survey(str(folder))
    assert (repo.top, repo.common_dir) == (str(folder), f"{folder}/.git")


def test_no_repository_is_said(tmp_path: Path) -> None:
    """Where there is none, the hint makes one."""
    with pytest.raises(GitRefused, match="not a git repository") as error:
        repository.survey(str(tmp_path))
    assert "git init" in error.value.hint


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    """Work needs files."""
    git(tmp_path, "init", "--quiet", "--bare", "bare")
    with pytest.raises(GitRefused, match="bare"):
        repository.survey(str(tmp_path / "bare"))


def test_git_s_own_folder_is_refused(home: Path) -> None:
    """Inside .git is no place to work."""
    with pytest.raises(GitRefused, match="inside git's own folder"):
        repository.survey(str(home / ".git"))


def test_no_commit_is_refused_with_the_next_step(tmp_path: Path) -> None:
    """A branch without a commit has nothing to begin on."""
    git(tmp_path, "init", "--quiet")
    with pytest.raises(GitRefused, match="main has no commit yet") as error:
        repository.survey(str(tmp_path))
    assert "git commit" in error.value.hint


def test_a_detached_head_is_refused(home: Path) -> None:
    """Without a branch there is nothing to merge into."""
    git(home, "checkout", "--quiet", "--detach")
    with pytest.raises(GitRefused, match="detached"):
        repository.survey(str(home))


def test_a_run_under_way_does_not_care_what_is_checked_out(home: Path) -> None:
    """With its branch named, a detached HEAD of the user's is no reason to stop; a deleted branch is."""
    repos.grow(home, "other", {"x": b"x"}, base="main")
    git(home, "checkout", "--quiet", "--detach")
    assert repository.survey(str(home), "other").head == repos.tip(home, "other")
    with pytest.raises(GitRefused, match="gone does not exist"):
        repository.survey(str(home), "gone")
    repos.grow(home, "gone/away", {"x": b"x"}, base="main")
    with pytest.raises(GitRefused, match="gone does not exist"):
        repository.survey(str(home), "gone")


def test_a_merge_that_is_going_on_is_refused(home: Path) -> None:
    """A half-done merge is the user's to finish."""
    repos.grow(home, "other", {"a.txt": b"other\n"}, base="main")
    repos.grow(home, "main", {"a.txt": b"mine\n"})
    git(home, "reset", "--quiet", "--hard")
    git(home, "merge", "other", status=1)
    with pytest.raises(GitRefused, match="a merge is going on") as error:
        repository.survey(str(home))
    assert "git merge --abort" in error.value.hint
    git(home, "merge", "--abort")
    git(home, "rebase", "other", status=1)
    with pytest.raises(GitRefused, match="a rebase is going on"):
        repository.survey(str(home))


def test_the_remote_is_the_upstream_s_else_origin_else_the_only_one(home: Path) -> None:
    """In that order; of several strangers none is chosen."""

    def remote() -> str | None:
        return repository.survey(str(home)).remote

    git(home, "remote", "add", "one", "/nowhere/1")
    assert remote() == "one"
    git(home, "remote", "add", "two", "/nowhere/2")
    assert remote() is None
    git(home, "remote", "add", "origin", "/nowhere/3")
    assert remote() == "origin"
    git(home, "config", "branch.main.remote", "two")
    git(home, "config", "branch.main.merge", "refs/heads/main")
    assert remote() == "two"
    git(home, "config", "remote.pushDefault", "one")
    assert remote() == "one"


def test_a_branch_that_tracks_another_is_not_pushed_onto_it(home: Path) -> None:
    """A branch made from origin/main is published under its own name, unless the user said otherwise."""
    git(home, "remote", "add", "origin", "/nowhere")
    git(home, "config", "branch.main.remote", "origin")
    git(home, "config", "branch.main.merge", "refs/heads/trunk")
    assert repository.survey(str(home)).upstream_branch == "main"
    git(home, "config", "push.default", "upstream")
    assert repository.survey(str(home)).upstream_branch == "trunk"


def test_a_local_upstream_is_no_remote(home: Path) -> None:
    """A branch that follows another local one is pushed to origin."""
    git(home, "remote", "add", "origin", "/nowhere")
    git(home, "branch", "--quiet", "base")
    git(home, "branch", "--quiet", "--set-upstream-to=base")
    assert repository.survey(str(home)).remote == "origin"


def test_lines_are_excluded_once(home: Path) -> None:
    """Missing lines are added, others kept, and no file of the user's changes."""
    path = home / ".git" / "info" / "exclude"
    path.write_bytes(b"*.o\n/runtime/")
    path.chmod(0o640)
    (home / ".gitignore").write_bytes(b"x\n")
    repo = repository.survey(str(home))
    for _ in range(2):
        repository.exclude(repo, ["/runtime/", "/worktrees/", "/worktrees/"])
        assert path.read_bytes() == b"*.o\n/runtime/\n/worktrees/\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert (home / ".gitignore").read_bytes() == b"x\n"
    (home / "worktrees").mkdir()
    (home / "worktrees" / "x").touch()
    assert git(home, "status", "--porcelain") == "?? .gitignore"


def test_an_exclude_file_is_made_where_there_is_none(home: Path) -> None:
    """Some repositories have no info folder at all."""
    (home / ".git" / "info" / "exclude").unlink()
    (home / ".git" / "info").rmdir()
    repository.exclude(repository.survey(str(home)), ["/x/"])
    assert (home / ".git" / "info" / "exclude").read_bytes() == b"/x/\n"


def test_an_exclude_file_that_is_a_link_is_left_alone(home: Path, tmp_path: Path) -> None:
    """Links are not followed; the reason is said."""
    path = home / ".git" / "info" / "exclude"
    path.unlink()
    path.symlink_to(tmp_path / "mine")
    with pytest.raises(GitRefused, match="symbolic link"):
        repository.exclude(repository.survey(str(home)), ["/x/"])


def test_unclean_names_what_is_not_as_the_commit_has_it(home: Path) -> None:
    """Changed, staged, renamed, deleted and new files; a new folder is one."""
    repo = repository.survey(str(home))
    assert repository.unclean(repo) == ()
    repos.write(home, {"a.txt": b"changed\n", "new": b"", "st\naged": b"", "folder/1": b"", "folder/2": b""})
    git(home, "mv", "ROADMAP.md", "moved")
    git(home, "add", "st\naged")
    assert set(repository.unclean(repo)) == {"a.txt", "ROADMAP.md", "moved", "st\naged", "new", "folder/"}


def test_a_file_is_compared_as_git_sees_it(home: Path) -> None:
    """The same bytes, and the same text with the line ends that the user's settings give it."""
    repo = repository.survey(str(home))
    assert repository.blob_equals(repo, repo.head, "a.txt", b"a\n")
    assert not repository.blob_equals(repo, repo.head, "a.txt", b"b\n")
    assert not repository.blob_equals(repo, repo.head, "gone", b"")
    assert not repository.blob_equals(repo, repo.head, "a.txt", b"a\r\n")
    git(home, "config", "core.autocrlf", "true")
    assert repository.blob_equals(repo, repo.head, "a.txt", b"a\r\n")
