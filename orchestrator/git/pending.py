"""What former runs have merged and the user's branch does not hold, because something was in its way."""

from orchestrator.git import refs
from orchestrator.git.command import Git
from orchestrator.git.repository import Repository


def pending(repo: Repository) -> tuple[str, ...]:
    """Return the refs of what runs have integrated and no branch of theirs was ever seen to hold.

    What the branch in question holds by now is not among them, nor what the user took out of it again.
    """
    git = Git(repo.top)
    told = git.out(
        "for-each-ref", "--format=%(refname) %(objectname)", f"--no-merged={repo.head}", f"{refs.RUNS}/*/integrated"
    )
    found = dict(line.split(" ", 1) for line in told.splitlines())
    return tuple(ref for ref, commit in found.items() if commit != refs.resolve(git, _landed(ref)))


def _landed(integrated: str) -> str:
    return refs.landed(integrated.removeprefix(f"{refs.RUNS}/").partition("/")[0])
