"""Work in the user's own checkout: each track on a branch of its own, while its files stand where the user works.

What a track changed is committed by :mod:`orchestrator.git.commit_shared` and integrated like any branch; then the
files are already there. What is not merged is backed up and taken out again. Nothing that is not the track's is ever
touched, staged or committed.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from orchestrator.core.listing import some
from orchestrator.errors import GitRefused
from orchestrator.git import backup, branches, leftover, merge, places, refs, unseen, worktree
from orchestrator.git.backup import State
from orchestrator.git.command import Git
from orchestrator.git.index import private
from orchestrator.git.own import NOTHING, Change, Own, changes, dirty, put, staged
from orchestrator.git.repository import Repository, guarded
from orchestrator.git.unseen import Entry
from orchestrator.host.failpoint import reach

SECONDS: Final = 900.0
"""How long git may take to look at the whole checkout."""

PATIENCE: Final = 10.0
"""Seconds to wait for a git of the user's in the checkout."""

_MOST_NAMES: Final = 5
_GITLINK: Final = "160000"


def check(repo: Repository, tracks: Mapping[str, Own]) -> None:
    """Raise :class:`GitRefused` where the user has changes of their own among the files of one of these tracks."""
    found = dirty(_git(repo))
    for track, own in tracks.items():
        theirs = [each for each in found if own.covers(each)]
        if theirs:
            raise GitRefused(
                f"you have changes of your own in what {track} would commit: {some(theirs, _MOST_NAMES)}",
                hint="commit them, or put them aside; or leave isolation shared out: then agents never see them",
            )


def begin(repo: Repository, own: Own, branch: str, base: str, *, first: bool) -> None:
    """Have the track's branch begin at the commit ``base``; one that has commits of the track stays as it is.

    ``first``: nobody has worked on it so far; then its files have to be as the commit has them, or
    :class:`GitRefused` is raised. Done twice, nothing happens.
    """
    git = _git(repo)
    with guarded(repo, "worktrees", worktree.WAIT):
        leftover.clear(repo.top, [f"{repo.common_dir}/{refs.head(branch)}.lock"])
        tip = refs.resolve(git, refs.head(branch))
        if tip is None:
            refs.update(git, refs.head(branch), base, None, "begins here")
        else:
            branches.bring_up(git, branch, tip, base)
    if first:
        check(repo, {"this track": own})


def settle(repo: Repository, target: str, own: Own, commit: str) -> None:
    """Let git know that the track's files stand in the checkout as ``commit`` has them, which ``target`` moves to next.

    Then it moves there without a look at them. No file is written; what is staged of them was staged by the agent.
    """
    git = _git(repo)
    head = refs.tip(git, target)
    if head == commit or git.run("symbolic-ref", "--quiet", "HEAD").text() != refs.head(target):
        return
    leftover.wait_for_lock(places.of(git, "index.lock")[0], PATIENCE)
    coming = [each for each in changes(git, "diff-tree", "-r", head, commit) if own.covers(each.path)]
    put(git, [(each.after, each.path) for each in coming])
    git.run("update-index", "-q", "--refresh")
    if any(_took_the_place_of(each, other) for each in coming for other in coming if each.after[0] != NOTHING):
        _move(git, target, own, head, commit)


def _took_the_place_of(new: Change, old: Change) -> bool:
    """Tell whether a file stands where the folder of another was: git's own way forward takes it for in the way."""
    return old.after[0] == NOTHING and old.path.startswith(f"{new.path}/")


def _move(git: Git, target: str, own: Own, head: str, commit: str) -> None:
    """Move the branch over the track's files, which are in place, if all else that comes can be written; else nothing.

    Cut short and called again, it goes on.
    """
    ahead = {each.path for each in changes(git, "diff-index", "--cached", commit)}
    rest = [each for each in changes(git, "diff-tree", "-r", head, commit) if not own.covers(each.path)]
    to_do = [each for each in rest if each.path in ahead]
    in_hand = {each.path for each in changes(git, "diff-index", head)}
    if any(each.path in in_hand or NOTHING in {each.before[0], each.after[0]} for each in to_do):
        return
    if to_do:
        git.out("--literal-pathspecs", "checkout", "--quiet", commit, "--", *(each.path for each in to_do))
    refs.update(git, refs.head(target), commit, head, "integrated")


