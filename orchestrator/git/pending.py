"""What former runs have merged and the user's branch does not hold, because something was in its way."""

from orchestrator.git import refs
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository


def pending(repo: Repository) -> tuple[str, ...]:
    """Return the refs of what runs have integrated and no branch of theirs was ever seen to hold.

    What the branch in question holds by now is not among them, nor what the user took out of it again.
    """
    git = Git(repo.top)
    told = git.out("for-each-ref", "--format=%(refname)", f"--no-merged={repo.head}", f"{refs.RUNS}/*/integrated")
    return tuple(ref for ref in told.splitlines() if refs.pending(git, _run_of(ref)) is not None)


def _run_of(integrated: str) -> str:
    return integrated.removeprefix(f"{refs.RUNS}/").partition("/")[0]
