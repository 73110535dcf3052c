"""Merges made of objects alone: no worktree, no index, and nothing changes until a ref is set."""

import os
from collections.abc import Callable
from typing import Final

from orchestrator.core.run import GitOptions
from orchestrator.git.author import OURS, Maker, maker
from orchestrator.git.command import Git, refusal
from orchestrator.git.message import line
from orchestrator.git.objects import Entry, Objects
from orchestrator.git.refs import parents

_MOST_FILES: Final = 200  # asked about in one command
_MOST_SIDES: Final = 50  # looked at one by one

BRANCH: Final = "Orchd-Branch"
"""The trailer that says which branch a merge took in."""

COMMIT: Final = "Orchd-Commit"
"""The trailer that says which commit of that branch was taken in, where it is no parent."""

ONTO: Final = "Orchd-Onto"
"""The trailer that says what a branch of several commits was replayed onto."""


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
    folder, _, name = path.rpartition("/")
    with git.conversing() as objects:
        before = _file(objects, start, path)
        if before is None:
            return tree, False
        data = objects.blob(before.id)
        entries = objects.entries(tree, folder)
    changed = change(data) if data is not None else None
    new = before.id if changed is None or changed == data else git.out("hash-object", "-w", "--stdin", stdin=changed)
    merged, wanted = entries.get(os.fsencode(name)), Entry(before.mode, new)
    if merged == wanted:
        return tree, False
    return _with(git, tree, path, wanted), merged != before


def _with(git: Git, tree: str, path: str, entry: Entry) -> str:
    """Return ``tree`` with an entry at ``path``, and the folders above it where they are not there."""
    folder, _, name = path.rpartition("/")
    with git.conversing() as objects:
        entries = {**objects.entries(tree, folder), os.fsencode(name): entry}
    rows = (b"%s %s %s\t%s\0" % (each.mode, each.kind, each.id.encode("ascii"), key) for key, each in entries.items())
    made = git.out("mktree", "--missing", "-z", stdin=b"".join(rows))
    return _with(git, tree, folder, Entry(b"40000", made)) if folder else made


def holds(git: Git, commit: str, path: str | None) -> bool:
    """Tell whether a commit has ``path`` as a file."""
    if path is None:
        return False
    with git.conversing() as objects:
        return _file(objects, commit, path) is not None


def content(git: Git, commit: str, path: str) -> bytes | None:
    """Return a file as a commit has it; None where it has none."""
    with git.conversing() as objects:
        return objects.blob(f"{commit}:{path}")


def _file(objects: Objects, tree: str, path: str) -> Entry | None:
    """Return the entry of a file in a tree; None where it is not a file there."""
    folder, _, name = path.rpartition("/")
    entry = objects.entries(tree, folder).get(os.fsencode(name))
    return entry if entry is not None and entry.mode.startswith(b"100") else None


def commit(git: Git, tree: str, parents: tuple[str, ...], text: bytes, made_by: Maker | None = None) -> str:
    """Make a commit and return its id. ``made_by`` None: by the user, or by orchd where git knows no user."""
    by = made_by or maker(git, GitOptions())
    named = [word for parent in parents for word in ("-p", parent)]
    return git.out("commit-tree", *by.flags, tree, *named, "-F", "-", stdin=text, env=by.env)


def sides(git: Git, ours: str, theirs: str, files: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Return the branches in ``ours`` that ``theirs`` is in conflict with; ``name`` stands for what came in otherwise.

    They are among those that changed ``files``: all of these, where it takes more than one to be in the way.
    """
    base = parting(git, ours, theirs)
    shape = f"--format=%H:%(trailers:key={BRANCH},valueonly,separator=%x2C)"
    told = git.out(
        *("--literal-pathspecs", "log", "--first-parent", "--no-show-signature", shape),
        *(f"{base}..{ours}", "--", *files[:_MOST_FILES]),
    )
    rows = [(commit, branch or name) for commit, _, branch in (each.partition(":") for each in told.splitlines())]
    names = dict.fromkeys(branch for _, branch in rows)
    if len(names) > 1 and len(rows) <= _MOST_SIDES:
        alone = dict.fromkeys(branch for commit, branch in rows if _is_in_the_way(git, commit, theirs, files))
        names = alone or names
    return tuple(names) or (name,)


def _is_in_the_way(git: Git, commit: str, theirs: str, files: tuple[str, ...]) -> bool:
    """Tell whether what one commit changed, by itself, is in conflict with ``theirs`` in some of ``files``."""
    before = parents(git, commit)[:1]
    # With the commit's own parent for one, theirs is merged with it as if nothing else had come in.
    apart = git.out("commit-tree", f"{theirs}^{{tree}}", *(f"-p{each}" for each in before), "-m", "apart", env=OURS)
    return not before or not set(tree_of(git, commit, apart)[1]).isdisjoint(files)


def of_branch(git: Git, branch: str, tip: str, since: str) -> str | None:
    """Return the commit in ``since`` that took in ``branch`` at the commit ``tip``; None when it came in otherwise.

    A commit may be the tip of more branches than one, so it must say that it was this one; and at which commit,
    if not by being its parent.
    """
    names = (f"%(trailers:key={each},valueonly,separator=%x2C)" for each in (COMMIT, BRANCH))
    shape = f"--format=%H %P:{':'.join(names)}"
    said = ("--fixed-strings", f"--grep={BRANCH}: ")
    told = git.out("rev-list", *said, "--no-commit-header", shape, since, f"^{tip}").splitlines()
    rows = (each.split(":", 2) for each in told)
    found = ((facts.split(" "), taken) for facts, taken, name in rows if name == line(branch))
    return next((ids[0] for ids, taken in found if tip in (*ids[2:], taken)), None)


def is_of_track(git: Git, commit: str, track: str, run: str) -> bool:
    """Tell whether a commit is the one that was made for a track of a run: a person may have merged it by hand."""
    names = (f"%(trailers:key={each},valueonly,separator=%x2C)" for each in ("Orchd-Track", "Orchd-Run"))
    return git.out("log", "-1", f"--format={':'.join(names)}", commit) == f"{line(track)}:{line(run)}"


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


def onto(git: Git, commit: str) -> str:
    """Return what a branch was replayed onto whose last commit is ``commit``; else its first parent."""
    shape = f"--format=%(trailers:key={ONTO},valueonly,separator=%x2C)"
    return git.out("rev-list", "-1", "--no-commit-header", shape, commit) or f"{commit}^1"


def line_counts(git: Git, commit: str, since: str = "", without: str | None = None) -> tuple[int, int]:
    """Return how many lines were added and removed since ``since``, or the first parent; binary files count nothing.

    ``without`` is a file (relative to the top) that is left out: the orchestrator's own, where there is one.
    """
    rows = git.names("diff-tree", "-r", "-z", "--numstat", "--no-renames", since or f"{commit}^1", commit)
    counts = [(added, removed) for added, removed, path in (row.split("\t", 2) for row in rows) if path != without]
    added, removed = (sum(int(each[side]) for each in counts if each[side].isdigit()) for side in (0, 1))
    return added, removed
