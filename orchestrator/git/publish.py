"""Publication: what a run has integrated is pushed, never forced; a failure leaves everything safe at home.

Where the remote has moved on, both are brought together (:mod:`orchestrator.git.rejoin`) and pushed again, a few times
in all. Whatever the remote does is an answer: it is bounded, and nothing of what it says is shown raw.
"""

import hashlib
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.core import remote_trouble
from orchestrator.core.run import GitOptions
from orchestrator.core.text import first_line, visible
from orchestrator.errors import GitRefused
from orchestrator.git import refs, rejoin
from orchestrator.git.command import Git, complaint, redact
from orchestrator.git.integrate import Red
from orchestrator.git.rejoin import Apart, Joined, Joining, Lines, due
from orchestrator.git.remote import Remote, Terms, by_hand
from orchestrator.git.repository import Repository
from orchestrator.host.failpoint import reach
from orchestrator.host.process import Finished

TRIES: Final = 3
"""So often is pushed where the remote moves on in between."""

LINES: Final = 20
"""So many lines of what a remote or a hook printed are kept: the last ones."""

_WIDTH: Final = 300
_REMOTE_SAYS: Final = "remote: "
_MOVED_ON: Final = ("non-fast-forward", "fetch first", "cannot lock ref", "failed to update ref", "incorrect old value")
_FAILED: Final = "error: failed to push some refs"
_OF_AUTH: Final = frozenset(
    {
        *(remote_trouble.HOST_CHANGED, remote_trouble.HOST_UNKNOWN, remote_trouble.KEY_EXPOSED, remote_trouble.DENIED),
        *(remote_trouble.NO_LOGIN, remote_trouble.WRONG_LOGIN, remote_trouble.FORBIDDEN, remote_trouble.CERTIFICATE),
    }
)


@dataclass(frozen=True, slots=True)
class Publishing:
    """How a run is published: what brings both sides together, and what has to pass before that is pushed."""

    options: GitOptions = field(default_factory=GitOptions)
    check: Callable[[str], Red | None] | None = None
    lines: Lines | None = None
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True)
class Published:
    """The remote's branch holds ``commit``; ``already``: it did so before, and nothing was pushed.

    ``note`` says what a person should know of it, as where the target here lacks it.
    """

    commit: str
    already: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class PushFailed:
    """It is not published. ``reason`` in one line; ``command`` does it by hand (empty: there is none).

    ``output`` is the end of what the remote, a hook or the check printed. ``behind``: the remote has moved on.
    """

    reason: str
    command: str
    output: tuple[str, ...] = ()
    behind: bool = False


def destination(repo: Repository) -> str:
    """Return a digest of where a push of the branch goes: remote, addresses, and its name there; empty for nowhere.

    The settings belong to all worktrees, so an agent may have changed them. Addresses may hold passwords.
    """
    if repo.remote is None:
        return ""
    named = Git(repo.top).run("remote", "get-url", "--push", "--all", "--", repo.remote)
    where = (repo.remote, repo.upstream_branch, named.text())
    return hashlib.sha256("\0".join(where).encode("utf-8", "surrogateescape")).hexdigest()


def publish(repo: Repository, run: str, how: Publishing | None = None) -> Published | PushFailed:
    """Push what ``run`` has integrated into the repository's branch to its remote, under the name it has there.

    Done twice, the second finds it there. Raises :class:`GitRefused` where the repository itself is at fault,
    ``GuardBusy``, and what the check raises; whatever the remote does is an answer.
    """
    if repo.remote is None:
        return PushFailed("there is no remote to push to", "git remote add origin ADDRESS")
    how = how or Publishing()
    remote = Remote(repo, repo.remote, how.terms)
    joining = Joining(run, visible(redact(repo.remote)), how.options, how.check, how.lines)
    joined = Joined(due(repo, run), rejoin.settle(repo, joining))
    answer = _pushed(remote, joining, joined.commit)
    for _ in range(1, TRIES):
        if not (isinstance(answer, PushFailed) and answer.behind):
            break
        found = _caught_up(repo, remote, joining)
        if not isinstance(found, Joined):
            return found
        joined = found
        answer = _pushed(remote, joining, joined.commit)
    if isinstance(answer, Published):
        rejoin.tidy(repo, run)
        return replace(answer, note=joined.note)
    if answer.behind:
        reason = f"{joining.remote} has moved on each of {TRIES} times: {answer.reason}"
        return replace(answer, reason=reason, command=_pull(remote, joining))
    return answer


