"""Who makes a commit, and who signs it: the user as git knows them, or orchd where git knows nobody."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.run import GitOptions
from orchestrator.git.command import Git

NAME: Final = "orchd"
EMAIL: Final = "orchd@localhost"

_ROLES: Final = ("AUTHOR", "COMMITTER")
_SIGNS: Final = "commit.gpgsign"
_SETTINGS: Final = r"^(commit\.gpgsign|(user|author|committer)\.(name|email))$"
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
    settings = _settings(git)
    signs = options.sign
    if signs is None:
        signs = _SIGNS in settings and git.run("config", "--type=bool", "--get", _SIGNS).text() == "true"
    return Maker({**_missing(git, settings), **given(options.author)}, ("-S",) if signs else ())


def given(author: str) -> Mapping[str, str]:
    """Return the environment for an author written as ``Name <mail>``; empty for none."""
    name, _, mail = author.rpartition("<")
    return {"GIT_AUTHOR_NAME": name.strip(), "GIT_AUTHOR_EMAIL": mail.rstrip("> ")} if name.strip() else {}


def missing(git: Git) -> Mapping[str, str]:
    """Return the environment that fills in for an identity that nobody configured; empty where one is.

    What git would guess from the machine's name is no identity.
    """
    return _missing(git, _settings(git))


def _missing(git: Git, settings: Mapping[str, str]) -> Mapping[str, str]:
    roles = [role for role in _OURS if not (_is_plain(settings, role) or _is_known(git, role))]
    return {name: value for role in roles for name, value in _OURS[role].items()}


def _settings(git: Git) -> Mapping[str, str]:
    """Return what is set about names and signatures, by key in small letters."""
    rows = git.run("config", "-z", "--get-regexp", _SETTINGS).stdout.split(b"\0")
    pairs = (os.fsdecode(row).partition("\n") for row in rows if row)
    return {key: value for key, _, value in pairs}


def _is_plain(settings: Mapping[str, str], role: str) -> bool:
    """Tell whether git knows an identity beyond doubt: a name and an address, with more than marks in them."""
    values = []
    for part in ("NAME", "EMAIL"):
        usual = settings.get(f"{role}.{part}".lower(), settings.get(f"user.{part}".lower(), ""))
        values.append(os.environ.get(f"GIT_{role}_{part}", usual))
    return all(any(sign.isalnum() for sign in value) for value in values)


def _is_known(git: Git, role: str) -> bool:
    return git.run("-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT").status == 0
