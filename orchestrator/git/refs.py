"""Names of refs, and the questions asked of them.

``refs/orchd/runs/<run>/integrated`` is what a run has merged; ``…/landed`` is the last of it that the
target branch was seen to hold. What has landed is the target's own business from then on: who takes it
out again does so on purpose. ``…/theirs`` is what the remote had when a push was rejected, until one is not;
``…/published`` is what was made of the run's commits to be pushed onto that, where the target is not to hold it.
``refs/orchd/backup/…`` is :mod:`orchestrator.git.backup`'s.
"""

import os
from collections.abc import Sequence
from typing import Final

from orchestrator.core.name import check_name
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git.command import Git

LONGEST: Final = 1000
LONGEST_PART: Final = 200
"""Bytes of a branch's name and of each part of it: they become names of files, with endings."""

RUNS: Final = "refs/orchd/runs"
BACKUPS: Final = "refs/orchd/backup"


def integrated(run: str) -> str:
    """Return the ref of what the run has merged."""
    return f"{RUNS}/{check_name('run', run)}/integrated"


def landed(run: str) -> str:
    """Return the ref of what the target branch has been seen to hold."""
    return f"{RUNS}/{check_name('run', run)}/landed"


def theirs(run: str) -> str:
    """Return the ref of what the remote had got when a push of the run was rejected."""
    return f"{RUNS}/{check_name('run', run)}/theirs"


def published(run: str) -> str:
    """Return the ref of what was made of the run's commits for the remote, where that is not the target's own."""
    return f"{RUNS}/{check_name('run', run)}/published"


def head(branch: str) -> str:
    """Return the full name of a branch."""
    return f"refs/heads/{branch}"


def check_branch(git: Git, branch: str) -> str:
    """Return ``branch`` unchanged, or raise :class:`GitRefused` when git can have no branch of that name."""
    short = max(len(os.fsencode(part)) for part in branch.split("/")) <= LONGEST_PART and len(branch) <= LONGEST
    if not branch or not short or "\0" in branch or git.run("check-ref-format", "--branch", branch).text() != branch:
        raise GitRefused(f"'{visible(branch, 80)}' cannot be the name of a branch")
    return branch


def resolve(git: Git, name: str) -> str | None:
    """Return the commit that ``name`` (a full ref or an object id) stands for, or None."""
    return resolve_in(git, name) if git.objects is None else git.objects.commit(name)


def resolve_in(git: Git, name: str, *place: str) -> str | None:
    """Like :func:`resolve`; ``place`` are options of git itself that say in which repository."""
    finished = git.run(*place, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return finished.text() if finished.status == 0 else None


def resolve_all(git: Git, *names: str, place: Sequence[str] = ()) -> list[str | None]:
    """Return the same as :func:`resolve_in` for several names, in one question to git."""
    if git.objects is not None and not place:
        return [git.objects.commit(name) for name in names]
    asked = "".join(f"{name}^{{commit}}\n" for name in names)
    told = git.out(*place, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=os.fsencode(asked))
    return [line.removesuffix(" commit") if line.endswith(" commit") else None for line in told.split("\n")]


def parents(git: Git, commit: str) -> tuple[str, ...]:
    """Return the parents of a commit."""
    return tuple(git.out("rev-list", "--no-walk", "--parents", commit).split()[1:])


def tip(git: Git, branch: str) -> str:
    """Return the commit of a branch; raises :class:`GitRefused` where there is none."""
    return existing(branch, resolve(git, head(branch)))


def existing(branch: str, commit: str | None) -> str:
    """Return the commit of a branch, or raise :class:`GitRefused` because there is none."""
    if commit is None:
        raise GitRefused(f"the branch {visible(branch)} does not exist", hint="`git branch --list` shows those that do")
    return commit


def is_ancestor(git: Git, old: str, new: str) -> bool:
    """Tell whether everything in commit ``old`` is in commit ``new`` too."""
    return old == new or git.asks("merge-base", "--is-ancestor", old, new)


def update(git: Git, ref: str, new: str, old: str | None, why: str) -> None:
    """Set ``ref`` to ``new`` if it still stands at ``old`` (None: does not exist); else :class:`GitRefused`."""
    git.out("update-ref", "-m", f"orchd: {why}", ref, new, old or "")


def pending(git: Git, run: str) -> str | None:
    """Return what the run has integrated and its target was never seen to hold; None: nothing.

    Once it was, taking it out again (a reset, an amended commit) is the user's decision, and stays.
    """
    there, seen = resolve_all(git, integrated(run), landed(run))
    return None if there == seen else there


def ends(git: Git, run: str, target: str, *others: str) -> tuple[str, str | None, list[str | None]]:
    """Return the commit of the target branch, what :func:`pending` says, and the commits of other branches.

    Raises :class:`GitRefused` where there is no such target.
    """
    names = (head(target), integrated(run), landed(run), *map(head, others))
    commit, done, seen, *found = resolve_all(git, *names)
    return existing(target, commit), None if done == seen else done, found


def kept_by_a_ref(git: Git, commit: str, *prefixes: str) -> bool:
    """Tell whether a ref below one of ``prefixes`` holds ``commit``."""
    return bool(git.out("for-each-ref", "--count=1", "--format=%(refname)", f"--contains={commit}", *prefixes))


def told_of(git: Git, branch: str, *fields: str) -> list[str] | None:
    """Return what ``git for-each-ref`` says of a branch, field by field; None where there is no such branch.

    Where there is none, git takes its name for that of a folder, and tells of what is in there.
    """
    wanted = "".join(f"%00%({each})" for each in fields)
    name, *told = git.out("for-each-ref", f"--format=%(refname){wanted}", head(branch)).split("\0")
    return told if name == head(branch) else None
