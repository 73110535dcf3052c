"""The project's own check of a merge, before any branch moves to it. Its private checkout goes from one to the next.

What git ignores stays there from one to the next, as it does in a person's checkout: what was built, and what was
installed.
"""

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from orchestrator.core.result import Ending
from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.daemon import tearing, watched
from orchestrator.errors import AgentUnavailable, Unreadable
from orchestrator.git import checkout, include
from orchestrator.git.integrate import Red
from orchestrator.git.repository import Repository
from orchestrator.host import files, logfile
from orchestrator.state import cancel
from orchestrator.state.layout import SETTINGS, Layout, RunLayout, own_folders
from orchestrator.state.status import prepare, temp
from orchestrator.worker import environment

LINES: Final = 40
"""So many lines of what the check printed are kept: the last ones."""

Check = Callable[[str], Red | None]
"""Says of a commit what is against it."""

_WIDTH: Final = 300
_PHASE: Final = "integrate:check"  # no phase of an attempt can be called that


def folder(paths: RunLayout) -> str:
    """Return where the checkout of a run stands."""
    return f"{paths.private}/check"


def of_track(layout: Layout, record: RunRecord, track: RunTrack, repo: Repository) -> Check | None:
    """Return what checks the merge of a track; None where nothing is to be checked.

    It raises ``GitRefused`` where there can be no checkout, and ``AgentUnavailable`` where the command, or what is to
    be done in a new checkout first, does not work: neither is the track's fault.
    """

    def stop() -> bool:
        with suppress(Unreadable):
            request = cancel.read_request(layout.run(record.run).cancel)
            return request is not None and request.is_about(track.track)
        return False

    return of_commit(layout, record, repo, track.agent_id, stop)


def of_commit(layout: Layout, record: RunRecord, repo: Repository, name: str, stop: Callable[[], bool]) -> Check | None:
    """Return what checks commits; None where nothing is to be checked. It raises the same as that of a track.

    What it prints goes to a log with ``name`` in its name; ``stop`` tells that nobody waits for it any more.
    """
    return _Bench(layout, record, repo, name, stop).check if record.options.git.check else None


class _Bench:
    """Where the merges of a run are checked."""

    def __init__(
        self, layout: Layout, record: RunRecord, repo: Repository, name: str, stop: Callable[[], bool]
    ) -> None:
        self._layout = layout
        self._root = layout.root
        self._paths = layout.run(record.run)
        self._record = record
        self._repo = repo
        self._name = name
        self._stopped = stop
        self._options = record.options.git

    def check(self, commit: str) -> Red | None:
        """Check a commit; return what is against it."""
        self._stand_on(commit)
        try:
            ending, code, error = self._run(self._options.check, self._options.check_timeout_seconds)
        except AgentUnavailable as refused:
            raise AgentUnavailable(f"the check of the merge, {refused.message}; see check in {SETTINGS}") from refused
        if (ending, code) == ("exited", 0):
            return None
        if self._stopped():
            return Red("")
        lines = logfile.end_of(self._log).decode("utf-8", "backslashreplace").splitlines()
        said = tuple(visible(each.expandtabs().rstrip(), _WIDTH) for each in lines if each.strip())[-LINES:]
        kind = "TEST_TIMEOUT" if ending == "timed_out" else "TEST_FAILURE"
        how = watched.how(code) or error.partition(": ")[2]
        last = f": {said[-1]}" if said else ""
        what = visible(shlex.join(self._options.check), 120)
        return Red(f"{kind}: the check of the merge, `{what}`, {how}{last}", said)

    @property
    def _log(self) -> str:
        return f"{self._paths.private}/{self._name}.check.log"

    def _stand_on(self, commit: str) -> None:
        """Have the checkout stand on a commit; a new one is set up first."""
        prepare(self._paths)
        ready = f"{folder(self._paths)}.ready"
        if not os.path.lexists(ready):
            checkout.discard(self._repo, folder(self._paths))
        if checkout.move(self._repo, folder(self._paths), commit):
            files.remove(ready)
            include.copy(self._repo.top, folder(self._paths), own_folders(self._layout, self._options.worktrees))
            for argv in self._options.setup:
                ending, code, error = self._run(argv, self._options.setup_timeout_seconds)
                if (ending, code) != ("exited", 0):
                    how = watched.how(code) or error.partition(": ")[2]
                    what = f"`{visible(shlex.join(argv), 120)}`: {how}"
                    raise AgentUnavailable(f"the checkout for the check cannot be set up: {what}")
        files.publish(ready, b"", temp(self._paths))

    def _run(self, argv: tuple[str, ...], seconds: float) -> tuple[Ending, int | None, str]:
        marks = watched.marks(self._root, self._record.run, _PHASE)
        env = {**environment.of_nobody(os.environ), "MASTER_ISSUE": self._record.run}
        grace = self._record.options.grace_seconds
        command = watched.Command(argv, folder(self._paths), env, marks, self._log, seconds, grace)
        return watched.carry_out(command, self._stopped)


def discard(layout: Layout, record: RunRecord, repo: Repository) -> None:
    """Remove the checkout; it is torn down first, where it stands. Raises ``GitRefused``."""
    place = folder(layout.run(record.run))
    tearing.down(layout, record, replace(record.tracks[0], worktree=place))  # its log is as good as any
    checkout.discard(repo, place)
