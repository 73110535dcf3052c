"""A folder that was a worktree until git's own side of it was deleted: made one again, each file as it stands."""

import os

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import ignored, places, refs, worktree
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository, guarded
from orchestrator.host import files
from orchestrator.host.failpoint import reach


def is_orphan(path: str) -> bool:
    """Tell whether a folder says of no repository that it is its worktree, or of one where nothing is known of it."""
    if os.path.islink(path) or not os.path.isdir(path):
        return False
    own = places.own(path)
    if own is None:
        return not os.path.lexists(f"{path}/.git")
    return not os.path.lexists(places.linked(own) or own)


def adopt(repo: Repository, path: str, branch: str) -> None:
    """Make an orphaned folder a worktree again: on ``branch``, where there is one that nobody stands on.

    Else it stands on no branch. No file in it is touched but ``.git``; what was staged is not known any more.
    Raises :class:`GitRefused`.
    """
    git = Git(repo.top, worktree.SECONDS, hooks=False)
    aside = f"{repo.private}/adopted"
    with guarded(repo, "worktrees", worktree.WAIT):
        git.run("worktree", "repair", "--", path)  # the last step of all this, if nothing else is to be done
        if not is_orphan(path):
            return
        git.run("worktree", "remove", "--force", "--force", "--", aside)
        taken = {each.branch for each in worktree.list(repo)}
        tip = refs.resolve(git, refs.head(branch))
        git.out("worktree", "add", "--quiet", "--detach", "--no-checkout", "--", aside, tip or repo.head)
        inside = Git(aside, worktree.SECONDS, hooks=False)
        if tip is not None and branch not in taken:
            inside.out("symbolic-ref", "HEAD", refs.head(branch))
        inside.out("read-tree", "HEAD")
        ignored.remember(inside, unknown=True)
        reach("adopt.made")
        try:
            os.rename(f"{aside}/.git", f"{path}/.git")
            os.rmdir(aside)
        except OSError as error:
            raise files.failure(error, f"{visible(path)} cannot be made a worktree again") from error
        reach("adopt.moved")
        git.out("worktree", "repair", "--", path)
    if is_orphan(path):
        raise GitRefused(f"{visible(path)} is not a worktree any more", hint="move what is in it aside")
