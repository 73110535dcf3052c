"""Who signs a commit: the user as git knows them, or orchd where git knows nobody."""

from collections.abc import Mapping
from typing import Final

from orchestrator.git.command import Git

NAME: Final = "orchd"
EMAIL: Final = "orchd@localhost"

_ROLES: Final = ("AUTHOR", "COMMITTER")
_OURS: Final = {role: {f"GIT_{role}_NAME": NAME, f"GIT_{role}_EMAIL": EMAIL} for role in _ROLES}

OURS: Final[Mapping[str, str]] = {name: value for ours in _OURS.values() for name, value in ours.items()}
"""The environment that makes orchd author and committer."""


def missing(git: Git) -> Mapping[str, str]:
    """Return the environment that fills in for an identity that nobody configured; empty where one is.

    What git would guess from the machine's name is no identity.
    """
    return {name: value for role, ours in _OURS.items() if not _is_known(git, role) for name, value in ours.items()}


def _is_known(git: Git, role: str) -> bool:
    return git.run("-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT").status == 0
