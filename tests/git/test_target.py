"""The target branch moves, and no other one, whatever somebody does with its checkout meanwhile."""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

from orchestrator.git import repository
from orchestrator.git.target import Moved, advance
from tests.git import repos
from tests.git.repos import git

REF: Final = "refs/orchd/runs/demo/integrated"


@pytest.fixture
def ahead(home: Path) -> str:
    """A commit that main is to move to."""
    commit = repos.grow(home, "one", {"one.txt": b"1\n", "a.txt": b"one\n"}, base="main")
    git(home, "update-ref", REF, commit)
    git(home, "branch", "--quiet", "-D", "one")
    return commit


@pytest.mark.parametrize("staged", [False, True])
def test_a_refusal_is_not_taken_for_half_a_move(home: Path, ahead: str, *, staged: bool) -> None:
    """git may write its index anew where it only looked: the user's change stays, and nothing else is said of it."""
    repos.write(home, {"a.txt": b"mine\n", "src/b.txt": b"mine too\n"})
    git(home, "add", *(["a.txt"] if staged else ["src/b.txt"]))
    for path in git(home, "ls-files").splitlines():
        os.utime(home / path, (1, 1))
    disk, status = repos.on_disk(home), git(home, "status", "--porcelain")
    moved = forward(home, ahead)
    assert not moved.done
    assert "what it did to the files stays" not in moved.note
    assert (repos.on_disk(home), git(home, "status", "--porcelain")) == (disk, status)


def somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, before: str = ":", after: str = ":") -> None:
    """Have somebody do something in the checkout right before, or after, the first fast-forward."""
    folder = tmp_path / "bin"
    folder.mkdir()
    real = shutil.which("git")
    text = f"""#!/bin/sh
case "$*" in *"merge --ff-only"*) ;; *) exec {real} "$@" ;; esac
[ -e '{tmp_path}/once' ] && exec {real} "$@"
touch '{tmp_path}/once'
{before.replace("git ", f"{real} ")}
{real} "$@"
status=$?
{after.replace("git ", f"{real} ")}
exit $status
"""
    (folder / "git").write_text(text)
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def forward(home: Path, commit: str) -> Moved:
    """Move main to ``commit``."""
    return advance(repository.survey(str(home)), "main", commit, REF)


SWITCHES: Final = {
    "to a branch at the same commit": ("git branch release", "git switch -q release", "refs/heads/release"),
    "to an older branch": ("git branch release main~1", "git switch -q release", "refs/heads/release"),
    "to a branch of its own": ("true", "git switch -q -c release", "refs/heads/release"),
    "to one that went its own way": ("git branch release", "git switch -q release; git commit -qm x --allow-empty", ""),
    "to no branch": ("true", "git switch -q --detach", "HEAD"),
    "there and back": ("git branch release", "git switch -q release; git switch -q main", "refs/heads/main"),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_switched_in_the_last_instant(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Main moves and nothing else does; where somebody stands now is as clean as it was."""
    (home / "a.txt").write_text("a second\n")
    git(home, "commit", "--quiet", "--all", "--message=second")
    ahead = repos.grow(home, "one", {"one.txt": b"1\n", "a.txt": b"one\n"}, base="main")
    git(home, "update-ref", REF, ahead)
    git(home, "branch", "--quiet", "-D", "one")
    prepared, switch, stand = SWITCHES[name]
    if prepared != "true":
        git(home, *prepared.split()[1:])
    former = repos.tip(home, "main~1" if "older" in name else "main")
    somebody(tmp_path, monkeypatch, before=switch)
    assert forward(home, ahead) == Moved(done=True)
    assert repos.tip(home, "main") == ahead
    if stand:
        assert repos.tip(home, stand) == (ahead if stand.endswith("main") else former)
        assert repos.tip(home, "HEAD") == repos.tip(home, stand)
    assert git(home, "status", "--porcelain") == ""
    repos.assert_sound(home)


def test_what_cannot_be_taken_back_is_said(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: str
) -> None:
    """Somebody has changed a file of it since: it stays, and the note has the command."""
    git(home, "branch", "release")
    before = repos.tip(home, "main")
    somebody(tmp_path, monkeypatch, before="git switch -q release", after=f"echo mine > '{home}/a.txt'")
    moved = forward(home, ahead)
    assert (moved.done, repos.tip(home, "main"), repos.tip(home, "release")) == (False, before, ahead)
    assert "somebody switched to release meanwhile, which was moved instead" in moved.note
    assert (home / "a.txt").read_text() == "mine\n"
    git(home, "checkout", "--quiet", "--", "a.txt")
    git(home, "reset", "--quiet", "--keep", before)
    assert repos.tip(home, "release") == before
    monkeypatch.undo()


def test_a_branch_with_more_on_it_is_left(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: str
) -> None:
    """Who has gone on from there keeps his branch; main moves by itself."""
    git(home, "branch", "release")
    after = "git -c user.name=U -c user.email=u@x commit -q --allow-empty -m more"
    somebody(tmp_path, monkeypatch, before="git switch -q release", after=after)
    assert forward(home, ahead) == Moved(done=True)
    assert repos.tip(home, "main") == ahead
    assert repos.parents(home, "release") == [ahead]
    assert git(home, "status", "--porcelain") == ""


@pytest.mark.parametrize("options", ["--squash", "--no-ff --no-commit", "--strategy=ours"])
def test_how_the_user_merges_into_it_is_not_asked(home: Path, ahead: str, options: str) -> None:
    """Options that git adds to each merge into that branch would change the checkout, and leave the branch."""
    git(home, "config", "branch.main.mergeOptions", options)
    assert forward(home, ahead) == Moved(done=True)
    assert (repos.tip(home, "main"), git(home, "status", "--porcelain")) == (ahead, "")
