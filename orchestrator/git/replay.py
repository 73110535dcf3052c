"""Taking a branch in without a merge commit: as one commit, or its commits one after the other. Objects alone.

The branch is no parent of what comes of it, so a ref of the run's holds it from then on, and the last commit says
which commit of the branch it stands for.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.name import check_name
from orchestrator.git import merge, message, refs
from orchestrator.git.author import Maker
from orchestrator.git.command import Git

_FACTS: Final = "%an%x00%ae%x00%aI%x00%B"


@dataclass(frozen=True, slots=True)
class Taking:
    """A branch with the commit ``tip`` that parted at ``base`` is taken in onto ``start`` and makes ``tree`` of it.

    ``ours`` is the file that is the orchestrator's in every commit; ``trailers`` are those of the last one.
    """

    start: str
    base: str
    tip: str
    tree: str
    title: str
    trailers: Mapping[str, str]
    made_by: Maker
    ours: str | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """Who wrote a commit, and what it says."""

    author: Mapping[str, str]
    text: bytes


def kept(run: str, track: str) -> str:
    """Return the ref that holds a branch that was taken in without being a parent."""
    return f"{refs.RUNS}/{check_name('run', run)}/branches/{check_name('track', track)}"


def squashed(git: Git, taking: Taking) -> str:
    """Make one commit of a branch. The message is the branch's where that is one commit, else it lists theirs."""
    commits = _commits(git, taking)
    trailers = {**taking.trailers, merge.COMMIT: taking.tip}
    if len(commits) == 1:
        text = message.with_trailers(_facts(git, commits[0]).text, trailers)
    else:
        told = git.out("log", "--reverse", "--no-merges", "--no-show-signature", "--format=%s", _range(taking))
        text = message.of_squash(taking.title, told.splitlines(), trailers)
    return merge.commit(git, taking.tree, (taking.start,), text, taking.made_by)


def rebased(git: Git, taking: Taking) -> str | None:
    """Make the commits of a branch anew, one on the other; return the last one.

    None where that cannot be although the whole can: there are merges among them, or one alone is in conflict.
    """
    commits = _commits(git, taking)
    if not commits or git.out("rev-list", "--merges", "--count", _range(taking)) != "0":
        return None
    onto = taking.start
    for commit in commits[:-1]:
        tree = _applied(git, taking, onto, commit)
        if tree is None:
            return None
        if tree != git.out("rev-parse", f"{onto}^{{tree}}"):
            onto = _again(git, taking, (tree, onto), commit, taking.trailers)
    trailers = {**taking.trailers, merge.COMMIT: taking.tip, merge.ONTO: taking.start}
    return _again(git, taking, (taking.tree, onto), commits[-1], trailers)


def _applied(git: Git, taking: Taking, onto: str, commit: str) -> str | None:
    """Return the tree of ``onto`` with what ``commit`` changed; None for a conflict."""
    here = standing(git, onto, git.out("rev-parse", f"{commit}^"), taking.made_by)
    tree, files = merge.tree_of(git, here, commit)
    if any(each != taking.ours for each in files):
        return None
    return tree if taking.ours is None else merge.edited(git, tree, taking.start, taking.ours, lambda data: data)[0]


def standing(git: Git, onto: str, parent: str, by: Maker) -> str:
    """Return a commit that has what ``onto`` has, and ``parent`` as its parent.

    With the same parent as another's, what we stand on is merged with that one as if it had begun there.
    """
    return git.out("commit-tree", f"{onto}^{{tree}}", "-p", parent, "-m", "onto", env=by.env)


def anew(git: Git, made: tuple[str, str], commit: str, by: Maker) -> str:
    """Make a commit anew, with a tree and a parent, in its author's name and words."""
    facts = _facts(git, commit)
    text = facts.text.rstrip() + b"\n"
    return merge.commit(git, made[0], (made[1],), text, Maker({**by.env, **facts.author}, by.flags))


def _again(git: Git, taking: Taking, made: tuple[str, str], commit: str, trailers: Mapping[str, str]) -> str:
    """Make a commit anew, with a tree and a parent, and say so."""
    facts = _facts(git, commit)
    by = Maker({**taking.made_by.env, **facts.author}, taking.made_by.flags)
    return merge.commit(git, made[0], (made[1],), message.with_trailers(facts.text, trailers), by)


def _facts(git: Git, commit: str) -> _Facts:
    told = git.raw("log", "-1", "--no-show-signature", "--encoding=UTF-8", f"--format={_FACTS}", commit)
    name, mail, date, text = told.split(b"\0", 3)
    author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": date}
    return _Facts({key: os.fsdecode(value) for key, value in author.items() if value}, text)


def _commits(git: Git, taking: Taking) -> list[str]:
    return git.out("rev-list", "--reverse", "--topo-order", "--no-merges", _range(taking)).splitlines()


def _range(taking: Taking) -> str:
    return f"{taking.base}..{taking.tip}" if taking.base else taking.tip
