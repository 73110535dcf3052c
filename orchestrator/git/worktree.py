"""Worktrees: one a track, each on its own branch, made and removed without losing a byte.

Every step may be cut short anywhere and done again. Nothing is ever forced: git itself refuses what would
destroy something, and what it says is the answer. One worktree is made at a time in a repository, across
processes: eight at once take twenty times as long as one.
"""

import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.core.listing import some
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused, OrchdError
from orchestrator.git import backup, branches, ignored, leftover, places, refs, submodules
from orchestrator.git.command import Git, complaint, refusal
from orchestrator.git.repository import Repository, guarded

SECONDS: Final = 1800.0
"""How long git may take to fill a worktree; large files come over the network."""

WAIT: Final = 600.0
"""Seconds to wait while other processes make or remove worktrees of the same repository."""

_BEING_MADE: Final = "initializing"  # git's own word; with it `git worktree add` locks what it has not finished


@dataclass(frozen=True, slots=True)
class Worktree:
    """One line of ``git worktree list``.

    ``head`` is its commit, ``branch`` None when detached, ``locked`` the reason or None. ``gone``: its
    folder is provably not there: it lay in the checkout, or in a folder that still stands.
    """

    path: str
    head: str
    branch: str | None
    locked: str | None
    gone: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """Whether a worktree was removed; ``why`` not, or how it came that it was not there."""

    removed: bool
    why: str = ""


def list(repo: Repository) -> tuple[Worktree, ...]:  # noqa: A001  # read as worktree.list
    """Return all worktrees of the repository, the main one first."""
    data = Git(repo.top).raw("worktree", "list", "--porcelain", "-z")
    top = os.path.realpath(repo.top)
    main, *others = (_entry(os.fsdecode(each), top) for each in data.split(b"\0\0") if each)
    if top not in {main.path, *(each.path for each in others)}:
        # Where git's own folder lies apart from the checkout, git takes that folder for it.
        main = replace(main, path=top, gone=False)
    return (main, *others)


def _entry(record: str, top: str) -> Worktree:
    fields = {line.partition(" ")[0]: line.partition(" ")[2] for line in record.split("\0")}
    branch = fields.get("branch")
    path = fields["worktree"]
    seen = os.path.isdir(os.path.dirname(path)) or path.startswith(f"{top}/")
    return Worktree(
        path,
        fields.get("HEAD", ""),
        branch.removeprefix("refs/heads/") if branch else None,
        fields.get("locked"),
        seen and not os.path.lexists(path),
    )


def add(repo: Repository, path: str, branch: str, base: str) -> None:
    """Make a worktree at ``path`` on ``branch``; a branch that is not there begins at the commit ``base``.

    Where the worktree stands on that branch already there is nothing to do; what a crash left half-made is
    finished. Raises :class:`GitRefused` when something else is in the way, and then changed nothing.
    """
    git = Git(repo.top, SECONDS)
    branches.check(git, branch)
    real = _real(path)
    with guarded(repo, "worktrees", WAIT):
        reconnect(repo.top, real)
        known = list(repo)
        found = _of(known, real)
        if found is not None and found.locked == _BEING_MADE:
            leftover.wait_until_idle(real)
            known = list(repo)
            found = _of(known, real)
        if found is not None and not found.gone:
            _take(git, found, branch)
            ignored.remember(Git(real))
            return
        if os.path.lexists(real) and (os.path.islink(real) or not os.path.isdir(real) or os.listdir(real)):
            raise GitRefused(f"{visible(path)} is in the way: it is no worktree of ours", hint="move it aside")
        waited = leftover.wait_until_idle(real)
        leftover.clear(repo.top, [f"{repo.common_dir}/{refs.head(branch)}.lock"])
        for each in list(repo) if waited else known:
            if each.gone and (each.path == real or each.branch == branch):
                _drop(git, repo, each)
        _make(repo, git, real, branch, base)
        ignored.remember(Git(real))


def reconnect(top: str, path: str) -> None:
    """Let git know a worktree again that was moved together with the repository at ``top``, or that lost its .git file.

    One that belongs to a repository that stands, or is no worktree, is left as it is; so is one that git knows nothing
    of any more, and what others lack is not this one's fault.
    """
    if os.path.isdir(path) and not os.path.lexists(f"{path}/.git"):
        Git(top).run("worktree", "repair")
    owner = places.own(path)
    if owner is not None and not os.path.lexists(owner):
        Git(top).run("worktree", "repair", path)


