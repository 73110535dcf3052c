"""Merges made of objects: the tree, the one edited file, and who is in conflict with whom."""

from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import merge
from orchestrator.git.command import Git
from tests.git import repos
from tests.git.repos import git


def test_a_clean_merge_is_a_tree(home: Path) -> None:
    """Both sides' changes are in it, and no ref, index or file changes."""
    one = repos.grow(home, "one", {"one": b"1"}, base="main")
    two = repos.grow(home, "two", {"two": b"2"}, base="main")
    tree, files = merge.tree_of(Git(str(home)), one, two)
    assert files == ()
    assert git(home, "ls-tree", "--name-only", tree).split() == ["ROADMAP.md", "a.txt", "one", "src", "two"]
    assert git(home, "status", "--porcelain") == ""


def test_every_file_in_conflict_is_named(home: Path) -> None:
    """Changed on both sides, deleted on one, added on both; with names of every kind."""
    repos.grow(home, "main", {"-o\ndd": b"0\n", "gone": b"0\n" * 9})
    ours = {"-o\ndd": b"1\n", "gone": None, "new \u00e4": b"1\n", "fine": b""}
    theirs = {"-o\ndd": b"2\n", "gone": b"2\n" * 9, "new \u00e4": b"2\n", "also fine": b""}
    one = repos.grow(home, "one", ours, base="main")
    two = repos.grow(home, "two", theirs, base="main")
    _, files = merge.tree_of(Git(str(home)), one, two)
    assert sorted(files) == ["-o\ndd", "gone", "new \u00e4"]


def test_histories_that_never_met_are_refused(home: Path) -> None:
    """Git does not merge them, and says so."""
    alien = git(home, "commit-tree", "-m", "x", git(home, "mktree"))
    with pytest.raises(GitRefused, match="unrelated"):
        merge.tree_of(Git(str(home)), repos.tip(home, "main"), alien)


@pytest.mark.parametrize("path", ["ROADMAP.md", "deep/-o dd\n\u00e4", ":(top)x"])
def test_one_file_of_a_tree_is_edited(home: Path, path: str) -> None:
    """Its bytes come and go as they are, its mode stays, and so does everything else."""
    repos.grow(home, "main", {path: b"a\r\nb\0"})
    tree = git(home, "rev-parse", "main^{tree}")
    edited, left_out = merge.edited(Git(str(home)), tree, tree, path, lambda data: data + b"c")
    assert not left_out
    assert repos.show(home, edited, path) == b"a\r\nb\0c"
    assert git(home, "diff-tree", "-r", "-z", "--name-only", tree, edited) == f"{path}\0"
    git(home, "read-tree", "main")


@pytest.mark.parametrize("path", ["nothing", "src", "link"])
def test_what_is_no_file_is_not_edited(home: Path, path: str) -> None:
    """A missing file, a folder or a link leaves the tree as it is."""
    (home / "link").symlink_to("a.txt")
    git(home, "add", "link")
    tree = git(home, "write-tree")
    assert merge.edited(Git(str(home)), tree, tree, path, lambda _: b"changed") == (tree, False)


def test_nothing_to_change_is_the_same_tree(home: Path) -> None:
    """None, or the same bytes, is no edit."""
    tree = git(home, "rev-parse", "main^{tree}")
    assert merge.edited(Git(str(home)), tree, tree, "a.txt", lambda _: None) == (tree, False)
    assert merge.edited(Git(str(home)), tree, tree, "a.txt", bytes) == (tree, False)


def test_lines_are_counted_from_the_first_parent(home: Path) -> None:
    """What the merge brought; binary files count nothing."""
    side = repos.grow(home, "side", {"new": b"1\n2\n", "a.txt": None, "bin": b"\0\n\n"}, base="main")
    main = repos.grow(home, "main", {"mine": b"1\n2\n3\n"})
    tree, _ = merge.tree_of(Git(str(home)), main, side)
    commit = merge.commit(Git(str(home)), tree, (main, side), b"x\n")
    assert merge.line_counts(Git(str(home)), commit) == (2, 1)
    assert merge.line_counts(Git(str(home)), commit, without="a.txt") == (2, 0)
    git(home, "reset", "--quiet")


def test_a_merge_is_that_of_the_branch_it_names(home: Path) -> None:
    """Two branches may stand on one commit; only the one that was taken in has a merge."""
    one = repos.grow(home, "one", {"one": b"1"}, base="main")
    text = f"Merge\n\n{merge.BRANCH}: one\n".encode()
    commit = merge.commit(Git(str(home)), git(home, "rev-parse", "one:"), (repos.tip(home, "main"), one), text)
    assert merge.of_branch(Git(str(home)), "one", one, commit) == commit
    assert merge.of_branch(Git(str(home)), "two", one, commit) is None
    assert merge.of_branch(Git(str(home)), "one", repos.tip(home, "main"), commit) is None


def test_what_a_branch_changed_counts_from_where_it_left(home: Path) -> None:
    """What came to the other side meanwhile is not among it; what was never together differs in everything."""
    there = Git(str(home))
    one = repos.grow(home, "one", {"one": b"1", "a.txt": b"1"}, base="main")
    main = repos.grow(home, "main", {"two": b"2"})
    assert merge.changes(there, merge.parting(there, main, one), one) == ("a.txt", "one")
    assert merge.changes(there, merge.parting(there, one, main), main) == ("two",)
    alien = git(home, "commit-tree", "-m", "x", git(home, "rev-parse", "one:src"))
    assert not merge.parting(there, main, alien)
    assert merge.changes(there, "", alien)
    git(home, "reset", "--quiet")
