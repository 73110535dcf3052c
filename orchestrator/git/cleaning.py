"""What of a repository may go after a run: each thing is judged first, and once more right before it goes.

A worktree goes when everything in it is on a branch or in a backup; a branch when the target, what a run has
integrated, or a backup holds it; a backup only when a person says how old is too old. Judging changes nothing.
"""

import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import leftover, refs, worktree
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something may go, and why, or why not. ``at`` is the commit of a ref when that was judged."""

    may_go: bool
    why: str
    at: str = ""


def of_worktree(repo: Repository, path: str, branch: str, *, keep_ignored: bool, doomed: Collection[str]) -> Verdict:
    """Judge the worktree of a track, which should stand on ``branch``. ``doomed`` are refs that are to go, too."""
    found = next((each for each in worktree.list(repo) if each.path == os.path.realpath(path)), None)
    if found is None:
        return Verdict(may_go=False, why="it is no worktree of this repository")
    who = leftover.inhabitant(path)
    if who:
        return Verdict(may_go=False, why=f"{who} is at work in it")
    if branch and found.branch not in {None, branch}:
        return Verdict(may_go=False, why=f"it stands on {visible(found.branch or '')}, not on {visible(branch)}")
    try:
        why, kept = worktree.may_go(repo, path, keep_ignored=keep_ignored)
    except GitRefused as error:
        return Verdict(may_go=False, why=error.message)
    if why:
        return Verdict(may_go=False, why=why)
    if kept is None:
        return Verdict(may_go=True, why="its folder is gone" if found.gone else "everything in it is committed")
    ref = next((each for each in _backups(Git(repo.top), kept) if each not in doomed), "")
    return Verdict(bool(ref), f"what is not committed in it is kept as {ref}" if ref else "its backup is to go, too")


def of_branch(repo: Repository, branch: str, target: str, *, doomed: Collection[str]) -> Verdict:
    """Judge the branch of a track that was to be merged into ``target``."""
    git = Git(repo.top)
    tip = refs.resolve(git, refs.head(branch))
    if tip is None:
        return Verdict(may_go=False, why="it is not there")
    if branch in {target, repo.branch} or git.run("symbolic-ref", "--quiet", "HEAD").text() == refs.head(branch):
        return Verdict(may_go=False, why="it is the branch that runs merge into, or yours", at=tip)
    holder = next((each for each in _holders(git, tip, target) if each not in doomed), "")
    if not holder:
        return Verdict(may_go=False, why=f"{visible(target)} does not hold all of it, and no backup does", at=tip)
    if _only_logged(git, branch, doomed):
        return Verdict(may_go=False, why="only its log holds a commit that was dropped from it", at=tip)
    return Verdict(may_go=True, why=f"all of it is in {holder.removeprefix('refs/heads/')}", at=tip)


def _holders(git: Git, commit: str, target: str) -> list[str]:
    below = (refs.head(target), f"{refs.RUNS}/", f"{refs.BACKUPS}/")
    found = git.out("for-each-ref", "--format=%(refname)", f"--contains={commit}", *below).splitlines()
    return sorted(found, key=lambda each: each != refs.head(target))


def _backups(git: Git, commit: str) -> list[str]:
    return git.out("for-each-ref", "--format=%(refname)", f"--points-at={commit}", f"{refs.BACKUPS}/").splitlines()


def _only_logged(git: Git, branch: str, doomed: Collection[str]) -> bool:
    """Tell whether the log of a branch, which goes with it, is all that holds some commit."""
    logged = git.run("log", "-g", "--format=%H", refs.head(branch), "--")
    told = logged.text().split() if logged.status == 0 else []
    if not told:
        return False
    left_out = [f"--exclude={each}" for each in (refs.head(branch), *doomed)]
    words = ("rev-list", "--max-count=1", "--stdin", "--not", *left_out, "--all")
    return bool(git.raw(*words, stdin="".join(f"{each}\n" for each in dict.fromkeys(told)).encode()))


def remove_worktree(repo: Repository, path: str, *, keep_ignored: bool) -> str:
    """Remove a worktree as :func:`worktree.remove` does, without force; return why it stays, or nothing."""
    gone = worktree.remove(repo, path, keep_ignored=keep_ignored)
    return "" if gone.removed else gone.why


def remove_ref(repo: Repository, ref: str, at: str, why: str) -> str:
    """Remove a ref that still stands where it was judged; return why it stays, or nothing. Gone before is fine."""
    git = Git(repo.top, hooks=False)
    branch = ref.removeprefix("refs/heads/")
    stands = next((each.path for each in worktree.list(repo) if refs.head(branch) == ref and each.branch == branch), "")
    if stands:
        return f"{visible(stands)} stands on it"
    try:
        if refs.resolve(git, ref) is not None:
            leftover.clear_locks(git, f"{ref}.lock", "packed-refs.lock")
            git.out("update-ref", "-m", f"orchd: {why}", "-d", ref, at)
    except GitRefused as error:
        return error.message
    return ""


def is_ours(repo: Repository, path: str) -> bool:
    """Tell whether orchd made the worktree at ``path``: git's own folder of it remembers."""
    with suppress(GitRefused):
        if os.path.isdir(path):
            place = Git(path).run("rev-parse", "--path-format=absolute", "--git-dir").text()
            return place.startswith(f"{repo.common_dir}/worktrees/") and os.path.exists(f"{place}/orchd-exclude")
    return False