def _real(path: str) -> str:
    """Return the path as git lists it: the folder's own name, after all links above it."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _at(repo: Repository, path: str) -> Worktree | None:
    return _of(list(repo), path)


def _of(known: Iterable[Worktree], path: str) -> Worktree | None:
    return next((each for each in known if each.path == path), None)


def _take(git: Git, found: Worktree, branch: str) -> None:
    """Use the worktree that stands there, if it is the right one; finish it where it is half-made."""
    half_made = found.locked == _BEING_MADE
    if found.branch != branch and not (half_made and found.branch is None):
        where = f"on {visible(found.branch)}" if found.branch else "on no branch"
        raise GitRefused(
            f"the worktree {visible(found.path)} stands {where}, not on {visible(branch)}",
            hint=f"look at it, then `git worktree remove {shlex.quote(visible(found.path))}`",
        )
    if not os.path.lexists(f"{found.path}/.git"):
        git.out("worktree", "repair")
    inside = Git(found.path, SECONDS)
    leftover.clear_locks(inside, "index.lock", "HEAD.lock")
    if half_made:
        # The rest of what a killed `git worktree add` would have done. Should somebody have written there, it is kept.
        inside.out("symbolic-ref", "HEAD", refs.head(branch))
        if backup.adds(backup.look(found.path), inside):
            backup.keep(found.path, f"{refs.BACKUPS}/half-made/{os.path.basename(found.path)}/0")
        inside.out("checkout", "--force", "--quiet")
        git.out("worktree", "unlock", "--", found.path)


def _make(repo: Repository, git: Git, path: str, branch: str, base: str) -> None:
    tip = refs.resolve(git, refs.head(branch))
    if tip is None:
        made = git.run("worktree", "add", "--quiet", "-b", branch, "--", path, base)
    else:
        branches.bring_up(git, branch, tip, base)
        made = git.run("worktree", "add", "--quiet", "--", path, branch)
    if made.status != 0:
        found = _at(repo, path)
        if found is None or found.branch != branch or found.locked is not None:
            raise refusal(made)
        # else it stands, and it was a hook of the user's that failed: that does not change the outcome


def _drop(git: Git, repo: Repository, gone: Worktree) -> None:
    """Forget a worktree whose folder somebody deleted, unless that would lose something."""
    why = _not_droppable(git, repo, gone)
    if why:
        path = shlex.quote(visible(gone.path))
        raise GitRefused(
            f"the folder of the worktree {visible(gone.path)} was deleted, but {why}",
            hint=f"if that is not needed: `git worktree unlock {path}; git worktree remove {path}`",
        )
    git.out("worktree", "remove", "--", gone.path)


def _not_droppable(git: Git, repo: Repository, gone: Worktree) -> str:
    if gone.locked is not None:
        return f"it is locked: {visible(gone.locked) or 'without a reason'}"
    own = next((each for each in git_dirs(repo) if _points_to(each, gone.path)), None)
    if own is None:
        return ""
    state = backup.remains(git, own)
    if state.lost:
        return f"no branch holds its commit {state.lost[0][:10]}"
    return "something was staged in it" if state.dirty and backup.holding(git, state) is None else ""


def keep_gone(repo: Repository, path: str, ref: str) -> str | None:
    """Record under ``ref`` what is left of a worktree whose folder was deleted; return the commit, None for nothing."""
    real = _real(path)
    found = _at(repo, real)
    own = next((each for each in git_dirs(repo) if _points_to(each, real)), None)
    return backup.keep_remains(repo.top, own, ref) if found is not None and found.gone and own is not None else None


def git_dirs(repo: Repository) -> Iterator[str]:
    """Yield git's own folder of every linked worktree."""
    folder = f"{repo.common_dir}/worktrees"
    with suppress(FileNotFoundError):
        yield from (f"{folder}/{name}" for name in os.listdir(folder))


def _points_to(git_dir: str, path: str) -> bool:
    with suppress(OSError), open(f"{git_dir}/gitdir", "rb") as file:
        return os.path.dirname(os.fsdecode(file.read().rstrip(b"\n"))) == path
    return False


