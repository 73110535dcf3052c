"""Merges made of objects alone: no worktree, no index, and nothing changes until a ref is set."""

import os
from collections.abc import Callable
from typing import Final

from orchestrator.git.author import missing
from orchestrator.git.command import Git, refusal
from orchestrator.git.index import private
from orchestrator.git.message import line

_MOST_FILES: Final = 200  # asked about in one command

BRANCH: Final = "Orchd-Branch"
"""The trailer that says which branch a merge took in."""


def tree_of(git: Git, ours: str, theirs: str) -> tuple[str, tuple[str, ...]]:
    """Merge two commits into a tree; return its id and the files in conflict (then the tree is of no use)."""
    ended = git.run("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
    if ended.status not in {0, 1}:
        raise refusal(ended)
    tree, *files = (os.fsdecode(each) for each in ended.stdout.split(b"\0") if each)
    return tree, tuple(dict.fromkeys(files)) if ended.status else ()


def edited(git: Git, tree: str, start: str, path: str, change: Callable[[bytes], bytes | None]) -> tuple[str, bool]:
    """Return ``tree`` with ``path`` as ``start`` has it, changed; and whether the branch's own changes were left out.

    The file is the orchestrator's: what a branch did to it does not come in with the branch. A path that ``start``
    does not have as a file stays as the tree has it.
    """
    before, merged = _entry(git, start, path), _entry(git, tree, path)
    if before is None:
        return tree, False
    mode, blob = before
    data = git.raw("cat-file", "blob", blob)
    changed = change(data)
    new = blob if changed is None or changed == data else git.out("hash-object", "-w", "--stdin", stdin=changed)
    if merged == (mode, new):
        return tree, False
    with private(git) as env:
        git.out("read-tree", tree, env=env)
        line = f"{mode} {new}\t".encode("ascii") + os.fsencode(path) + b"\0"
        git.out("update-index", "-z", "--index-info", stdin=line, env=env)
        return git.out("write-tree", env=env), merged != before


def holds(git: Git, commit: str, path: str | None) -> bool:
    """Tell whether a commit has ``path`` as a file."""
    return path is not None and _entry(git, commit, path) is not None


def _entry(git: Git, tree: str, path: str) -> tuple[str, str] | None:
    """Return mode and blob of a file in a tree; None where it is not a file there."""
    entry = git.raw("--literal-pathspecs", "ls-tree", "-z", "--full-tree", tree, "--", path).rstrip(b"\0")
    facts, _, name = entry.partition(b"\t")
    if not facts.startswith(b"100") or os.fsdecode(name) != path:
        return None
    mode, _, blob = facts.decode("ascii").split(" ")
    return mode, blob


def commit(git: Git, tree: str, parents: tuple[str, str], text: bytes) -> str:
    """Make a merge commit, by the user or by orchd where git knows no user, and return its id."""
    return git.out("commit-tree", tree, "-p", parents[0], "-p", parents[1], "-F", "-", stdin=text, env=missing(git))


def sides(git: Git, ours: str, theirs: str, files: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Return the branches that changed ``files`` in ``ours``; ``name`` stands for whatever came in otherwise."""
    base = parting(git, ours, theirs)
    shape = f"--format=:%(trailers:key={BRANCH},valueonly,separator=%x2C)"
    told = git.out(
        *("--literal-pathspecs", "log", "--first-parent", shape),
        *(f"{base}..{ours}", "--", *files[:_MOST_FILES]),
    )
    found = (line.removeprefix(":") or name for line in told.splitlines())
    return tuple(dict.fromkeys(found)) or (name,)


def of_branch(git: Git, branch: str, tip: str, since: str) -> str | None:
    """Return the merge in ``since`` that took in ``branch`` at the commit ``tip``; None when it came in otherwise.

    A commit may be the tip of more branches than one, so the merge must say that it was this one.
    """
    shape = f"--format=%H %P:%(trailers:key={BRANCH},valueonly,separator=%x2C)"
    told = git.out("rev-list", "--merges", "--no-commit-header", shape, since, f"^{tip}").splitlines()
    rows = ((facts.split(" "), name) for facts, _, name in (each.partition(":") for each in told))
    return next((ids[0] for ids, name in rows if tip in ids[2:] and name == line(branch)), None)


def parting(git: Git, ours: str, theirs: str) -> str:
    """Return the last commit that both hold: ``theirs``, where ``ours`` holds all of it; empty: there is none."""
    ended = git.run("merge-base", ours, theirs)
    if ended.status not in {0, 1}:
        raise refusal(ended)
    return ended.text().partition("\n")[0]


def changes(git: Git, base: str, tip: str) -> tuple[str, ...]:
    """Return the files in which ``tip`` differs from where it parted from others; an empty ``base``: all of them."""
    before = base or git.out("mktree")  # nothing in common: all of it is new
    return git.names("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, tip)


def line_counts(git: Git, commit: str) -> tuple[int, int]:
    """Return how many lines a merge added and removed, seen from its first parent; binary files count nothing."""
    rows = git.out("diff-tree", "-r", "--numstat", f"{commit}^1", commit).splitlines()
    counts = [row.split("\t", 2)[:2] for row in rows]
    added, removed = (sum(int(each[side]) for each in counts if each[side].isdigit()) for side in (0, 1))
    return added, removed
