"""A checkout of what a run has merged, to be looked at by those who judge it, and nobody's work."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.git import worktree
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository, guarded
from orchestrator.git.worktree import SECONDS, WAIT
from orchestrator.host import folders


@contextmanager
def of_commit(repo: Repository, path: str, commit: str) -> Iterator[str]:
    """Have a checkout of ``commit``, on no branch, at ``path`` for the block.

    Whatever is written in it goes with it; what a crash left there is removed first. Raises ``GitRefused``.
    """
    git = Git(repo.top, SECONDS, hooks=False)
    with guarded(repo, "worktrees", WAIT):
        _remove(repo, git, path)
        git.out("worktree", "add", "--quiet", "--detach", "--", path, commit)
    try:
        yield path
    finally:
        with guarded(repo, "worktrees", WAIT):
            _remove(repo, git, path)


def move(repo: Repository, path: str, commit: str) -> bool:
    """Have a checkout at ``path`` stand on ``commit``, on no branch; tell whether it had to be made.

    What was changed there goes; what git ignores there stays. Raises ``GitRefused``.
    """
    git = Git(repo.top, SECONDS, hooks=False)
    with guarded(repo, "worktrees", WAIT):
        if _is_ours(repo, path):
            inside = Git(path, SECONDS, hooks=False)
            moved = inside.run("checkout", "--force", "--detach", "--quiet", commit).status == 0
            if moved and inside.run("clean", "-ffdq").status == 0:
                return False
        _remove(repo, git, path)
        git.out("worktree", "add", "--quiet", "--detach", "--", path, commit)
    return True


def discard(repo: Repository, path: str) -> None:
    """Remove the checkout at ``path`` with all that is in it; one that is not there is no fault."""
    with guarded(repo, "worktrees", WAIT):
        _remove(repo, Git(repo.top, SECONDS, hooks=False), path)


def _is_ours(repo: Repository, path: str) -> bool:
    """Tell whether git takes ``path`` for a linked worktree, and nothing around it for the checkout that is meant."""
    if not os.path.isfile(f"{path}/.git"):
        return False
    told = Git(path, hooks=False).run("rev-parse", "--show-prefix", "--absolute-git-dir")
    return told.status == 0 and os.fsdecode(told.stdout).startswith(f"\n{os.path.realpath(repo.common_dir)}/worktrees/")


def _remove(repo: Repository, git: Git, path: str) -> None:
    """Remove the checkout, even one that was left half-made or broken; one that is not there is no fault.

    What git does not know as a worktree stays.
    """
    words = ("worktree", "remove", "--force", "--force", "--", path)
    git.run(*words)
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    if os.path.lexists(path) and any(each.path == real for each in worktree.list(repo)):
        folders.remove(path)
        git.run(*words)
