"""Who makes a commit, and who signs it: the user as git knows them, or orchd where git knows nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.run import GitOptions
from orchestrator.git.command import Git

NAME: Final = "orchd"
EMAIL: Final = "orchd@localhost"

_ROLES: Final = ("AUTHOR", "COMMITTER")
_OURS: Final = {role: {f"GIT_{role}_NAME": NAME, f"GIT_{role}_EMAIL": EMAIL} for role in _ROLES}

OURS: Final[Mapping[str, str]] = {name: value for ours in _OURS.values() for name, value in ours.items()}
"""The environment that makes orchd author and committer."""


@dataclass(frozen=True, slots=True)
class Maker:
    """What git is given to make a commit: the environment with the names, and the options of ``commit-tree``."""

    env: Mapping[str, str]
    flags: tuple[str, ...] = ()


def maker(git: Git, options: GitOptions) -> Maker:
    """Return who makes commits in a run. ``commit-tree`` signs only when told to, whatever the settings say."""
    signs = options.sign
    if signs is None:
        signs = git.run("config", "--type=bool", "--get", "commit.gpgsign").text() == "true"
    return Maker({**missing(git), **given(options.author)}, ("-S",) if signs else ())


def given(author: str) -> Mapping[str, str]:
    """Return the environment for an author written as ``Name <mail>``; empty for none."""
    name, _, mail = author.rpartition("<")
    return {"GIT_AUTHOR_NAME": name.strip(), "GIT_AUTHOR_EMAIL": mail.rstrip("> ")} if name.strip() else {}


def missing(git: Git) -> Mapping[str, str]:
    """Return the environment that fills in for an identity that nobody configured; empty where one is.

    What git would guess from the machine's name is no identity.
    """
    return {name: value for role, ours in _OURS.items() if not _is_known(git, role) for name, value in ours.items()}


def _is_known(git: Git, role: str) -> bool:
    return git.run("-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT").status == 0
