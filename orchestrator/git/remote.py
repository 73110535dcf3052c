"""The repository that a branch is pushed to: asked, fetched from, pushed to. None of its questions is answered.

It may be slow, loud or hostile: each call has a deadline, what it prints is bounded, and nothing that is shown of it
holds a password of its address. What works without anybody there works here too: keys of an agent, credential helpers,
a program in ``GIT_ASKPASS`` that knows the answer. One that wants to open a window finds no display.
"""

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from orchestrator.core.text import visible
from orchestrator.errors import CommandFailed, GitRefused
from orchestrator.git import credentials, refs, ssh
from orchestrator.git.command import Git, environment, not_ended, redact, refusal, with_settings
from orchestrator.git.repository import Repository
from orchestrator.host import bounded
from orchestrator.host.bounded import Bounds, never
from orchestrator.host.process import Finished

ASK_SECONDS: Final = 60.0
"""How long the remote may take to say what it has."""

# This one branch and nothing else: an agent may have made tags.
_PUSH: Final = ("--porcelain", "--no-follow-tags", "--no-force", "--no-progress")
# Into a ref of ours and nothing else, whatever the settings say of this remote.
_FETCH: Final = (
    *("--quiet", "--no-progress", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-prune"),
    *("--no-auto-maintenance", "--refmap="),
)

_ASKS_PEOPLE: Final = ("SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY", "VSCODE_GIT_IPC_HANDLE")
_SSH: Final = "-o BatchMode=yes -o ConnectTimeout=30"

_USER_IN_URL: Final = re.compile(r"(https?)?://([^/\s?#]*)@")
_SHORTEST_TOKEN: Final = 8
_ALIAS: Final = "orchd-push"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a remote is spoken with. Times are seconds; ``stop`` tells that nobody waits for it any more.

    ``marks`` are in the environment of all that is started for it; without ``hooks`` the user's are not run.
    """

    ask_seconds: float = ASK_SECONDS
    push_seconds: float = 1800.0
    hooks: bool = True
    stop: Callable[[], bool] = never
    marks: Mapping[str, str] = field(default_factory=dict)


class Remote:
    """Where a branch is pushed to. ``name`` is how git knows it, ``branch`` what the branch is called there."""

    def __init__(self, repo: Repository, name: str, terms: Terms) -> None:
        self.name = name
        self.branch = repo.upstream_branch
        self._git = Git(repo.top, hooks=terms.hooks)
        self._terms = terms
        there, named = _addresses(self._git, name)
        self._secrets = _secrets(name, *there)
        self._env = {**_unattended(self._git), **terms.marks}
        self._asked = self._pushed = name
        if not named or there[:1] != there[1:2]:
            # What is asked is where it is pushed to; an address with a password in it is no argument.
            self._env |= with_settings(self._env, {f"remote.{_ALIAS}.url": there[1]})
            self._asked, self._pushed = _ALIAS, name if named else _ALIAS

    def tip(self) -> str:
        """Return the commit that the branch has there; empty where there is none. Raises :class:`GitRefused`."""
        ended = self._run(self._terms.ask_seconds, "ls-remote", "--", self._asked, refs.head(self.branch))
        if ended.status != 0:
            raise self.refusal(ended)
        rows = os.fsdecode(ended.stdout).splitlines()
        return next((row.partition("\t")[0] for row in rows if row.endswith(f"\t{refs.head(self.branch)}")), "")

    def holds(self, commit: str, theirs: str | None = None) -> bool:
        """Tell whether the branch holds a commit there, as far as git knows what it has: ``theirs``, or its tip."""
        theirs = self.tip() if theirs is None else theirs
        return theirs == commit or (self._knows(theirs) and refs.is_ancestor(self._git, commit, theirs))

    def dropped(self, commit: str, theirs: str) -> bool:
        """Tell whether a push of ``commit`` onto ``theirs`` would bring back what the branch once had there."""
        seen = refs.resolve(self._git, f"refs/remotes/{self.name}/{self.branch}")
        if seen in {None, theirs} or not self._knows(theirs):
            return False
        common = self._git.run("merge-base", "--all", seen, commit).text().split()
        return bool(self._git.out("rev-list", "--max-count=1", f"^{theirs}", *common, "--"))

    def _knows(self, theirs: str) -> bool:
        return bool(theirs) and refs.resolve(self._git, theirs) is not None

    def fetch(self, into: str) -> str | None:
        """Have the ref ``into`` stand on what the branch is there; return that, None where there is no such branch."""
        if not self.tip():
            return None
        wanted = f"+{refs.head(self.branch)}:{into}"
        ended = self._run(self._terms.push_seconds, "fetch", *_FETCH, "--", self._asked, wanted)
        if ended.status != 0:
            raise self.refusal(ended)
        return refs.resolve(self._git, into)

    def push(self, commit: str) -> Finished:
        """Push a commit to the branch, without force; return how git ended."""
        wanted = f"{commit}:{refs.head(self.branch)}"
        return self._run(self._terms.push_seconds, "push", *_PUSH, "--", self._pushed, wanted)

    def has_hook(self) -> bool:
        """Tell whether the user has a say in what is pushed."""
        if not self._terms.hooks:
            return False
        path = self._git.run("rev-parse", "--path-format=absolute", "--git-path", "hooks/pre-push").text()
        return os.access(path, os.X_OK)

    def safe(self, text: str) -> str:
        """Return text without the passwords of the addresses."""
        for each in self._secrets:
            text = text.replace(each, "***")
        return redact(text)

    def refusal(self, ended: Finished) -> GitRefused:
        """Return the error for a command that ended badly."""
        return self._safe(refusal(ended))

    def _safe(self, error: GitRefused) -> GitRefused:
        out, err = self.safe(error.stdout), self.safe(error.stderr)
        return GitRefused(self.safe(error.message), hint=error.hint, status=error.status, stdout=out, stderr=err)

    def _run(self, seconds: float, *args: str) -> Finished:
        bounds = Bounds(seconds, self._terms.stop)
        try:
            return bounded.run(self._git.argv(*args), cwd=self._git.folder, env=self._env, bounds=bounds)
        except CommandFailed as error:
            raise self._safe(not_ended(args[:1], error)) from error


def by_hand(remote: str, commit: str, branch: str) -> str:
    """Return the command that pushes a commit to a branch of a remote."""
    return shlex.join(("git", "push", visible(redact(remote)), f"{commit}:{refs.head(branch)}"))


def _addresses(git: Git, name: str) -> tuple[list[str], bool]:
    """Return where a remote is fetched from and where it is pushed to; and whether ``name`` is no address itself."""
    asked = [git.run("remote", "get-url", *words, "--", name) for words in ((), ("--push",))]
    if any(each.status != 0 for each in asked):
        return [name, name], False
    return [each.text().partition("\n")[0] for each in asked], True


def _secrets(*addresses: str) -> tuple[str, ...]:
    """Return the passwords of addresses, the long ones first, as they are written there and as they are.

    Alone and long, a name is a token that stands where the name should; ``git`` before a host is none.
    """
    found = set()
    for http, user in (match for each in addresses for match in _USER_IN_URL.findall(each)):
        name, _, password = user.partition(":")
        token = password or (name if http and len(name) >= _SHORTEST_TOKEN else "")
        found |= {token, unquote(token)}
    return tuple(sorted(found - {""}, key=len, reverse=True))


def _unattended(git: Git) -> dict[str, str]:
    """Return an environment in which nothing asks a person."""
    given = environment(os.environ, credentials.unasked())
    env = {key: value for key, value in given.items() if key not in _ASKS_PEOPLE}
    plain = ssh.command(git, env)
    return {**env, "GIT_SSH_COMMAND": f"{plain.text} {_SSH}"} if plain is not None else env
