"""Passwords and tokens for a remote on the web: who has one. Which it is, nobody is told, and it is kept nowhere."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.address import Address
from orchestrator.core.text import visible
from orchestrator.errors import CommandFailed, GitRefused
from orchestrator.git.command import Git, environment
from orchestrator.host import process

SECONDS: Final = 15.0
VARIABLES: Final = ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")

# Helpers that would open a window, and programs that ask a person, have nobody here. A GIT_ASKPASS of the user's
# own may be a script that knows the answer: it stays.
_NOBODY: Final[Mapping[str, str]] = {"GCM_INTERACTIVE": "never", "SSH_ASKPASS_REQUIRE": "never"}
_PASSWORD: Final = re.compile(rb"^password=.", re.MULTILINE)
_PROGRAM: Final = re.compile(r"!?\s*[\"']?(?:[\w./~-]*/)?([\w.-]{1,60})[\"']?(?:\s|\Z)")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who has a password or token. ``gh``: the GitHub CLI (None: it is not installed). ``git``: a helper of git's.

    ``helpers`` are the programs that git is set to ask, ``variables`` the usual ones that are set.
    """

    git: bool
    helpers: tuple[str, ...]
    gh: bool | None
    variables: tuple[str, ...]


def look(git: Git, address: Address) -> Credentials:
    """Ask git's helpers and the GitHub CLI about the host of ``address``. Nobody is prompted."""
    variables = tuple(name for name in VARIABLES if os.environ.get(name))
    return Credentials(_filled(git, address), _helpers(git), _gh(address.host), variables)


def unasked() -> dict[str, str]:
    """Return what keeps git from asking a person, on top of our environment."""
    return {**_NOBODY, "GIT_ASKPASS": os.environ.get("GIT_ASKPASS", "")}


def _filled(git: Git, address: Address) -> bool:
    """Tell whether git finds a password by itself; what it is goes no further than this function."""
    if address.way not in {"http", "https"} or not address.host:
        return False
    words = {"protocol": address.way, "host": address.site.partition("://")[2]}
    if address.user and not address.secret:
        words["username"] = address.user
    told = "".join(f"{name}={value}\n" for name, value in words.items())
    quiet = Git(git.folder, SECONDS)
    try:
        ended = quiet.run(
            "-c", "credential.interactive=false", "credential", "fill", stdin=f"{told}\n".encode(), env=unasked()
        )
    except GitRefused:  # a helper that does not answer
        return False
    return ended.status == 0 and _PASSWORD.search(ended.stdout) is not None


def _helpers(git: Git) -> tuple[str, ...]:
    """Return the names of the helpers; what else stands in their command lines may be a secret."""
    found = git.run("config", "--null", "--get-regexp", r"^credential\.(.*\.)?helper$")
    values = (os.fsdecode(each).partition("\n")[2] for each in found.stdout.split(b"\0"))
    return tuple(dict.fromkeys(_name(value) for value in values if value.strip()))


def _name(helper: str) -> str:
    program = _PROGRAM.match(helper)
    return visible(program[1]) if program else "a command of your own"


def _gh(host: str) -> bool | None:
    """Tell whether the GitHub CLI has a token for ``host``."""
    try:
        ended = process.run(
            ("gh", "auth", "token", "--hostname", host or "github.com"),
            cwd="/",
            env=environment(os.environ, {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1"}),
            timeout=SECONDS,
        )
    except CommandFailed as error:
        return None if isinstance(error.__cause__, OSError) else False
    return ended.status == 0 and bool(ended.stdout.strip())
