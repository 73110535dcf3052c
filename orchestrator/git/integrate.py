"""Integration: taking finished branches into the target, one at a time in a repository, across processes.

The merge is made of objects, checked, recorded under ``refs/orchd/runs/<run>/integrated``, and only then is the
target moved forward to it. Each step may be the last one before a crash: called again, it finds how far things
are, finishes them, and merges nothing twice. A conflict, or a check that fails, is an answer and changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.run import GitOptions
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import author, leftover, merge, message, refs, replay
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository, guarded
from orchestrator.git.target import Moved, advance
from orchestrator.host.failpoint import reach

WAIT: Final = 300.0
"""Seconds to wait while other processes integrate into the same repository."""

TRIES: Final = 5
"""How often to start over because somebody commits to the target at the same time."""


@dataclass(frozen=True, slots=True)
class Red:
    """The check does not pass on the merge, and nothing has changed.

    ``error`` is ``TYPE: text``, empty where nobody waits for the answer any more; ``output`` the end of what the check
    printed.
    """

    error: str
    output: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Integration:
    """What is to be taken in: a track's ``branch`` of a run, into the branch ``target``.

    ``edit`` changes the one file ``path`` (relative to the top) within the merge: it gets the target's bytes
    and returns new ones, or None to leave them. That file is the orchestrator's: what the branch itself did to
    it is left out, and a trailer says so. ``options`` say how it is taken in, by whom, and which trailers are added.
    ``check`` gets the commit before anything moves to it. ``settle`` gets it right before the target does.
    """

    run: str
    track: str
    title: str
    branch: str
    target: str
    path: str | None = None
    edit: Callable[[bytes], bytes | None] | None = None
    options: GitOptions = field(default_factory=GitOptions)
    check: Callable[[str], Red | None] | None = None
    settle: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """The branch was taken in by ``commit``.

    Without a ``note`` the target branch holds it, and so does the checkout that stands on it. Else the note
    says what is in the way and which command finishes it.
    """

    commit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class AlreadyIn:
    """There was nothing to take in: ``commit`` did so earlier, or holds it anyway. The rest as in :class:`Merged`."""

    commit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """It cannot be merged by itself; nothing has changed.

    ``files`` are the paths in conflict, as git names them; ``with_branches`` the branches taken in earlier
    that it is in conflict with, or the target where that was its own doing.
    """

    files: tuple[str, ...]
    with_branches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """The branch has nothing of its own that could be taken in, and nothing has changed; ``why`` in a few words."""

    why: str


Answer = Merged | Conflict | AlreadyIn | Nothing | Red


def integrate(repo: Repository, request: Integration) -> Answer:
    """Take a branch in; see the answers. Raises :class:`GitRefused` and ``GuardBusy``; then nothing was merged."""
    git = Git(repo.top, hooks=False)
    with guarded(repo, "integrate", WAIT), git.conversing():
        locks = (f"{ref(request.run)}.lock" for ref in (refs.integrated, refs.landed))
        leftover.clear(repo.top, [f"{repo.common_dir}/{each}" for each in locks])
        merged = None
        for _ in range(TRIES):
            start, branch = _start(git, request)
            if isinstance(start, Conflict):
                return _in_spite_of(git, request, start, merged)
            found = _take_in(git, request, start, branch)
            if isinstance(found, Nothing):
                return found
            if isinstance(found, Conflict):
                return _in_spite_of(git, request, found, merged)
            red = _checked(git, request, found)
            if red is not None:
                return _in_spite_of(git, request, red, merged)
            merged = found if found != start else merged
            moved = _advance(repo, git, request, found, start)
            if not moved.diverged:
                break
        return _answer(git, request, merged, moved)


def _checked(git: Git, request: Integration, commit: str) -> Red | None:
    """Return what the check says against a commit that is on record nowhere yet."""
    if request.check is None:
        return None
    if commit in refs.resolve_all(git, refs.integrated(request.run), refs.head(request.target)):
        return None
    red = request.check(commit)
    reach("integrate.checked")
    return red


def tip(repo: Repository, run: str, target: str) -> str:
    """Return what work of the run begins on: the target, or what was integrated where the target lags behind."""
    return tip_of(Git(repo.top), run, target)


def tip_of(git: Git, run: str, target: str) -> str:
    """Like :func:`tip`, asked of a git in the repository."""
    there, pending, _ = refs.ends(git, run, target)
    return there if pending is None or refs.is_ancestor(git, pending, there) else pending


def base_of(repo: Repository, run: str, target: str, branches: Sequence[str], options: GitOptions | None = None) -> str:
    """Return what work begins on that needs ``branches`` before they are merged: a commit that has all of them.

    Raises :class:`GitRefused` where two of them are in conflict.
    """
    git = Git(repo.top, hooks=False)
    base = tip(repo, run, target)
    for branch in branches:
        theirs = refs.tip(git, branch)
        if refs.is_ancestor(git, theirs, base):
            continue
        tree, files = merge.tree_of(git, base, theirs)
        if files:
            raise GitRefused(
                f"{visible(branch)} is in conflict with what the track builds on: {visible(files[0])}",
                hint='[run] start_on = "merged" lets a track wait for the merge',
            )
        by = author.maker(git, options or GitOptions())
        base = merge.commit(git, tree, (base, theirs), message.of_join(branch, {"Orchd-Run": run}), by)
    return base


def line_counts(
    repo: Repository, commit: str, options: GitOptions | None = None, without: str | None = None
) -> tuple[int, int]:
    """Return how many lines taking in a branch added and removed, but for the orchestrator's file ``without``."""
    git = Git(repo.top)
    since = merge.onto(git, commit) if options is not None and options.strategy == "rebase" else ""
    return merge.line_counts(git, commit, since, without)


