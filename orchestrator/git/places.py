"""Where git keeps files of its own, asked in one question or read from git's own files; and where worktrees may be."""

import os
from contextlib import suppress
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused, Unreadable
from orchestrator.git.command import Git
from orchestrator.host import files

_GITDIR: Final = b"gitdir: "
_LONGEST: Final = 8192
_OTHER: Final = "name another folder in orchestrator.toml: [git] worktrees"

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


def index(checkout: str) -> str | None:
    """Return the path of a checkout's index; None where only git itself knows."""
    folder = f"{checkout}/.git" if os.path.isdir(f"{checkout}/.git") else own(checkout)
    return None if folder is None else f"{folder}/index"


def shared(own_folder: str) -> str | None:
    """Return what all worktrees share, as git's own folder of one of them says; None where it says nothing."""
    line = _read(f"{own_folder}/commondir").rstrip(b"\n")
    return os.path.normpath(os.path.join(own_folder, os.fsdecode(line))) if line else None


def check_folder(top: str, common_dir: str, folder: str) -> None:
    """Raise :class:`GitRefused` where no worktree can be made in ``folder``, which may not exist so far.

    ``top`` is the user's checkout and ``common_dir`` git's own folder: neither may be in there, nor a tracked file.
    """
    real, shown = os.path.realpath(folder), visible(folder)
    if f"{top}/".startswith(f"{real}/") or f"{real}/".startswith(f"{os.path.realpath(common_dir)}/"):
        raise GitRefused(f"{shown} cannot be the folder for worktrees: the repository is in the way", hint=_OTHER)
    standing = real
    while not os.path.lexists(standing):
        standing = os.path.dirname(standing)
    if not os.path.isdir(standing) or not os.access(standing, os.W_OK | os.X_OK):
        raise GitRefused(f"no worktree can be made in {shown}: {visible(standing)} cannot be written to", hint=_OTHER)
    inner = os.path.relpath(real, top)
    if inner.split("/")[0] != os.pardir and Git(top).out("--literal-pathspecs", "ls-files", "-z", "--", inner):
        raise GitRefused(f"{shown} cannot be the folder for worktrees: git has files of yours in it", hint=_OTHER)


def linked(own_folder: str) -> str | None:
    """Return the .git file of the worktree that one of git's own folders belongs to; None where it says nothing."""
    line = _read(f"{own_folder}/gitdir").rstrip(b"\n")
    return os.path.join(own_folder, os.fsdecode(line)) if line else None


def _read(path: str) -> bytes:
    with suppress(FileNotFoundError, NotADirectoryError, Unreadable):
        return files.read(path, _LONGEST).data
    return b""
