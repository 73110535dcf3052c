"""A checkout for a moment: what a run has merged, to be looked at by those who judge it, and nobody's work."""

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.git.command import Git
from orchestrator.git.repository import Repository, guarded
from orchestrator.git.worktree import SECONDS, WAIT


@contextmanager
def of_commit(repo: Repository, path: str, commit: str) -> Iterator[str]:
    """Have a checkout of ``commit``, on no branch, at ``path`` for the block.

    Whatever is written in it goes with it; what a crash left there is removed first. Raises ``GitRefused``.
    """
    git = Git(repo.top, SECONDS, hooks=False)
    with guarded(repo, "worktrees", WAIT):
        _remove(git, path)
        git.out("worktree", "add", "--quiet", "--detach", "--", path, commit)
    try:
        yield path
    finally:
        with guarded(repo, "worktrees", WAIT):
            _remove(git, path)


def _remove(git: Git, path: str) -> None:
    """Remove the checkout, even one that was left half-made; one that is not there is no fault."""
    git.run("worktree", "remove", "--force", "--force", "--", path)
