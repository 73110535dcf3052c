"""Where agents work: each in a working tree of its own, all in the user's checkout, or in a folder without git.

In one place together they are told apart by the paths that their tracks declare, or they go one after the other.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from orchestrator.core import paths
from orchestrator.core.run import Options, Validator
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.errors import NotIndependent, UsageError

NO_BRANCH: Final = "no branch"
"""What stands for the branch of a run without git; no branch of git's can be called that."""

_WAYS_OUT: Final = "`--agents 1` carries one after the other, `--isolation worktree` gives each a working tree"


def together(options: Options) -> bool:
    """Tell whether the agents of a run work in one place."""
    return options.git.isolation != "worktree"


def settled(options: Options) -> Options:
    """Return the options that follow from where agents work.

    With one slot, a track that was begun in a common place is over before the next begins. History in the user's
    checkout is a line, with one commit a track unless it is set otherwise; no conflict is put into their files. Without
    git nothing is published.
    """
    if not together(options):
        return options
    strategy = "squash" if options.git.strategy == "merge" else options.git.strategy
    git = replace(options.git, strategy=strategy, resolve=False)
    batch_size = 1 if options.agents == 1 else options.batch_size
    found = replace(options, git=git, batch_size=batch_size)
    if git.isolation == "shared":
        return found
    return replace(found, push=False, gates=tuple(each for each in options.gates if each != "push"))


def refusal(tracks: Sequence[Track], options: Options) -> NotIndependent | None:
    """Return why these tracks cannot be worked on side by side in one place; None where they can."""
    if not together(options) or options.agents == 1 or len(tracks) == 1:
        return None
    bare = next((each for each in tracks if not each.paths), None)
    if bare is not None:
        why = f"{bare.track} (line {bare.line}) names no paths, so nothing keeps the others off its files"
        return NotIndependent(why, hint=f"name its paths in the source; or: {_WAYS_OUT}")
    rows = [paths.reaches(each.paths) for each in tracks]
    for first, mask in enumerate(paths.clashes(rows)):
        if mask:
            second = (mask & -mask).bit_length() - 1
            path = visible(paths.overlap(rows[first], rows[second]) or "", 120)
            why = f"{tracks[first].track} and {tracks[second].track} both work on {path}, in one place"
            return NotIndependent(why, hint=f"part their paths; or: {_WAYS_OUT}")
    return None


def check(options: Options, validators: Sequence[Validator]) -> None:
    """Raise :class:`UsageError` for what is asked for and cannot be had where agents work."""
    kind = options.git.isolation
    diff = next((each for each in validators if each.kind == "diff" and each.after != "run"), None)
    whole = next((each for each in validators if each.after == "run"), None)
    for is_wrong, what in (
        (kind == "shared" and diff is not None and options.agents > 1, "a diff validator sees the work of all agents"),
        (kind == "none" and diff is not None, "a diff validator needs git"),
        (kind == "none" and whole is not None, "a validator after the run needs git: it judges what was merged"),
        (kind == "none" and bool(options.git.check), "[git] check needs git: it judges a merge"),
    ):
        if is_wrong:
            raise UsageError(f"isolation {kind}: {what}", hint="leave it out, or use `--isolation worktree`")
