"""Where git keeps files of its own, asked in one question or read from git's own files."""

import os
from contextlib import suppress
from typing import Final

from orchestrator.errors import Unreadable
from orchestrator.git.command import Git
from orchestrator.host import files

_GITDIR: Final = b"gitdir: "
_LONGEST: Final = 8192

_ABSOLUTE: Final = ("rev-parse", "--path-format=absolute")


def of(git: Git, *names: str) -> list[str]:
    """Return the paths of files in git's own folder for this worktree, or in what all worktrees share."""
    return ask(git, *(("--git-path", name) for name in names))


def ask(git: Git, *questions: tuple[str, ...]) -> list[str]:
    """Return the answers of ``git rev-parse`` to questions that are answered by an absolute path or one line."""
    told = git.out(*_ABSOLUTE, *(word for words in questions for word in words)).split("\n")
    if len(told) == len(questions):
        return told
    return [git.out(*_ABSOLUTE, *words) for words in questions]  # a path with a line break in it


def own(worktree: str) -> str | None:
    """Return git's own folder of a linked worktree, as its .git file says; None where there is no such file."""
    line = _read(f"{worktree}/.git")
    named = line.startswith(_GITDIR)
    return os.path.join(worktree, os.fsdecode(line.removeprefix(_GITDIR).rstrip(b"\n"))) if named else None


def shared(own_folder: str) -> str | None:
    """Return what all worktrees share, as git's own folder of one of them says; None where it says nothing."""
    line = _read(f"{own_folder}/commondir").rstrip(b"\n")
    return os.path.normpath(os.path.join(own_folder, os.fsdecode(line))) if line else None


def _read(path: str) -> bytes:
    with suppress(FileNotFoundError, NotADirectoryError, Unreadable):
        return files.read(path, _LONGEST).data
    return b""