def _start(git: Git, request: Integration) -> tuple[str | Conflict, str]:
    """Return the commit to merge onto, and that of the branch."""
    there, pending, (found,) = refs.ends(git, request.run, request.target, request.branch)
    branch = refs.existing(request.branch, found)
    return there if pending is None else _joined(git, request, there, pending), branch


def _joined(git: Git, request: Integration, there: str, pending: str) -> str | Conflict:
    """Return the target's commit, with everything in it that was integrated before."""
    if refs.is_ancestor(git, pending, there):
        return there
    if refs.is_ancestor(git, there, pending):
        return pending
    tree, files = merge.tree_of(git, there, pending)
    if files:
        return Conflict(files, (request.target,))
    text = message.of_join(request.target, {"Orchd-Run": request.run})
    return merge.commit(git, tree, (there, pending), text, author.maker(git, request.options))


def _take_in(git: Git, request: Integration, start: str, branch: str) -> str | Conflict | Nothing:
    """Return the merge of ``branch`` onto ``start``; ``start`` itself when that has such a merge already."""
    if request.options.strategy != "merge" and merge.of_branch(git, request.branch, branch, start):
        return start
    base = merge.parting(git, start, branch)
    if base == branch:
        own = merge.of_branch(git, request.branch, branch, start) or merge.is_of_track(
            git, branch, request.track, request.run
        )
        return start if own else Nothing(f"{visible(request.target)} holds all of it without it")
    changed = merge.changes(git, base, branch)
    ours = _ours(git, request, start, changed)
    if all(each == ours for each in changed):
        return Nothing(f"it changes {f'only {visible(ours or str())}' if changed else 'no file'}")
    tree, files = merge.tree_of(git, start, branch)
    if any(each != ours for each in files):
        return Conflict(files, merge.sides(git, start, branch, files, request.target))
    trailers = {"Orchd-Track": request.track, "Orchd-Run": request.run, merge.BRANCH: request.branch}
    if ours is not None and request.edit is not None:
        tree, left_out = merge.edited(git, tree, start, ours, request.edit)
        trailers |= {"Orchd-Left-Out": ours} if left_out else {}
    by = author.maker(git, request.options)
    said = message.beside(trailers, request.options.trailers)
    taking = replay.Taking(start, base, branch, tree, request.title, said, by, ours)
    return _made(git, request.options, taking, request.track)


def _ours(git: Git, request: Integration, start: str, changed: Sequence[str]) -> str | None:
    """Return the file that is the orchestrator's, if there is one: git is asked where the branch touched it."""
    if request.edit is None or request.path is None:
        return None
    alone = request.path not in changed and request.options.strategy == "merge"
    return request.path if alone or merge.holds(git, start, request.path) else None


def _made(git: Git, options: GitOptions, taking: replay.Taking, track: str) -> str:
    """Make what the strategy makes of a branch. What cannot be replayed commit by commit comes in as one."""
    if options.strategy == "merge":
        text = message.of_merge(track, taking.title, taking.trailers)
        return merge.commit(git, taking.tree, (taking.start, taking.tip), text, taking.made_by)
    anew = replay.rebased(git, taking) if options.strategy == "rebase" else None
    return anew or replay.squashed(git, taking)


def _advance(repo: Repository, git: Git, request: Integration, commit: str, start: str) -> Moved:
    """Record the commit, which was made onto ``start``, move the target to it, and record that it is there."""
    reach("integrate.merged")
    ref, landed = refs.integrated(request.run), refs.landed(request.run)
    before, seen, there = refs.resolve_all(git, ref, landed, refs.head(request.target))
    recorded = before  # whoever changes it holds the guard that we hold
    if request.options.strategy != "merge":
        _hold(git, request)
    if commit not in {before, refs.existing(request.target, there)}:
        refs.update(git, ref, commit, before, f"took in {visible(request.branch, 80)}")
        recorded = commit
    reach("integrate.advanced")
    if request.settle is not None:
        request.settle(commit)
        reach("integrate.settled")
    moved = advance(repo, request.target, commit, ref, start)
    reach("integrate.checked_out")
    if moved.done and recorded is not None:
        refs.update(git, landed, recorded, seen, "the target holds it")
    return moved


def _hold(git: Git, request: Integration) -> None:
    """Have a ref hold the branch's own commits, which are in none of what comes of it."""
    ref = replay.kept(request.run, request.track)
    before, branch = refs.resolve_all(git, ref, refs.head(request.branch))
    if branch is not None and branch != before:
        refs.update(git, ref, branch, before, "taken in")


def _answer(git: Git, request: Integration, merged: str | None, moved: Moved) -> Merged | AlreadyIn:
    if merged is not None:
        return Merged(merged, moved.note)
    branch = refs.tip(git, request.branch)
    where = refs.pending(git, request.run) or refs.tip(git, request.target)
    return AlreadyIn(merge.of_branch(git, request.branch, branch, where) or where, moved.note)


def _in_spite_of(
    git: Git, request: Integration, against: Conflict | Red, merged: str | None
) -> Merged | AlreadyIn | Conflict | Red:
    """Return what is against it, unless the branch was taken in before and it is the target that went another way."""
    pending = refs.pending(git, request.run)
    branch = refs.tip(git, request.branch)
    if pending is None or merge.of_branch(git, request.branch, branch, pending) is None:
        return against
    if isinstance(against, Conflict):
        files = ", ".join(visible(each, 80) for each in against.files[:3])
        why = f"it stays behind: its own changes conflict with what was integrated ({files})"
    else:
        why = f"it stays behind: with its own changes the check does not pass ({against.error})"
    note = f"{visible(request.target)}: {why}; `git merge {refs.integrated(request.run)}` there brings them together"
    return _answer(git, request, merged, Moved(done=False, note=note))
