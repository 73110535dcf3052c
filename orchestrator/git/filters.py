"""Filters that a repository needs (as git-lfs is one) and this machine has not: found before anything starts."""

import os
import shlex
from collections.abc import Iterator
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git.command import Git

_SETTINGS: Final = r"^filter\..*\.(process|smudge|required)$"
_PROGRAMS: Final = ("process", "smudge")


def check(top: str) -> None:
    """Raise :class:`GitRefused` where no worktree can be made of the checkout at ``top``: a required filter is missing.

    A filter that is not required, or not set up at all, only leaves files as they are in the repository.
    """
    git = Git(top)
    for name, program in _missing(git):
        files = git.names("ls-files", "-z", "--", f":(top,attr:filter={name})") if name.isalnum() else ()
        if files:
            why = f"{visible(files[0])} goes through the filter {name}, whose program {visible(program)} is not there"
            mend = f"install it; or work with what is stored instead: `git config filter.{name}.required false`"
            raise GitRefused(why, hint=mend)


def _missing(git: Git) -> Iterator[tuple[str, str]]:
    """Yield each required filter whose program is not there, with the program."""
    told = git.run("config", "-z", "--get-regexp", _SETTINGS).stdout
    found: dict[str, dict[str, str]] = {}
    for row in told.split(b"\0")[:-1]:
        key, _, value = os.fsdecode(row).partition("\n")
        name, _, word = key.removeprefix("filter.").rpartition(".")
        found.setdefault(name, {})[word] = value
    for name, words in found.items():
        command = next((words[each] for each in _PROGRAMS if words.get(each)), "")
        if words.get("required", "") in {"true", "yes", "on", "1"} and command:
            program = _program(command)
            if program and not _is_there(program):
                yield name, program


def _program(command: str) -> str:
    """Return the program of a line of shell, if it plainly names one; else nothing."""
    try:
        first = shlex.split(command)[0]
    except (ValueError, IndexError):
        return ""
    return first if all(each.isalnum() or each in "-_./+" for each in first) else ""


def _is_there(program: str) -> bool:
    places = [""] if os.path.dirname(program) else os.environ.get("PATH", os.defpath).split(os.pathsep)
    return any(os.access(os.path.join(each, program), os.X_OK) for each in places)
