"""Moving the target branch forward to what was integrated, together with the checkout that stands on it.

Only ever a fast-forward, and only as far as git does it without touching a change of the user's: where
something is in the way, the branch stays where it is, nothing is lost, and the note names the command that
finishes it.
"""

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.core.listing import some
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import astray, leftover, merge, places, refs, worktree
from orchestrator.git.command import Git, complaint
from orchestrator.git.repository import Repository
from orchestrator.git.worktree import Worktree
from orchestrator.host.process import Finished

SECONDS: Final = 900.0
"""How long git may take to bring a checkout forward."""

PATIENCE: Final = 3.0
"""Seconds to wait for a git of the user's in that checkout."""

_MOST_NAMES: Final = 5

_TRIES: Final = 3
"""So often is looked anew where the branch stands, when somebody switches its checkout meanwhile."""

_REF_LOCK: Final = f"core.filesRefLockTimeout={PATIENCE * 1000:.0f}"


@dataclass(frozen=True, slots=True)
class Moved:
    """``done``: the target holds the commit. ``diverged``: it went its own way meanwhile. ``note``: why it stays."""

    done: bool
    diverged: bool = False
    note: str = ""


def advance(repo: Repository, target: str, commit: str, ref: str, start: str = "") -> Moved:
    """Move ``target`` forward to ``commit``, which ``ref`` holds; harmless when it is there already.

    ``start`` is a commit that is known to be in ``commit``; git need not be asked.
    """
    for _ in range(_TRIES):
        moved = _advance(repo, target, commit, ref, start)
        if moved is not None:
            return moved
    return _stays(target, f"its checkout is switched again and again; then {_command(repo.top, ref)}")


def _advance(repo: Repository, target: str, commit: str, ref: str, start: str) -> Moved | None:
    git = Git(repo.top)
    branches = astray.branches(git)
    tip = refs.existing(target, branches.get(refs.head(target)))
    both = tip if tip in {start, commit} else merge.parting(git, tip, commit)
    if both == commit:
        return Moved(done=True)
    if both != tip:
        return _stays(target, "it has commits of its own", diverged=True)
    busy = _busy_with(repo, target)
    if busy:
        return _stays(target, f"a {busy} of it is going on; then {_command(repo.top, ref)}")
    standing = [each for each in worktree.list(repo) if each.branch == target and not each.gone]
    if not standing:
        return _move_ref(git, target, commit, tip)
    if len(standing) > 1:
        return _stays(target, "several checkouts stand on it")
    return _move_checkout(standing[0], target, commit, ref, branches)


def _move_ref(git: Git, target: str, commit: str, tip: str) -> Moved:
    """Move a branch that nobody has checked out, unless it moved meanwhile."""
    try:
        refs.update(git, refs.head(target), commit, tip, "integrated")
    except GitRefused as error:
        return _stays(target, error.message, diverged=refs.tip(git, target) != tip)
    return Moved(done=True)


def _move_checkout(standing: Worktree, target: str, commit: str, ref: str, branches: Mapping[str, str]) -> Moved | None:
    """Let git bring the checkout forward; it refuses when a change or a new file is in the way.

    ``branches`` is where every branch stood a moment ago. None: somebody switched it to another branch meanwhile,
    which is where it was.
    """
    git = Git(standing.path, SECONDS)
    before = refs.existing(target, branches.get(refs.head(target)))
    try:
        index = places.index(standing.path) or places.of(git, "index")[0]
        leftover.wait_for_lock(f"{index}.lock", PATIENCE)
        before_it = _content(index)
        # No stashing, whatever the settings say, and no ignored file of the user's is written over.
        careful = ("--ff-only", "--no-squash", "--no-autostash", "--no-overwrite-ignore", "--no-stat", "--quiet")
        ended = git.run("-c", _REF_LOCK, "-c", f"branch.{target}.mergeOptions=", "merge", *careful, commit)
        why = _complaint(ended)
        if ended.status == 0 and refs.is_ancestor(git, commit, refs.tip(git, target)):
            return Moved(done=True)
        if ended.status == 0:
            astray.take_back(git, branches, commit)
            return None
        undone = ""
        if _content(index) != before_it and refs.tip(git, target) == before:
            undone = _undo(git, commit, before)
        if not undone and not astray.stands_on(git, target):
            return None
        why = f"{why}{undone}"
    except GitRefused as error:
        why = error.message
    tip = refs.tip(git, target)
    if refs.is_ancestor(git, commit, tip):
        return Moved(done=True)
    diverged = not refs.is_ancestor(git, tip, commit)
    return _stays(target, f"{why}; then {_command(standing.path, ref)}", diverged=diverged)


def _content(path: str) -> bytes:
    with suppress(FileNotFoundError), open(path, "rb") as file:
        return file.read()
    return b""


def _undo(git: Git, commit: str, before: str) -> str:
    """Take files and index back to where they were: git writes them first, and moves the branch last.

    What the user changed stays, or git refuses as a whole; then that is what is returned. Where git wrote no more
    than what it had seen of the files, nothing happens.
    """
    ended = git.run("read-tree", "-m", "-u", commit, before)
    return "" if ended.status == 0 else f"; what it did to the files stays, too: {complaint(ended)}"


def _complaint(ended: Finished) -> str:
    """Return what git says is wrong; where files are in the way, it names them in lines of their own."""
    lines = ended.stderr.decode("utf-8", "backslashreplace").splitlines()
    names = [line.removeprefix("\t") for line in lines if line.startswith("\t")]
    return f"{complaint(ended)} {some(names, _MOST_NAMES)}".rstrip()


def _busy_with(repo: Repository, branch: str) -> str:
    """Return what some checkout is in the middle of with ``branch`` (``rebase``, ``bisect``); empty for nothing."""
    names = {"rebase-merge/head-name": "rebase", "rebase-apply/head-name": "rebase", "BISECT_START": "bisect"}
    for git_dir in (repo.common_dir, *worktree.git_dirs(repo)):
        for name, word in names.items():
            if _line(f"{git_dir}/{name}").removeprefix("refs/heads/") == branch:
                return word
    return ""


def _line(path: str) -> str:
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.readline().rstrip("\n")


def _stays(target: str, why: str, *, diverged: bool = False) -> Moved:
    return Moved(done=False, diverged=diverged, note=f"{visible(target)} stays behind: {why}")


def _command(folder: str, ref: str) -> str:
    return f"`git -C {shlex.quote(visible(folder))} merge --ff-only {ref}`"
