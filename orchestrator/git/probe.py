"""Probing for conflicts: all pairs of branches, with what is not yet committed in their worktrees, in one process.

What has to be written for that goes into a folder of its own, which is removed: nothing is left in the repository.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from orchestrator.errors import GitRefused
from orchestrator.git import refs
from orchestrator.git.author import OURS
from orchestrator.git.command import Git, refusal
from orchestrator.git.index import private
from orchestrator.git.repository import Repository, guarded
from orchestrator.host import files, folders

SECONDS: Final = 30.0
"""How long one command may take; a worktree that takes longer counts as it was committed."""

MOST: Final = 500
"""So many pairs are looked at."""

_OPTIONS: Final = ("--write-tree", "--name-only", "--no-messages")
_USAGE: Final = 129


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a conflict: a ref, by the ``name`` it is reported under, and the worktree that stands on it."""

    name: str
    ref: str
    worktree: str = ""


def conflicts(repo: Repository, sides: Sequence[Side]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the pairs that are in conflict, by name, with the files; a side without a commit has none.

    Raises :class:`GitRefused`, and ``GuardBusy`` while others look.
    """
    git = Git(repo.top, SECONDS, hooks=False)
    with _objects(repo) as env:
        tips = refs.resolve_all(git, *(each.ref for each in sides)) if sides else []
        known = [(each, _present(each, tip, env)) for each, tip in zip(sides, tips, strict=True) if tip is not None]
        pairs = [(one, other) for one, other in combinations(known, 2) if one[1] != other[1]][:MOST]
        found = _merged(git, [(one[1], other[1]) for one, other in pairs], env)
    told = zip(pairs, found, strict=True)
    return [(one.name, other.name, names) for ((one, _), (other, _)), names in told if names]


@contextmanager
def _objects(repo: Repository) -> Iterator[Mapping[str, str]]:
    """Yield the environment in which git writes its objects to a folder that is gone afterwards."""
    folder = f"{repo.private}/probe"
    theirs = f"{repo.common_dir}/objects".replace("\\", "\\\\").replace('"', '\\"')
    with guarded(repo, "probe", SECONDS):
        folders.remove(folder)
        files.ensure_folder(folder)
        try:
            yield {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{theirs}"'}
        finally:
            folders.remove(folder)


def _present(side: Side, tip: str, env: Mapping[str, str]) -> str:
    """Return a commit of what stands in a worktree; the branch's own where that is the same, or cannot be told."""
    if not side.worktree or not os.path.lexists(f"{side.worktree}/.git"):
        return tip
    git = Git(side.worktree, SECONDS, hooks=False)
    try:
        with private(git, copy=True) as index:
            around = {**env, **index}
            git.run("add", "--all", "--ignore-errors", env=around)
            tree = git.out("write-tree", env=around)
        if tree == git.out("rev-parse", f"{tip}^{{tree}}"):
            return tip
        return git.out("commit-tree", tree, "-p", tip, "-m", "as it stands", env={**env, **OURS})
    except GitRefused:
        return tip


def _merged(git: Git, pairs: Sequence[tuple[str, str]], env: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the files in conflict for each pair of commits."""
    if not pairs:
        return []
    told = "".join(f"{one} {other}\n" for one, other in pairs).encode("ascii")
    ended = git.run("merge-tree", *_OPTIONS, "--stdin", stdin=told, env=env)
    if ended.status == _USAGE:  # a git that takes one pair at a time
        return [_one(git, one, other, env) for one, other in pairs]
    if ended.status != 0:
        raise refusal(ended)
    return list(_answers(ended.stdout))


def _answers(data: bytes) -> Iterator[tuple[str, ...]]:
    """Yield the names of each answer: its status, a tree, names, and an empty field at the end."""
    fields: list[str] = []
    for each in data.split(b"\0")[:-1]:
        if each:
            fields.append(os.fsdecode(each))
        else:
            status, _, *names = fields
            yield () if status == "1" else tuple(dict.fromkeys(names))
            fields = []


def _one(git: Git, one: str, other: str, env: Mapping[str, str]) -> tuple[str, ...]:
    ended = git.run("merge-tree", *_OPTIONS, "-z", one, other, env=env)
    if ended.status not in {0, 1}:
        raise refusal(ended)
    names = [os.fsdecode(each) for each in ended.stdout.split(b"\0")[1:] if each]
    return tuple(dict.fromkeys(names)) if ended.status else ()