def remove(repo: Repository, path: str, *, keep_ignored: bool = False, seen: backup.State | None = None) -> Removal:
    """Remove a worktree if everything in it is on a branch or in a backup; say why not otherwise.

    Ignored files go with it, unless ``keep_ignored``: then they have to be in the backup, too. What only a backup
    holds must still be as in there: git compares once more, and a file that changed meanwhile keeps the worktree.
    ``seen`` is what was seen in it a moment ago, when nobody worked in it any more. Raises ``GuardBusy``.
    """
    git, real = Git(repo.top, SECONDS), _real(path)
    if real == os.path.realpath(repo.top):
        return Removal(removed=False, why="it is the main checkout")
    with guarded(repo, "worktrees", WAIT):
        reconnect(repo.top, real)
        known = list(repo)
        found = _of(known, real)
        if found is None:
            there = os.path.lexists(real)
            return Removal(not there, "it is no worktree of this repository" if there else "it was not there")
        try:
            if found.gone:
                why = _not_droppable(git, repo, found)
            elif found != known[0] and found.locked is None and seen is not None and _is_still(found, seen):
                why = ""  # git itself asks for the rest
            else:
                why = _prepared(found, known[0], keep_ignored=keep_ignored)
        except GitRefused as error:
            why = error.message
        if why:
            return Removal(removed=False, why=why)
        submodules.put_away(real, ignored=keep_ignored)
        ended = git.run("-c", "status.showUntrackedFiles=all", "worktree", "remove", "--", real)
        return Removal(ended.status == 0, "" if ended.status == 0 else complaint(ended))


def may_go(repo: Repository, path: str, *, keep_ignored: bool = False) -> tuple[str, str | None]:
    """Return why :func:`remove` would not remove a worktree (empty: it would), and the backup it would rely on.

    Changes nothing. Raises :class:`GitRefused` where that cannot be told.
    """
    known = list(repo)
    found = _of(known, _real(path))
    if found is None:
        return "it is no worktree of this repository", None
    if found.gone:
        return _not_droppable(Git(repo.top, SECONDS), repo, found), None
    return _judged(found, known[0], keep_ignored=keep_ignored)


def _is_still(found: Worktree, seen: backup.State) -> bool:
    """Tell whether a worktree that was seen clean stands on the same commit, and no git is at work in it."""
    own = places.own(found.path)
    idle = own is not None and not os.path.lexists(f"{own}/index.lock")
    return seen.clean and found.head == seen.head and idle


def _prepared(found: Worktree, main: Worktree, *, keep_ignored: bool) -> str:
    """Return why the worktree may not go, or nothing; in that case git sees it clean."""
    why, kept = _judged(found, main, keep_ignored=keep_ignored)
    inside = Git(found.path, SECONDS, hooks=False)
    if not why:
        leftover.clear_locks(inside)
    if not why and kept is not None:
        _stand_on(inside, kept)
    return why


def _judged(found: Worktree, main: Worktree, *, keep_ignored: bool) -> tuple[str, str | None]:
    if found == main:
        return "it is the main checkout", None
    if found.locked is not None:
        return f"it is locked: {visible(found.locked) or 'without a reason'}", None
    inside = Git(found.path, SECONDS, hooks=False)
    state = backup.look(found.path, ignored=keep_ignored)
    if state.foreign:
        return f"there are repositories of their own in it: {some(state.foreign, 3)}", None
    if state.unread:
        return f"not everything in it can be read: {some(state.unread, 3)}", None
    if state.lost:
        return f"no branch holds its commit {state.lost[0][:10]}", None
    kept = backup.holding(inside, state) if state.dirty else None
    return (_kept_nowhere(inside, state) if state.dirty and kept is None else ""), kept


def _kept_nowhere(inside: Git, state: backup.State) -> str:
    hidden = ignored.since(inside)
    if hidden:
        return f"files in it are ignored only since it was made, and kept nowhere: {some(hidden, 3)}"
    changed = inside.names("diff-tree", "-r", "-z", "--name-only", state.committed, state.tree)
    return f"changed or new, and kept nowhere: {some(changed, 3) or 'what is staged or ignored'}"


def _stand_on(inside: Git, kept: str) -> None:
    """Turn the worktree into a clean checkout of the backup, without touching a file of it."""
    inside.out("update-ref", "--no-deref", "-m", "orchd: kept", "HEAD", kept)
    backup.see_everything(inside, {})
    inside.out("read-tree", "--reset", kept)


def forget(
    repo: Repository, path: str, branch: str, *, keep_ignored: bool = False, seen: backup.State | None = None
) -> str:
    """Remove the worktree of a merged track, and its branch; return what stays and why, or nothing.

    ``seen`` is as for :func:`remove`. The branch goes only while it stands where it was seen, when the target branch
    or what a run has integrated holds all of it.
    """
    try:
        removal = remove(repo, path, keep_ignored=keep_ignored, seen=seen)
        if not removal.removed:
            return f"the worktree {visible(path)} stays: {removal.why}"
        return branches.forget(repo, branch)
    except OrchdError as error:
        return f"the worktree {visible(path)} or the branch {visible(branch)} stays: {error.message}"