def keep(repo: Repository, own: Own, ref: str) -> str | None:
    """Record the track's files under ``ref`` where they differ from the commit; return that backup, None for nothing.

    Done again after :func:`put_back`, it finds what it made.
    """
    git = _git(repo)
    head = refs.resolve(git, "HEAD") or ""
    committed = git.out("rev-parse", f"{head}^{{tree}}")
    with staged(git, own, head) as now:
        tree = git.out("write-tree", env=now.env)
    entries = [Entry(*each.after, each.path) for each in now.found if each.after[0] != NOTHING]
    more = unseen.trees(git, entries, (), ())
    held = _held(git, own, head) or committed
    state = State(head, committed, held, tree, more=tuple(more.items()), unread=tuple(now.left))
    kept = backup.record(repo.top, state, ref)
    reach("shared.kept")
    return kept or refs.resolve(git, ref)


def _held(git: Git, own: Own, head: str) -> str | None:
    """Return the tree of what is staged of the track's files; None where nothing is."""
    held = [each for each in changes(git, "diff-index", "--cached", head) if own.covers(each.path)]
    if not held:
        return None
    with private(git) as env:
        git.out("read-tree", head, env=env)
        put(git, [(each.after, each.path) for each in held], env)
        return git.out("write-tree", env=env)


def put_back(repo: Repository, own: Own) -> str:
    """Put the track's files back to what the commit has, once they are backed up; return why not, or nothing."""
    git = _git(repo)
    with staged(git, own, "HEAD") as now:
        found = now.found
    within = [each.path for each in found if each.after[0] == _GITLINK]
    if within or now.left:
        return f"what cannot be backed up as files stands in {some([*within, *now.left], _MOST_NAMES)}"
    try:
        leftover.wait_for_lock(places.of(git, "index.lock")[0], PATIENCE)
        _remove(git, [each for each in found if each.before[0] == NOTHING])
        _restore(git, [each.path for each in found if each.before[0] != NOTHING])
    except GitRefused as error:
        return error.message
    except OSError as error:
        return os.strerror(error.errno or 0).lower()
    reach("shared.put_back")
    return ""


def _restore(git: Git, paths: Sequence[str]) -> None:
    words = ("restore", "--source=HEAD", "--staged", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul")
    if paths:
        git.raw("--literal-pathspecs", *words, stdin=b"".join(os.fsencode(each) + b"\0" for each in paths))


def _remove(git: Git, found: Sequence[Change]) -> None:
    """Remove new files, and the folders that are empty then."""
    put(git, [((NOTHING, "0" * len(each.after[1])), each.path) for each in found])
    for each in found:
        with suppress(FileNotFoundError):
            os.unlink(f"{git.folder}/{each.path}")
        folder = os.path.dirname(each.path)
        while folder:
            with suppress(OSError):
                os.rmdir(f"{git.folder}/{folder}")
            folder = os.path.dirname(folder)


def stray(repo: Repository, everybodys: Sequence[Own], before: Sequence[str]) -> list[str]:
    """Return what differs from the commit, did not ``before`` the run, and is no track's."""
    known = frozenset(before)
    found = (each for each in dirty(_git(repo)) if each not in known)
    return [each for each in found if not any(own.covers(each) for own in everybodys)]


def commits_of_others(repo: Repository, base: str, target: str) -> list[str]:
    """Return the commits in ``target`` since ``base`` that orchd did not make, shortened: the user's, or an agent's."""
    words = ("log", "--first-parent", "--no-show-signature", "--format=%h", "--invert-grep", "--grep=^Orchd-Run: ")
    return _git(repo).out(*words, f"{base}..{refs.head(target)}", "--").split()


def holds_work(repo: Repository, branch: str, target: str) -> bool:
    """Tell whether a track's branch has commits that ``target`` has not."""
    git = _git(repo)
    tip = refs.resolve(git, refs.head(branch))
    return tip is not None and merge.parting(git, refs.tip(git, target), tip) != tip


def sentence(paths: Sequence[str]) -> str:
    """Say what is left in the checkout and belongs to no track."""
    if not paths:
        return ""
    return f"changed in your checkout and not committed, as no track declares it: {some(paths, _MOST_NAMES)}"


def _git(repo: Repository) -> Git:
    return Git(repo.top, SECONDS, hooks=False)
