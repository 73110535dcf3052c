"""Runs whose agents work in the user's own checkout: which files are whose, and what becomes of them."""

import os
from collections.abc import Callable
from typing import Final

from orchestrator.core.listing import some
from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.errors import OrchdError
from orchestrator.git import backup, own, refs, repository, shared
from orchestrator.git.command import Git
from orchestrator.git.own import Own
from orchestrator.git.repository import Repository
from orchestrator.host import files
from orchestrator.state.layout import Layout, RunLayout, own_folders
from orchestrator.state.once import publish_once
from orchestrator.state.status import prepare, temp

_BEFORE: Final = "checkout.before"
SHOWN: Final = 5
"""So many commits are named in a line."""

_LARGEST: Final = 16 * 1024 * 1024


def files_of(layout: Layout, source: str, top: str, paths: tuple[str, ...]) -> Own:
    """Return the files of a track that declares ``paths``; its source, the settings and our folders are no track's."""
    real = os.path.realpath(top)
    private = (source, layout.settings, *own_folders(layout))
    theirs = (os.path.relpath(os.path.realpath(each), real) for each in private)
    return Own(paths, tuple(theirs))


def own_of(layout: Layout, record: RunRecord, track: RunTrack) -> Own:
    """Return the files of a track of a run."""
    return files_of(layout, record.source, track.worktree, track.paths)


def begin(layout: Layout, record: RunRecord, track: RunTrack, base: str, attempt: int) -> None:
    """Have a track's branch begin; what a former attempt left is kept as it is. Raises ``GitRefused``."""
    repo = repository.survey(layout.root, record.target_branch, remote=False)
    paths = layout.run(record.run)
    _note(paths, repo)
    mine = own_of(layout, record, track)
    if attempt > 1:
        shared.keep(repo, mine, _ref(record, track, attempt - 1))
    begun = os.path.lexists(paths.job(track.agent_id))
    shared.begin(repo, mine, track.branch, base, first=not begun)


def _note(paths: RunLayout, repo: Repository) -> None:
    """Note what the user has changed before the first agent starts."""
    path = f"{paths.private}/{_BEFORE}"
    if not os.path.lexists(path):
        prepare(paths)
        names = own.dirty(Git(repo.top, shared.SECONDS, hooks=False))
        publish_once(path, b"".join(os.fsencode(each) + b"\0" for each in names), temp(paths))


def settling(layout: Layout, record: RunRecord, track: RunTrack, repo: Repository) -> Callable[[str], None]:
    """Return what is done right before the user's branch moves to a commit."""
    mine = own_of(layout, record, track)
    return lambda commit: shared.settle(repo, record.target_branch, mine, commit)


def strays(layout: Layout, record: RunRecord, repo: Repository) -> str:
    """Say what agents changed that no track declares; it stays in the checkout as it is."""
    try:
        data = files.read(f"{layout.run(record.run).private}/{_BEFORE}", _LARGEST).data
        before = [os.fsdecode(each) for each in data.split(b"\0")]
        everybodys = [own_of(layout, record, each) for each in record.tracks]
        ours = Own((), everybodys[0].left_out)
        return shared.sentence([each for each in shared.stray(repo, everybodys, before) if ours.covers(each)])
    except (OrchdError, FileNotFoundError):
        return ""


def put_back(layout: Layout, record: RunRecord, track: RunTrack, attempt: int) -> tuple[str, str]:
    """Back up a track's files and put them back to the commit; say where all of it is, and which branch has commits."""
    ref = _ref(record, track, attempt)
    branch = ""
    try:
        repo = repository.survey(layout.root, record.target_branch, remote=False)
        branch = track.branch if shared.holds_work(repo, track.branch, record.target_branch) else ""
        kept = shared.keep(repo, own_of(layout, record, track), ref)
        left = shared.put_back(repo, own_of(layout, record, track)) if kept is not None else ""
        made = of_others(record, repo)
    except OrchdError as error:
        return f"in your checkout (not backed up: {error.message})", branch
    stays = f", and still in your checkout: {left}" if left else ", and taken out of your checkout"
    taken_out = f"uncommitted work as {ref}: `{backup.way_back(ref)}`{stays}" if kept is not None else ""
    where = (f"branch {branch}" if branch else "", taken_out, made)
    return "; ".join(each for each in where if each), branch


def of_others(record: RunRecord, repo: Repository) -> str:
    """Say which commits came into the user's branch that are no track's: the user's own, or an agent's."""
    others = shared.commits_of_others(repo, record.base, record.target_branch)
    return f"{record.target_branch} has commits that orchd did not make: {some(others, SHOWN)}" if others else ""


def _ref(record: RunRecord, track: RunTrack, attempt: int) -> str:
    return f"{refs.BACKUPS}/{record.run}/{track.track}/{attempt}"
