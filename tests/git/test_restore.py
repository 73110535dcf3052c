"""What was backed up comes back, byte for byte, and never over anything."""

import os
import stat
from pathlib import Path

import pytest

from orchestrator.errors import GitRefused, NotFound
from orchestrator.git import backup, restore
from orchestrator.git.command import Git
from orchestrator.git.restore import Backup
from tests.git import repos
from tests.git.repos import git

REF = "refs/orchd/backup/demo/one/1"


@pytest.fixture
def dirty(home: Path) -> Path:
    """A checkout with work of every kind, backed up."""
    (home / ".git" / "info" / "exclude").write_text("*.o\n", encoding="ascii")
    odd = os.fsdecode(b"\xff\xfe")
    repos.write(home, {".gitattributes": b"*.t text eol=lf\n", "a.txt": b"staged\n", "src/b.txt": None})
    git(home, "add", "a.txt")
    repos.write(home, {"a.txt": b"changed\r\n", odd: b"\xff", "mixed.t": b"1\r\n2\n", "deep/x.o": b"ignored"})
    (home / "tool").write_bytes(b"#!/bin/sh\n")
    (home / "tool").chmod(0o700)
    (home / "deep" / "x.o").chmod(0o600)
    (home / "link").symlink_to("/nowhere")
    repos.make(home / "nested", {"inner": b"i"})
    assert backup.keep(str(home), REF, ignored=True)
    return home


def of(home: Path) -> Backup:
    """Return the one backup."""
    (one,) = restore.backups(Git(str(home)))
    return one


def test_it_is_listed(dirty: Path) -> None:
    """Of which run, track and attempt, of which commit, how much."""
    one = of(dirty)
    assert (one.run, one.track, one.attempt, one.head) == ("demo", "one", "1", repos.tip(dirty, "main"))
    found = restore.extent(Git(str(dirty)), one)
    named = {"a.txt", "odd", "mixed.t", "deep/x.o", "tool", "link", "nested", "nested/inner", ".gitattributes"}
    assert found.files == len(named)
    assert found.bytes > 40
    assert restore.backups(Git(str(dirty)), "other") == []
    with pytest.raises(NotFound):
        restore.chosen([one], "7")


def test_a_folder_has_the_very_files(dirty: Path, tmp_path: Path) -> None:
    """Bytes, modes, links; ignored files, those of a repository within; what was staged stands beside."""
    restore.to_folder(Git(str(dirty)), of(dirty), str(tmp_path / "back"))
    back = repos.on_disk(tmp_path / "back")
    assert back.pop(".orchd/staged/a.txt") == b"staged\n"
    assert back.pop(".orchd/staged/src/b.txt").startswith(b"1\n")
    assert back == repos.on_disk(dirty)
    modes = {name: stat.S_IMODE((tmp_path / "back" / name).stat().st_mode) for name in ("tool", "deep/x.o", "a.txt")}
    assert modes == {"tool": 0o700, "deep/x.o": 0o600, "a.txt": 0o644}
    assert os.readlink(tmp_path / "back" / "link") == "/nowhere"
    assert sorted(each.name for each in tmp_path.iterdir() if "back" in each.name) == ["back"]


def test_a_branch_can_be_merged(dirty: Path) -> None:
    """It is the commit that the work began on, and commits on top; a second time finds it there."""
    one, there = of(dirty), Git(str(dirty))
    tip = restore.to_branch(there, one, one.branch)
    assert restore.to_branch(there, one, one.branch) == tip == repos.tip(dirty, "restored/demo-one-1")
    assert git(dirty, "log", "--format=%s", "main..restored/demo-one-1").splitlines() == [
        "What git does not see: demo one attempt 1",
        "What was on disk: demo one attempt 1",
        "What was staged: demo one attempt 1",
    ]
    assert repos.show(dirty, tip, "nested/inner") == b"i"
    assert repos.show(dirty, tip, "deep/x.o") == b"ignored"
    assert repos.show(dirty, f"{tip}~1", "a.txt") == b"changed\r\n"
    assert repos.show(dirty, f"{tip}~2", "a.txt") == b"staged\n"


def test_nothing_that_exists_is_written_over(dirty: Path, tmp_path: Path) -> None:
    """A branch, a folder, even an empty one, a link that leads nowhere."""
    one, there = of(dirty), Git(str(dirty))
    git(dirty, "branch", "restored/demo-one-1")
    with pytest.raises(GitRefused, match="is there already"):
        restore.to_branch(there, one, one.branch)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").symlink_to("nowhere")
    for name in ("empty", "broken"):
        with pytest.raises(GitRefused, match="is there already"):
            restore.to_folder(there, one, str(tmp_path / name))
    assert list((tmp_path / "empty").iterdir()) == []


def test_killed_in_the_middle_it_is_done_again(dirty: Path, tmp_path: Path) -> None:
    """Neither a branch nor a folder is there half."""
    for point, words in (("restore.written", ("into", str(tmp_path / "back"))), ("restore.committed", ("branch", "r"))):
        child = repos.drive("restore", str(dirty), *words, failpoint=f"{point}:kill")
        repos.ended(child, status=-9)
        assert not (tmp_path / "back").exists() or point != "restore.written"
        assert repos.tip(dirty, "refs/heads/r") == ""
        repos.ended(repos.drive("restore", str(dirty), *words))
    assert repos.tip(dirty, "refs/heads/r")
    assert (tmp_path / "back" / "link").is_symlink()


def test_a_hostile_backup_writes_nothing_outside(home: Path, tmp_path: Path) -> None:
    """An agent can write refs: a tree with a link, and a file behind it."""
    blob = git(home, "hash-object", "-w", "--stdin", stdin=os.fsencode(tmp_path))
    tree = git(home, "mktree", stdin=f"120000 blob {blob}\tout\n".encode())
    inner = git(home, "mktree", stdin=f"100644 blob {blob}\tx\n".encode())
    loose = git(home, "mktree", stdin=f"040000 tree {inner}\tout\n".encode())
    text = f"x\n\nOrchd-State: - - {tree} loose={loose}\n".encode()
    git(home, "update-ref", REF, git(home, "commit-tree", tree, "-F", "-", stdin=text))
    with pytest.raises(GitRefused, match="behind a link"):
        restore.to_folder(Git(str(home)), of(home), str(tmp_path / "back"))
    assert not (tmp_path / "x").exists()


def test_a_commit_that_was_dropped_is_named(home: Path) -> None:
    """It is a parent of the backup."""
    start = repos.tip(home, "main")
    git(home, "commit", "--quiet", "--allow-empty", "-m", "dropped")
    dropped = repos.tip(home, "main")
    git(home, "reset", "--quiet", "--hard", start)
    assert backup.keep(str(home), REF)
    assert restore.commits(Git(str(home)), of(home)) == (dropped,)
