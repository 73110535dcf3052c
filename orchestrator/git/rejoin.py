"""When the remote has moved on: what a run has merged, brought together with what is there by now, to be pushed.

Made of objects, checked, recorded under ``refs/orchd/runs/<run>``, and only then does the target move, as it ever
does. Each step may be the last one before a crash: called again, it goes on from what is there, or does it anew.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.core.listing import some
from orchestrator.core.run import GitOptions
from orchestrator.core.text import visible
from orchestrator.git import author, leftover, merge, message, refs, replay
from orchestrator.git.command import Git
from orchestrator.git.integrate import WAIT, Red
from orchestrator.git.repository import Repository, guarded
from orchestrator.git.target import advance
from orchestrator.host.failpoint import reach


@dataclass(frozen=True, slots=True)
class Lines:
    """A file in which both sides mark lines. ``settle`` gets it as it was, as we have it and as they have it.

    It returns what has the lines of both; None where more than marks are in each other's way.
    """

    path: str
    settle: Callable[[bytes, bytes, bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class Joining:
    """What is to be brought together, how, and what has to pass before it counts; ``remote`` is safe to show."""

    run: str
    remote: str
    options: GitOptions
    check: Callable[[str], Red | None] | None = None
    lines: Lines | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """``commit`` has both sides. ``note``: what a person should know, as where the target stays behind."""

    commit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Apart:
    """They do not come together, and nothing has changed; ``output`` is the end of what the check printed."""

    reason: str
    output: tuple[str, ...] = ()


def due(repo: Repository, run: str) -> str:
    """Return the commit to push: what the run integrated, unless the user took it out of the target again."""
    git = Git(repo.top)
    pending = refs.pending(git, run)
    if pending is not None:
        return pending
    there = refs.tip(git, repo.branch)
    landed = refs.resolve(git, refs.integrated(run))
    return there if landed is None or not refs.is_ancestor(git, landed, there) else landed


def join(repo: Repository, joining: Joining, theirs: str) -> Joined | Apart:
    """Bring what is due together with ``theirs``. Raises ``GitRefused`` and ``GuardBusy``; then nothing has changed.

    By the run's strategy: a merge, or its commits made anew on ``theirs`` where there are no merges among them. What a
    person has brought together in the target meanwhile, as after a conflict, is taken as it is.
    """
    git = Git(repo.top, hooks=False)
    with guarded(repo, "integrate", WAIT):
        _clear(repo, joining.run)
        ours = due(repo, joining.run)
        if refs.is_ancestor(git, theirs, ours) or refs.is_ancestor(git, ours, theirs):
            return Joined(ours)
        made, anew = _together(repo, git, joining, theirs, ours)
        if isinstance(made, Apart):
            return made
        reach("publication.joined")
        red = joining.check(made) if joining.check is not None and made != theirs else None
        if red is not None:
            return Apart(f"together with what {joining.remote} has got meanwhile: {red.error}", red.output)
        reach("publication.checked")
        if anew and refs.is_ancestor(git, ours, refs.tip(git, repo.branch)):
            return _beside(repo, git, joining, made)
        return _ahead(repo, git, joining, made)


def _together(repo: Repository, git: Git, joining: Joining, theirs: str, ours: str) -> tuple[str | Apart, bool]:
    """Return what has both sides, or why nothing has; and whether our commits were made anew for it."""
    by_hand = _by_hand(git, ours, theirs, refs.tip(git, repo.branch))
    if by_hand is not None:
        return by_hand, False
    if joining.options.strategy != "merge" and not git.out("rev-list", "--merges", f"{theirs}..{ours}"):
        return _replayed(git, joining, theirs, ours), True
    return _merged(repo, git, joining, theirs, ours), False


def _by_hand(git: Git, ours: str, theirs: str, tip: str) -> str | None:
    """Return the first commit of the target in which a person brought both together, None where nobody did."""
    if not (refs.is_ancestor(git, ours, tip) and refs.is_ancestor(git, theirs, tip)):
        return None
    since = git.out("rev-list", "--first-parent", "--reverse", tip, f"^{ours}", f"^{theirs}").splitlines()
    return next((each for each in since if all(refs.is_ancestor(git, one, each) for one in (ours, theirs))), tip)


def settle(repo: Repository, joining: Joining) -> str:
    """Finish what a crash left of joining: the target moves to what was recorded. Return why it stays, or nothing."""
    git = Git(repo.top, hooks=False)
    _clear(repo, joining.run)
    if refs.resolve(git, refs.theirs(joining.run)) is None:
        return ""
    with guarded(repo, "integrate", WAIT):
        pending = refs.pending(git, joining.run)
        return _ahead(repo, git, joining, pending).note if pending is not None else ""


def _clear(repo: Repository, run: str) -> None:
    """Remove the locks that a killed git left on our refs."""
    names = (refs.integrated, refs.landed, refs.published, refs.theirs)
    leftover.clear(repo.top, [f"{repo.common_dir}/{each(run)}.lock" for each in names])


def tidy(repo: Repository, run: str) -> None:
    """Forget what the remote had: by now it has ours, too."""
    git = Git(repo.top, hooks=False)
    if refs.resolve(git, refs.theirs(run)) is not None:
        git.out("update-ref", "-d", refs.theirs(run))


def _ahead(repo: Repository, git: Git, joining: Joining, commit: str) -> Joined:
    """Record a commit as what is integrated, and have the target follow."""
    ref, landed = refs.integrated(joining.run), refs.landed(joining.run)
    before, seen = refs.resolve_all(git, ref, landed)
    if before != commit:
        refs.update(git, ref, commit, before, "took in what the remote had got")
    reach("publication.recorded")
    moved = advance(repo, repo.branch, commit, ref)
    reach("publication.moved")
    if moved.done:
        refs.update(git, landed, commit, seen, "the target holds it")
    return Joined(commit, moved.note)


def _beside(repo: Repository, git: Git, joining: Joining, commit: str) -> Joined:
    """Record commits that stand for those which the target has: it moves only forward, so that it keeps its own."""
    ref = refs.published(joining.run)
    refs.update(git, ref, commit, refs.resolve(git, ref), "made anew on what the remote had got")
    reach("publication.recorded")
    here, there = visible(repo.branch), shlex.join((joining.remote, visible(repo.upstream_branch)))
    return Joined(commit, f"{here} here has them as they were; `git pull --rebase {there}` makes it what was pushed")


def _merged(repo: Repository, git: Git, joining: Joining, theirs: str, ours: str) -> str | Apart:
    """Return the merge of both, as they would make it: ours comes in onto theirs."""
    tree = _tree(git, joining, (theirs, ours), (merge.parting(git, theirs, ours), ours, theirs))
    if isinstance(tree, Apart):
        return tree
    text = message.of_catching_up(joining.remote, repo.upstream_branch, {"Orchd-Run": joining.run})
    return merge.commit(git, tree, (theirs, ours), text, author.maker(git, joining.options))


def _replayed(git: Git, joining: Joining, theirs: str, ours: str) -> str | Apart:
    """Return the last of our commits, made anew on theirs; what they have already is left out."""
    by, onto = author.maker(git, joining.options), theirs
    for commit in git.out("rev-list", "--reverse", "--topo-order", f"{theirs}..{ours}").splitlines():
        parent = git.out("rev-parse", f"{commit}^")
        tree = _tree(git, joining, (replay.standing(git, onto, parent, by), commit), (parent, commit, onto))
        if isinstance(tree, Apart):
            return tree
        if tree != git.out("rev-parse", f"{onto}^{{tree}}"):
            onto = replay.anew(git, (tree, onto), commit, by)
    return onto


def _tree(git: Git, joining: Joining, merged: tuple[str, str], sides: tuple[str, str, str]) -> str | Apart:
    """Return the tree of a merge. ``sides`` are the commits with the base of it, our side and theirs."""
    tree, files = merge.tree_of(git, *merged)
    lines = joining.lines
    if not files:
        return tree
    if lines is not None and files == (lines.path,):
        texts = [_bytes(git, each, lines.path) for each in sides]
        settled = lines.settle(*texts) if all(texts) else None
        if settled is not None:
            return merge.edited(git, tree, sides[2], lines.path, lambda _: settled)[0]
    return Apart(f"{joining.remote} has moved on, and what was merged is in conflict with that in {some(files, 5)}")


def _bytes(git: Git, commit: str, path: str) -> bytes:
    """Return a file of a commit; nothing where it has none."""
    return merge.content(git, commit, path) or b"" if commit else b""
