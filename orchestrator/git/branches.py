"""The branches of tracks: a name that is free, where one begins, and its end once it is merged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import refs
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository

_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*\Z")


@dataclass(frozen=True, slots=True)
class Branches:
    """The names of the branches there are, and of what stands above them; case makes no difference."""

    names: frozenset[str]
    folders: frozenset[str]


def known(repo: Repository) -> Branches:
    """Return the names that no new branch may have."""
    told = Git(repo.top).out("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/")
    names = frozenset(each.casefold() for each in told.split("\n"))
    return Branches(names, frozenset(folder for each in names for folder in _folders(each)))


def free(repo: Repository, wanted: str, taken: Branches | None = None) -> str:
    """Return ``wanted``, or with -2, -3 … behind it when a branch has that name, or one that differs in case.

    ``taken`` are the branches there are, as they were a moment ago; None: git is asked.
    """
    check(Git(repo.top), wanted)
    taken = taken or known(repo)
    blocking = next((each for each in _folders(wanted) if each.casefold() in taken.names), None)
    if blocking is not None:
        raise GitRefused(f"the branch {visible(blocking)} is in the way of {visible(wanted)}", hint="rename it")
    number = 1
    name = wanted
    while name.casefold() in taken.names or name.casefold() in taken.folders:
        number += 1
        name = f"{wanted}-{number}"
    return name


def check(git: Git, branch: str) -> None:
    """Raise :class:`GitRefused` when git can have no branch of that name; it is asked only where there is a doubt."""
    if len(branch) > refs.LONGEST_PART or not _PLAIN.match(branch):
        refs.check_branch(git, branch)


def _folders(branch: str) -> Iterator[str]:
    """Yield the names that cannot be branches because ``branch`` is one: those above it."""
    parts = branch.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def bring_up(git: Git, branch: str, tip: str, base: str) -> None:
    """Let a branch without commits of its own begin at ``base``; one that has some stays as it is."""
    if refs.is_ancestor(git, tip, base) and tip != base:
        refs.update(git, refs.head(branch), base, tip, "begins here")
    elif not git.asks("merge-base", tip, base):
        raise GitRefused(f"the branch {visible(branch)} has nothing in common with {base[:10]}", hint="rename it")


def forget(repo: Repository, branch: str) -> str:
    """Remove the branch of a merged track; return why it stays, or nothing. Raises :class:`GitRefused`."""
    git = Git(repo.top)
    tip, elsewhere = refs.told_of(git, branch, "objectname", "worktreepath") or ("", "")
    if not tip:
        return ""
    stays = f"the branch {visible(branch)} stays: "
    if elsewhere:
        return f"{stays}{visible(elsewhere)} stands on it"
    if branch == repo.branch or not refs.kept_by_a_ref(git, tip, refs.head(repo.branch), f"{refs.RUNS}/"):
        return f"{stays}not all of it is merged"
    git.out("update-ref", "-m", "orchd: merged", "-d", refs.head(branch), tip)
    return ""
