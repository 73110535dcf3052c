"""Whose a run is, where several roots share a repository: those of the user's own worktrees.

Below ``refs/orchd`` runs are told apart by their names, so two of different roots must not have the same.
"""

import os
from contextlib import suppress

from orchestrator.errors import Unreadable
from orchestrator.git.repository import Repository
from orchestrator.host import files
from orchestrator.state.layout import Layout


def take(repo: Repository, run: str, root: str) -> None:
    """Note that a run is one of ``root``. Whoever chooses names holds the guard ``names`` of the repository."""
    files.ensure_folder(f"{repo.private}/runs")
    files.publish(_note(repo, run), os.fsencode(os.path.realpath(root)), repo.private)


def is_anothers(repo: Repository, run: str, root: str) -> bool:
    """Tell whether another root than ``root`` has a run of that name; one that was removed, or moved, has none."""
    with suppress(FileNotFoundError, Unreadable):
        there = os.fsdecode(files.read(_note(repo, run)).data)
        return there != os.path.realpath(root) and os.path.lexists(Layout(there).run(run).folder)
    return False


def _note(repo: Repository, run: str) -> str:
    return f"{repo.private}/runs/{run}"
