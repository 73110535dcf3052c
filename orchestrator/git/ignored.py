"""What git ignores in a worktree since it was made: work, perhaps, that was hidden from the commit.

``info/exclude`` and the settings are shared by all worktrees, and by the agents in them: what one of them
writes there for itself takes files of the others out of sight. Each worktree remembers what was ignored
when it began.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from orchestrator.errors import Unreadable
from orchestrator.git import places
from orchestrator.git.command import Git
from orchestrator.host import files

LARGEST: Final = 4 * 1024 * 1024

_COPY: Final = "orchd-exclude"
_SHARED: Final = "info/exclude"

PLACES: Final = ("--git-path", _COPY, "--git-path", _SHARED)
"""What to ask ``git rev-parse`` for the two paths that :func:`beyond` needs."""


def remember(git: Git, *, unknown: bool = False) -> None:
    """Keep the patterns that hold for a worktree beside its index, once; they go when it goes.

    ``unknown``: nobody knows which held when it was made, so all that they hide counts as hidden since.
    """
    path, shared = _places(git)
    if os.path.lexists(path):
        return
    patterns = [] if unknown else [each for each in _patterns(git, shared) if each is not None]
    try:
        os.close(files.create(path, b"\n".join(patterns)))
    except OSError as error:
        raise files.failure(error, "cannot keep what git ignores") from error


def _places(git: Git) -> tuple[str, str]:
    own = places.own(git.folder)
    common = places.shared(own) if own is not None else None
    if own is not None and common is not None:
        return f"{own}/{_COPY}", f"{common}/{_SHARED}"
    path, shared = places.of(git, _COPY, _SHARED)
    return path, shared


def since(git: Git) -> tuple[str, ...]:
    """Return what is ignored now in a worktree and was not when it was made; folders end with a slash."""
    return beyond(git, *places.of(git, _COPY, _SHARED))


def beyond(git: Git, path: str, shared: str) -> tuple[str, ...]:
    """Return the same as :func:`since`; ``path`` holds the patterns of the beginning, ``shared`` those of all now."""
    if not os.path.isfile(path) or _holds(path, list(_patterns(git, shared))):
        return ()
    words = ("ls-files", "-z", "--others", "--directory", "--no-empty-directory", "--exclude-per-directory=.gitignore")
    shown = git.names(*words, f"--exclude-from={path}")
    usual = set(git.names(*words[:-1], "--exclude-standard"))
    return tuple(each for each in shown if each not in usual)


def _patterns(git: Git, shared: str) -> Iterator[bytes | None]:
    """Yield the patterns that hold for all worktrees: what a person set for all repositories, and ``shared``.

    None: something that git may read and we may not.
    """
    named = git.run("config", "--type=path", "--get", "core.excludesFile").text()
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    for path in (named or f"{home}/git/ignore", shared):
        try:
            yield files.read(path, LARGEST).data
        except Unreadable:
            yield None
        except FileNotFoundError:
            pass


def _holds(path: str, patterns: Sequence[bytes | None]) -> bool:
    """Tell whether the same patterns hold as when they were kept; then nothing was hidden by others."""
    known = [each for each in patterns if each is not None]
    with suppress(FileNotFoundError, Unreadable):
        return len(known) == len(patterns) and files.read(path, 2 * LARGEST + 1).data == b"\n".join(known)
    return False
