"""Which folder is the root: named, in the environment, or the nearest one upwards that looks like one."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import Unreadable, UsageError
from orchestrator.host import files

VARIABLE: Final = "ORCHD_ROOT"

# As orchestrator.state.layout has them, which would cost every start a millisecond; a test compares them.
SETTINGS: Final = "orchestrator.toml"
LOCKS: Final = ".orchestrator_locks"
WORKTREES: Final = "worktrees"

_GIT: Final = ".git"
_KEPT: Final = "orchd-exclude"  # as orchestrator.git.ignored has it
_MARKS: Final = (SETTINGS, LOCKS, _GIT)
_GITDIR: Final = b"gitdir: "
_GITDIR_LONGEST: Final = 8192


def find(given: str | None) -> str:
    """Return the root as an absolute path of an existing folder.

    ``given`` is what the command line says, None where it says nothing. Raises :class:`UsageError`.
    """
    found = named(given) or nearest(_here())
    if found is None:
        raise UsageError(
            f"no {SETTINGS}, {LOCKS}/ or {_GIT} in this folder or above it",
            hint="go into the repository, run `orchd init` there, or name the root with --root DIR",
        )
    return found


def find_or_here(given: str | None) -> str:
    """Like :func:`find`, and the present folder where nothing looks like a root."""
    return named(given) or nearest(_here()) or _here()


def named(given: str | None) -> str | None:
    """Return the root that the command line, else the environment, names; None where neither does."""
    if given is not None:
        return _folder("--root", given)
    variable = os.environ.get(VARIABLE)
    return _folder(VARIABLE, variable) if variable else None


def _folder(who: str, path: str) -> str:
    if path and os.path.isdir(path):
        return os.path.realpath(path)
    raise UsageError(f"{who} names '{visible(path, 120)}', which is no folder", hint="name one that exists")


def _here() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except FileNotFoundError as error:
        raise UsageError("the present folder does not exist any more", hint="go to another one") from error


def nearest(start: str) -> str | None:
    """Return the nearest folder upwards with a mark of a root; a worktree of ours belongs to the root that made it.

    One that lies outside its root belongs to the checkout that has git's own folder in it.
    """
    marked = [each for each in _upwards(start) if any(os.path.lexists(os.path.join(each, mark)) for mark in _MARKS)]
    found = next((each for each in marked if not any(_made_by(outer, each) for outer in marked)), None)
    if found is None or not _is_ours(found):
        return found
    repository = _repository(found) or ""
    return os.path.dirname(repository) if os.path.basename(repository) == _GIT else found


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        yield folder


def _made_by(root: str, folder: str) -> bool:
    """Tell whether ``folder`` is, or lies in, a worktree that orchd made for ``root``."""
    if not folder.startswith(os.path.join(root, "")):
        return False
    if not (folder.startswith(os.path.join(root, WORKTREES, "")) or any(map(_is_ours, _upwards(folder)))):
        return False
    repository = _repository(folder)
    return repository is not None and repository == _repository(root)


def _repository(folder: str) -> str | None:
    """Return the git directory that the folder's files belong to, a worktree's being that of its repository."""
    for each in _upwards(folder):
        path = os.path.join(each, _GIT)
        if os.path.isdir(path):
            return path
        own = _own(each)
        if own is not None:
            return os.path.realpath(os.path.dirname(os.path.dirname(own)))
    return None


def _own(folder: str) -> str | None:
    """Return git's own folder of the linked worktree at ``folder``; None where there is none."""
    with suppress(FileNotFoundError, NotADirectoryError, Unreadable):
        line = files.read(os.path.join(folder, _GIT), _GITDIR_LONGEST).data
        if line.startswith(_GITDIR):
            return os.path.join(folder, os.fsdecode(line.removeprefix(_GITDIR).rstrip(b"\n")))
    return None


def _is_ours(folder: str) -> bool:
    """Tell whether orchd made the worktree at ``folder``: git's own folder of it remembers."""
    own = _own(folder)
    return own is not None and os.path.lexists(os.path.join(own, _KEPT))
