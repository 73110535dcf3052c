"""Everything that `orchd auth` knows of a repository's remote, gathered once."""

import os
from dataclasses import dataclass
from typing import Final

from orchestrator.core import address as addresses
from orchestrator.core.address import Address
from orchestrator.core.text import visible
from orchestrator.errors import CommandFailed, NotFound
from orchestrator.git import auth, credentials, ssh
from orchestrator.git.auth import Answer, Remote
from orchestrator.git.command import Git
from orchestrator.git.credentials import Credentials
from orchestrator.git.ssh import Key, Settings
from orchestrator.host import account

SHORT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at: the remote's name (None: the usual one), for how long it may think (s), whether to try it."""

    remote: str | None
    seconds: float
    tried: bool


@dataclass(frozen=True, slots=True)
class Shell:
    """What ssh would do. ``settings`` None: it was not asked, or could not say, and ``why`` is the reason."""

    settings: Settings | None
    why: str
    keys: tuple[Key, ...]
    agent: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. ``remote`` None: there is none. ``answer`` None: nobody tried it."""

    remote: Remote | None
    address: Address
    ssh: Shell
    web: Credentials
    answer: Answer | None


def look(git: Git, wanted: Wanted) -> Look:
    """Look at everything. Raises :class:`NotFound` for a remote that is not there."""
    remote = auth.remote(git, wanted.remote)
    if remote is None and wanted.remote is not None:
        raise NotFound(f"no remote is called {visible(wanted.remote)}", hint="`git remote -v` shows them")
    address = addresses.parse(remote.push[0]) if remote is not None else Address("none")
    plain = ssh.command(git, os.environ)
    shell = _shell(plain, address)
    answer = None
    if remote is not None and wanted.tried:
        env = credentials.unasked()
        if plain is not None:
            env["GIT_SSH_COMMAND"] = ssh.quiet(plain, wanted.seconds)
        answer = auth.attempt(git, remote, env, wanted.seconds)
    return Look(remote, address, shell, credentials.look(git, address), answer)


def _shell(plain: ssh.Command | None, address: Address) -> Shell:
    """Ask ssh about the host of ``address``; where that is not reached by ssh, about nobody."""
    settings, why = None, ""
    home = account.home()
    if address.way == "ssh":
        try:
            if plain is None:
                why = "git is set to another program than plain ssh: its keys are its own"
            elif address.host:
                settings = ssh.settings(plain, address, home)
        except CommandFailed as error:
            why = error.message
    socket = settings.agent if settings is not None else os.environ.get("SSH_AUTH_SOCK", "")
    try:
        keys = ssh.keys(home, settings.files if settings is not None else ())
        return Shell(settings, why, tuple(keys), ssh.agent(socket))
    except CommandFailed as error:
        return Shell(settings, why or error.message, (), None)
