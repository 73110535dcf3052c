"""Probing for conflicts that are ahead: committed work, work that is not, and nothing left behind."""

from pathlib import Path

from orchestrator.git import probe, repository
from orchestrator.git.probe import Side
from tests.git import repos
from tests.git.repos import git


def sides(*names: str, **worktrees: Path) -> list[Side]:
    """Return the sides of these branches."""
    return [Side(name, f"refs/heads/{name}", str(worktrees.get(name, ""))) for name in names]


def test_every_pair_is_looked_at_in_one_go(home: Path) -> None:
    """A pair is in conflict with its files; a branch that is not there is with nobody."""
    repos.grow(home, "one", {"a.txt": b"one\n", "src/b.txt": b"one\n"}, base="main")
    repos.grow(home, "two", {"a.txt": b"two\n"}, base="main")
    repos.grow(home, "three", {"src/b.txt": b"three\n", "sch\xf6n \"'\n": b""}, base="main")
    repos.grow(home, "four", {"c.txt": b"four\n"}, base="main")
    repo = repository.survey(str(home))
    found = probe.conflicts(repo, sides("one", "two", "three", "four", "main", "nobody"))
    assert found == [("one", "two", ("a.txt",)), ("one", "three", ("src/b.txt",))]
    assert probe.conflicts(repo, []) == []
    assert probe.conflicts(repo, sides("one")) == []


def test_what_is_not_committed_counts_and_nothing_is_written(home: Path, tmp_path: Path) -> None:
    """New files, too; objects, refs, worktrees and their indexes are as before."""
    trees = {name: tmp_path / f"tree of {name}" for name in ("one", "two")}
    for name, path in trees.items():
        git(home, "worktree", "add", "--quiet", "-b", name, str(path))
    repos.write(trees["one"], {"a.txt": b"one\n", "new.txt": b"one\n"})
    repos.write(trees["two"], {"a.txt": b"two\n", "new.txt": b"two\n"})
    before = [git(home, "count-objects"), git(home, "for-each-ref"), git(trees["one"], "status", "--porcelain")]
    repo = repository.survey(str(home))
    assert probe.conflicts(repo, sides("one", "two", **trees)) == [("one", "two", ("a.txt", "new.txt"))]
    assert probe.conflicts(repo, sides("one", "two")) == []
    (trees["two"] / ".git").unlink()
    assert probe.conflicts(repo, sides("one", "two", **trees)) == []
    after = [git(home, "count-objects"), git(home, "for-each-ref"), git(trees["one"], "status", "--porcelain")]
    assert after == before
    assert not (home / ".git" / "orchd" / "probe").exists()


def test_what_a_killed_probe_left_is_cleared_away(home: Path) -> None:
    """And does no harm."""
    left = home / ".git" / "orchd" / "probe" / "ab"
    left.mkdir(parents=True)
    (left / "cd").write_bytes(b"half")
    repos.grow(home, "one", {"a.txt": b"one\n"}, base="main")
    repos.grow(home, "main", {"a.txt": b"two\n"})
    git(home, "reset", "--quiet", "--hard")
    repo = repository.survey(str(home))
    assert probe.conflicts(repo, sides("one", "main")) == [("one", "main", ("a.txt",))]
    assert not left.exists()
