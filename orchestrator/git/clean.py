"""Whether a worktree holds just what its commit holds, told without an index of our own.

The usual case at the end of a track. What is anything else is for :mod:`orchestrator.git.backup` to look at in full.
"""

import os
from dataclasses import dataclass
from typing import Final

from orchestrator.git import ignored
from orchestrator.git.command import Git

_PLAIN: Final = b"H 100"  # a file as git takes every file: not assumed unchanged, not skipped, without a conflict

# Settings of the user that would leave something out.
_WHOLLY: Final = ("--untracked-files=all", "--ignore-submodules=none", "--no-renames", "--no-ahead-behind")


@dataclass(frozen=True, slots=True)
class Clean:
    """A worktree as its commit ``head``, of tree ``tree``, has it; ``stand``: the branch in full, or ``HEAD``."""

    head: str
    tree: str
    stand: str


def glance(git: Git) -> Clean | None:
    """Return how a worktree stands in which nothing is new, changed, staged or hidden; None where that is not so."""
    asked = ("--path-format=absolute", *ignored.PLACES, "HEAD^{commit}", "HEAD^{tree}", "--symbolic-full-name", "HEAD")
    told = os.fsdecode(git.run("rev-parse", "--show-prefix", *asked).stdout).split("\n")
    match told:
        case ["", began, shared, head, tree, stand, ""] if stand:
            clean = Clean(head, tree, stand)
        case _:
            return None
    return clean if _is_unchanged(git, head) and _is_plain(git) and not ignored.beyond(git, began, shared) else None


def _is_unchanged(git: Git, head: str) -> bool:
    """Tell whether git sees the files and what is staged as the commit has them, without a complaint."""
    words = ("status", "--porcelain=v2", "--branch", *_WHOLLY, "-z")
    told = git.run("-c", "core.untrackedCache=false", *words)
    rows = told.stdout.split(b"\0")[:-1]
    stands = f"# branch.oid {head}".encode("ascii") in rows
    return told.status == 0 and not told.stderr and stands and all(each.startswith(b"# ") for each in rows)


def _is_plain(git: Git) -> bool:
    """Tell whether git looks at every file, and there is room for no repository within."""
    told = git.run("ls-files", "-v", "--stage", "-z")
    links = (each.startswith((_PLAIN, b"H 120")) for each in told.stdout.split(b"\0")[:-1])
    return told.status == 0 and all(links)
