"""Where the committed work of a track stands that was not merged: agents move branches, and delete them."""

import os
from contextlib import suppress

from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.errors import OrchdError
from orchestrator.git import refs, repository, worktree
from orchestrator.git.command import Git
from orchestrator.git.worktree import Worktree
from orchestrator.state.layout import Layout


def of_track(layout: Layout, record: RunRecord, track: RunTrack) -> tuple[str, str]:
    """Return the words for people, and the branch, or the commit where there is none, that holds what was committed.

    Both are empty where there is neither a worktree nor the track's branch.
    """
    there = os.path.isdir(track.worktree)
    folder = f"worktree {visible(os.path.relpath(track.worktree, layout.root), 500)}" if there else ""
    with suppress(OrchdError):
        repo = repository.survey(layout.root, record.target_branch)
        own = refs.resolve(Git(repo.top), refs.head(track.branch)) is not None
        if not there:
            return (f"branch {track.branch}; its worktree is gone", track.branch) if own else ("", "")
        real = os.path.realpath(track.worktree)
        found = next((each for each in worktree.list(repo) if each.path == real), None)
        return _words(folder, track.branch, found, own=own)
    return folder, ""


def _words(folder: str, branch: str, found: Worktree | None, *, own: bool) -> tuple[str, str]:
    present = found.branch if found is not None else branch
    if present == branch:
        return (f"{folder}, branch {branch}", branch) if own else (f"{folder}; its branch {branch} is gone", "")
    rest = f"the track's own branch {branch} is {'left as it was' if own else 'gone'}"
    if present is not None:
        return f"{folder}, branch {visible(present)}; {rest}", present
    commit = found.head if found is not None else ""
    return f"{folder}, on no branch, at commit {commit}; {rest}", commit