def _caught_up(repo: Repository, remote: Remote, joining: Joining) -> Joined | PushFailed:
    """Return what is to be pushed onto what the remote has by now."""
    seen = refs.resolve(Git(repo.top), f"refs/remotes/{remote.name}/{remote.branch}")
    try:
        theirs = remote.fetch(refs.theirs(joining.run))
    except GitRefused as error:
        told = f"{joining.remote} has moved on, and what it has cannot be fetched: {error.message}"
        return PushFailed(told, _pull(remote, joining), _lines(remote, error.stderr))
    reach("publication.fetched")
    if theirs is None:
        return Joined(due(repo, joining.run))
    if seen is not None and not refs.is_ancestor(Git(repo.top), seen, theirs):
        return _dropped(remote, joining)
    found = rejoin.join(repo, joining, theirs)
    return PushFailed(found.reason, _pull(remote, joining), found.output) if isinstance(found, Apart) else found


def _dropped(remote: Remote, joining: Joining) -> PushFailed:
    """Who took something out there did so on purpose, and ours still has it."""
    reason = f"{joining.remote} has dropped commits that it had: its history was written anew"
    return PushFailed(reason, _pull(remote, joining, "rebase"))


def _pull(remote: Remote, joining: Joining, how: str = "") -> str:
    """Return what a person does to bring both together, and to push that."""
    how = how or ("no-rebase" if joining.options.strategy == "merge" else "rebase")
    there = shlex.quote(visible(remote.branch))
    name = shlex.quote(joining.remote)
    return f"git pull --{how} {name} {there} && git push {name} HEAD:{there}"


def _pushed(remote: Remote, joining: Joining, commit: str) -> Published | PushFailed:
    """Push a commit once, unless it is there. Where it does not end well, the remote is asked whether it has it."""
    command = by_hand(remote.name, commit, remote.branch)
    try:
        theirs = remote.tip()
        if remote.holds(commit, theirs):
            return Published(commit, already=True)
        if remote.dropped(commit, theirs):
            return _dropped(remote, joining)
    except GitRefused as error:
        return PushFailed(_with_more(error), command, _lines(remote, error.stderr))
    reach("publication.asked")
    try:
        pushed = remote.push(commit)
    except GitRefused as error:
        failed = PushFailed(_with_more(error), command, _lines(remote, error.stderr))
    else:
        if pushed.status == 0:
            reach("publication.pushed")
            return Published(commit, already=False)
        failed = _failed(remote, pushed, command)
    return Published(commit, already=False) if not failed.behind and _has_it(remote, commit) else failed


def _has_it(remote: Remote, commit: str) -> bool:
    """Tell whether a push that did not end well was taken all the same."""
    try:
        return remote.holds(commit)
    except GitRefused:
        return False


def _failed(remote: Remote, pushed: Finished, command: str) -> PushFailed:
    """Return why a push failed, in the words of whoever was against it."""
    rows = [os.fsdecode(line).split("\t") for line in pushed.stdout.splitlines() if line.startswith(b"!")]
    told = pushed.stderr.decode("utf-8", "backslashreplace").splitlines()
    output = _lines(remote, "\n".join(told))
    if rows:
        refused = visible(remote.safe(rows[0][-1]), _WIDTH)
        said = first_line("\n".join(each.removeprefix(_REMOTE_SAYS) for each in told if each.startswith(_REMOTE_SAYS)))
        more = f": {visible(remote.safe(said), _WIDTH)}" if said else ""
        behind = any(each in refused for each in _MOVED_ON)
        return PushFailed(f"the remote refused: {refused}{more}", command, output, behind)
    if told and told[-1].startswith(_FAILED) and remote.has_hook():
        said = visible(remote.safe(first_line("\n".join(told[:-1]))), _WIDTH)
        return PushFailed(f"the hook pre-push refused{f': {said}' if said else ' without a word'}", command, output)
    return PushFailed(_advised(remote.safe(complaint(pushed)), "\n".join(told)), command, output)


def _with_more(error: GitRefused) -> str:
    told = first_line(error.stderr)
    more = visible(told, _WIDTH) if told and not told.startswith(("fatal: ", "error: ")) else ""
    return _advised(f"{error.message} ({more})" if more else error.message, error.stderr)


def _advised(reason: str, said: str) -> str:
    """Return a reason with what helps, where it is one that a look at keys and passwords explains."""
    return f"{reason}; `orchd auth` says what is missing" if remote_trouble.read(said)[0] in _OF_AUTH else reason


def _lines(remote: Remote, text: str) -> tuple[str, ...]:
    """Return the end of what was printed, safe to show."""
    told = (each.expandtabs().rstrip() for each in remote.safe(text).splitlines())
    return tuple(visible(each, _WIDTH) for each in told if each and not each.startswith("hint: "))[-LINES:]
