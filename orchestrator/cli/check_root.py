"""What is wrong with the files of one root: settings that cannot be, and what the dead left behind."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from orchestrator import settings
from orchestrator.claims import FileClaims
from orchestrator.cli import agent_check
from orchestrator.cli.finding import Finding, of_error
from orchestrator.cli.run_files import folders, recorded
from orchestrator.core.name import is_name
from orchestrator.core.text import visible
from orchestrator.daemon.instance import is_taken
from orchestrator.errors import OrchdError
from orchestrator.git import repository, worktree
from orchestrator.host import clock
from orchestrator.state import results
from orchestrator.state.layout import LOCKS, LOGS, Layout
from orchestrator.state.status import temp

OLD_NS: Final = 600 * 1_000_000_000
"""A temporary file older than that has lost its writer."""

_CURES: Final = {
    "dead": "`orchd reap` frees it",
    "orphaned": "end the processes of its group, then `orchd reap` frees it",
    "foreign": "release it there; if nobody works on it any more: `orchd break {track} --token {token}`",
    "unknown": "if nobody works on it any more: `orchd break {track} --token {token}`",
    "unreadable": "if nobody works on it any more: `orchd break {track} --token {token}`",
}


def agent(root: str) -> Iterator[Finding]:
    """See whether the settings can be read and the agent that they name can be started."""
    try:
        agent_check.check(settings.agent(settings.load(root)), (), _top(root), os.environ)
    except OrchdError as error:
        yield of_error(error)


def _top(root: str) -> str:
    """Return the folder that worktrees are copies of; where there is no repository, that is found elsewhere."""
    with suppress(OrchdError):
        return repository.survey(root).top
    return root


def claims(root: str) -> Iterator[Finding]:
    """Look for claims without a living owner, and for files in their folder that are none of ours."""
    store = FileClaims(root)
    for seen in store.list():
        cure = _CURES.get(seen.verdict.state)
        if cure is not None and is_name(seen.track):
            yield Finding(f"{seen.track}: {seen.verdict.why}", cure.format(track=seen.track, token=seen.token))
    for name in store.strangers():
        if name.endswith(".lock"):
            yield Finding(f"{LOCKS}/{name} is not named like a track", "rename it, or remove it if it is yours")
        else:
            yield Finding(f"{LOCKS}/{name} is none of our files", "it is left alone; remove it if it is yours")


def leftovers(root: str) -> Iterator[Finding]:
    """Look for temporary files of writers that are gone."""
    layout = Layout(root)
    places = [f"{layout.locks}/.d/tmp", *(temp(each) for each in folders(layout))]
    count = sum(_old_files(each) for each in places)
    if count:
        yield Finding(
            f"{count} temporary files are left over",
            "`orchd reap` clears those of dead writers; those of another machine or container after a day",
        )


def _old_files(folder: str) -> int:
    now = clock.wall_ns()
    with suppress(OSError), os.scandir(folder) as entries:
        return sum(now - each.stat(follow_symlinks=False).st_mtime_ns > OLD_NS for each in entries)
    return 0


def runs(root: str) -> Iterator[Finding]:
    """Look for runs that have not ended and that nobody drives."""
    layout = Layout(root)
    for each in recorded(layout):
        if not each.ended and not is_taken(layout.run(each.run).conductor):
            yield Finding(
                f"run {each.run} has not ended, and nobody drives it",
                f"`orchd start`: the daemon goes on with it; or end it with `orchd cancel {each.run}`",
            )


def worktrees(root: str) -> Iterator[Finding]:
    """Look for worktrees of tracks that no run has a use for any more."""
    layout = Layout(root)
    wanted = {path for each in recorded(layout) if not each.ended for path in _worktrees_of(layout, each.run)}
    for path in sorted({*_folders(layout.worktrees()), *_set(layout)}):
        if path not in wanted and not any(each.startswith(f"{path}/") for each in wanted):
            shown = visible(path)
            yield Finding(
                f"{shown} belongs to no run that goes on", "`orchd clean --dry-run` says whether it may go, and why not"
            )


def _set(layout: Layout) -> list[str]:
    """Return the worktrees of this repository in the folder that is set, which others may use, too."""
    with suppress(OrchdError):
        folder = layout.worktrees(settings.load(layout.root).git.worktrees)
        known = {each.path for each in worktree.list(repository.survey(layout.root))}
        return [each for each in _folders(folder) if os.path.realpath(each) in known]
    return []


def _worktrees_of(layout: Layout, run: str) -> list[str]:
    with suppress(OrchdError, FileNotFoundError):
        return [each.worktree for each in results.read_run(layout.run(run)).tracks]
    return []


def _folders(path: str) -> list[str]:
    with suppress(OSError), os.scandir(path) as entries:
        return [each.path for each in entries if each.is_dir(follow_symlinks=False)]
    return []


def logs(root: str) -> Iterator[Finding]:
    """See whether agents could write their logs."""
    folder = f"{root}/{LOGS}"
    if os.path.lexists(folder) and (os.path.islink(folder) or not os.path.isdir(folder)):
        yield Finding(f"{visible(folder)} is a link or a file", "put a real folder there")
