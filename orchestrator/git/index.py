"""A private index: git's staging area in a file of our own, so that nobody's own is touched."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from orchestrator.git import places
from orchestrator.git.command import Git
from orchestrator.host import clock, files

_FORGOTTEN: Final = 3600 * 1_000_000_000  # ns; none is needed that long
_PREFIX: Final = "index-"


@contextmanager
def private(git: Git, *, copy: bool = False) -> Iterator[Mapping[str, str]]:
    """Yield the environment in which git uses an index of its own; the file is gone afterwards.

    ``copy``: it starts as the index of the worktree that ``git`` works in; else empty.
    """
    path = _prepared(git, copy=copy)
    try:
        yield {"GIT_INDEX_FILE": path}
    finally:
        files.remove(path)
        files.remove(f"{path}.lock")


def _prepared(git: Git, *, copy: bool) -> str:
    common_dir, index = places.ask(git, ("--git-common-dir",), ("--git-path", "index"))
    folder = f"{common_dir}/orchd"
    files.ensure_folder(folder)
    path = f"{folder}/{_PREFIX}{os.getpid()}-{os.urandom(8).hex()}"
    try:
        _sweep(folder)
        if copy:
            _copy(index, path)
    except OSError as error:
        raise files.failure(error, "cannot make a private index") from error
    return path


def _copy(source: str, path: str) -> None:
    """Copy an index with its time: to git, a file changed at that very moment may differ unseen."""
    with suppress(FileNotFoundError), open(source, "rb") as file:
        facts = os.fstat(file.fileno())
        os.close(files.create(path, file.read()))
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _sweep(folder: str) -> None:
    """Remove what killed processes left."""
    for name in os.listdir(folder):
        if name.startswith(_PREFIX):
            path = f"{folder}/{name}"
            with suppress(FileNotFoundError):
                if clock.wall_ns() - os.stat(path).st_mtime_ns > _FORGOTTEN:
                    files.remove(path)
