"""Publication: one push of what a run has integrated. Never forced; a failure leaves everything safe at home."""

import hashlib
import os
import shlex
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import first_line, visible
from orchestrator.errors import GitRefused
from orchestrator.git import refs
from orchestrator.git.command import Git, complaint, redact
from orchestrator.git.repository import Repository
from orchestrator.host.failpoint import reach
from orchestrator.host.process import Finished

ASK_SECONDS: Final = 60.0
"""How long the remote may take to say what it has."""

PUSH_SECONDS: Final = 1800.0
"""How long a push may take."""

# This one branch and nothing else: an agent may have made tags.
_OPTIONS: Final = ("--porcelain", "--no-follow-tags", "--no-force", "--no-progress")
_REMOTE_SAYS: Final = "remote: "


@dataclass(frozen=True, slots=True)
class Published:
    """The remote's branch holds ``commit``; ``already``: it did so before, and nothing was pushed."""

    commit: str
    already: bool


@dataclass(frozen=True, slots=True)
class PushFailed:
    """It is not published. ``reason`` in one line; ``command`` does it by hand (empty: there is none)."""

    reason: str
    command: str


def destination(repo: Repository) -> str:
    """Return a digest of where a push of the branch goes: remote, addresses, and its name there; empty for nowhere.

    The settings belong to all worktrees, so an agent may have changed them. Addresses may hold passwords.
    """
    if repo.remote is None:
        return ""
    named = Git(repo.top).run("remote", "get-url", "--push", "--all", "--", repo.remote)
    where = (repo.remote, repo.upstream_branch, named.text())
    return hashlib.sha256("\0".join(where).encode("utf-8", "surrogateescape")).hexdigest()


def publish(repo: Repository, run: str) -> Published | PushFailed:
    """Push what ``run`` has integrated into the repository's branch to its remote, under the name it has there.

    Done twice, the second finds it there. Raises :class:`GitRefused` only where the repository itself is
    at fault; whatever the remote does is an answer.
    """
    git = Git(repo.top, ASK_SECONDS)
    commit = due(repo, run)
    remote, there = repo.remote, repo.upstream_branch
    if remote is None:
        return PushFailed("there is no remote to push to", "git remote add origin ADDRESS")
    by_hand = shlex.join(("git", "push", visible(redact(remote)), f"{commit}:{refs.head(there)}"))
    try:
        if _holds(git, remote, there, commit):
            return Published(commit, already=True)
        pushed = Git(repo.top, PUSH_SECONDS).run("push", *_OPTIONS, "--", remote, f"{commit}:{refs.head(there)}")
    except GitRefused as error:
        told = first_line(error.stderr)
        more = f" ({told})" if told and not told.startswith(("fatal: ", "error: ")) else ""
        return PushFailed(f"{error.message}{more}", by_hand)
    if pushed.status == 0:
        reach("publish.pushed")
        return Published(commit, already=False)
    reason, behind = _reason(pushed)
    name = shlex.quote(visible(redact(remote)))
    mend = f"git pull --no-rebase {name} {shlex.quote(there)} && git push {name} HEAD:{shlex.quote(there)}"
    return PushFailed(reason, mend if behind else by_hand)


def due(repo: Repository, run: str) -> str:
    """Return the commit to push: what the run integrated, unless the user took it out of the target again."""
    git = Git(repo.top)
    pending = refs.pending(git, run)
    if pending is not None:
        return pending
    there = refs.tip(git, repo.branch)
    landed = refs.resolve(git, refs.integrated(run))
    return there if landed is None or not refs.is_ancestor(git, landed, there) else landed


def _holds(git: Git, remote: str, branch: str, commit: str) -> bool:
    """Ask the remote whether its branch holds the commit already."""
    told = git.out("ls-remote", "--", remote, refs.head(branch)).split("\n")
    theirs = next((line.partition("\t")[0] for line in told if line.endswith(f"\t{refs.head(branch)}")), "")
    return theirs == commit or (
        bool(theirs) and refs.resolve(git, theirs) is not None and refs.is_ancestor(git, commit, theirs)
    )


def _reason(pushed: Finished) -> tuple[str, bool]:
    """Return why a push failed, and whether it is because the remote has moved on."""
    rows = [os.fsdecode(line).split("\t") for line in pushed.stdout.splitlines() if line.startswith(b"!")]
    if not rows:
        return complaint(pushed), False
    refused = visible(rows[0][-1])
    lines = pushed.stderr.decode("utf-8", "backslashreplace").splitlines()
    said = [line.removeprefix(_REMOTE_SAYS) for line in lines if line.startswith(_REMOTE_SAYS)]
    told = visible(redact(first_line("\n".join(said))))
    behind = "non-fast-forward" in refused or "fetch first" in refused
    return f"the remote refused: {refused}{f': {told}' if told else ''}", behind
