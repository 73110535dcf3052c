"""Which remote a repository publishes to, and whether it lets us: asked of git, with nobody to ask back."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core import remote_trouble
from orchestrator.errors import GitRefused
from orchestrator.git import refs, repository
from orchestrator.git.command import Git, complaint, redact
from orchestrator.host.process import Finished

# Nothing is sent, no hook of ours runs, nothing but this one branch is spoken of.
_TRY: Final = ("--dry-run", "--porcelain", "--no-verify", "--no-follow-tags", "--no-force", "--no-progress")
_SILENT: Final = ("--recurse-submodules=no", "--signed=no")

# git has its helpers keep a password that worked, and forget one that did not: a try does neither. They are asked
# through this one, by a git that does not know of it.
_ASKS_ONLY: Final = '!f() { test "$1" != get || GIT_CONFIG_PARAMETERS= git credential fill; }; f'
_HELPERS: Final = ("-c", "credential.helper=", "-c", f"credential.helper={_ASKS_ONLY}")
_PROBE: Final = "refs/heads/orchd-auth-probe"


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote: its name, and its addresses as git uses them, which may hold passwords."""

    name: str
    fetch: str
    push: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a remote let us do. None: not tried.

    ``trouble`` is of the kinds of :mod:`orchestrator.core.remote_trouble`, empty for none; ``said`` is git's line.
    """

    reads: bool | None
    pushes: bool | None
    trouble: str = ""
    said: str = ""


def remote(git: Git, name: str | None) -> Remote | None:
    """Return the remote ``name``; without it, the one that the present branch is pushed to. None: there is none."""
    chosen = name or _chosen(git)
    if chosen is None:
        return None
    fetch = git.run("remote", "get-url", "--", chosen)
    if fetch.status != 0:
        return None if name else Remote(chosen, chosen, (chosen,))  # an address in the place of a name
    push = git.out("remote", "get-url", "--push", "--all", "--", chosen).splitlines()
    return Remote(chosen, fetch.text(), tuple(push) or (fetch.text(),))


def _chosen(git: Git) -> str | None:
    branch = git.run("symbolic-ref", "--quiet", "--short", "HEAD").text()
    keys = (f"branch.{branch}.pushRemote", "remote.pushDefault", f"branch.{branch}.remote")
    said = (git.run("config", "--get", key).text() for key in keys)
    return next((each for each in said if each and each != "."), None) or repository.usual_remote(git)


def attempt(git: Git, there: Remote, env: Mapping[str, str], seconds: float) -> Answer:
    """Read from the remote and try a push that sends nothing; each within ``seconds``.

    ``env`` says how ssh is called and that nobody is asked. A push that is only behind is allowed all the same.
    """
    quick = Git(git.folder, seconds)
    read = _tried(quick, env, "ls-remote", "--quiet", "--", there.name, "HEAD")
    if isinstance(read, Answer):
        return read
    commit = refs.resolve(git, "HEAD")
    if commit is None:
        return Answer(reads=True, pushes=None)
    pushed = _tried(quick, env, "push", *_TRY, *_SILENT, "--", there.name, f"{commit}:{_PROBE}")
    if isinstance(pushed, Answer):
        return Answer(reads=True, pushes=False, trouble=pushed.trouble, said=pushed.said)
    return Answer(reads=True, pushes=True)


def _tried(git: Git, env: Mapping[str, str], *words: str) -> Finished | Answer:
    try:
        ended = git.run(*_HELPERS, *words, env=env)
    except GitRefused as error:
        said = error.message.rpartition(": ")[2]
        return _answer(said, said)
    return ended if ended.status == 0 else _answer(redact(os.fsdecode(ended.stderr)), complaint(ended))


def _answer(said: str, complaint: str) -> Answer:
    trouble, line = remote_trouble.read(said)
    return Answer(reads=False, pushes=None, trouble=trouble, said=line or complaint)
