"""Watching a run that another process drives, and starting one to drive it in the background."""

import os
import sys
from typing import Final

from orchestrator.cli.conducting import log_of
from orchestrator.cli.views import View, say_aside
from orchestrator.cli.watching import Watched, follow
from orchestrator.core.outcome import INTERRUPTED
from orchestrator.core.run import RunRecord
from orchestrator.daemon.instance import is_taken
from orchestrator.errors import DaemonUnavailable
from orchestrator.host import children, clock, files
from orchestrator.state import results
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.wire.client import call
from orchestrator.wire.messages import Adopt

UNDER_WAY: Final = 20.0
"""Seconds for a process in the background to take a run up."""

DRIVEN_LOOK: Final = 3.0
"""Seconds between two looks whether anybody drives the run that we watch."""

_LOOK: Final = 0.02


def hand_over(root: str, run: str) -> bool:
    """Ask the daemon to drive a run; False: there is none."""
    try:
        call(root, Adopt(run))
    except DaemonUnavailable:
        return False
    return True


def attend(layout: Layout, record: RunRecord, seen: View) -> int | None:
    """Watch the run to its end; the exit code where the person stopped watching before."""
    try:
        follow(Watched(layout, record), seen, _Patience(layout.run(record.run), record.run, seen))
    except KeyboardInterrupt:
        say_aside(
            f"run {record.run} goes on without being watched",
            f"`orchd status` shows it, `orchd cancel {record.run}` ends it",
        )
        return INTERRUPTED
    return None


class _Patience:
    """Waits between two looks, and says so when nobody drives the run any more."""

    def __init__(self, paths: RunLayout, run: str, seen: View) -> None:
        self._paths = paths
        self._run = run
        self._seen = seen
        self._next = clock.steady() + DRIVEN_LOOK
        self._driven = True

    def __call__(self, seconds: float) -> None:
        clock.pause(seconds)
        if clock.steady() < self._next:
            return
        self._next = clock.steady() + DRIVEN_LOOK
        driven = is_taken(self._paths.conductor)
        if self._driven and not driven and not results.has_ended(self._paths):
            self._seen.note(f"nobody drives run {self._run} now; its workers go on, and `orchd start` takes it up")
        self._driven = driven


def detach(layout: Layout, record: RunRecord) -> int:
    """Start a process in the background that drives this run alone; return its pid once it does.

    It is ``orchd run SOURCE --resume``, and what it says goes to the run's ``.d/conductor.log``.
    """
    paths = layout.run(record.run)
    files.ensure_folder(paths.private)
    argv = [sys.executable, "-P", "-m", "orchestrator", "--root", layout.root, "run", "--resume", "--", record.source]
    child = children.detach(argv, cwd=layout.root, env=dict(os.environ), output=log_of(paths))
    deadline = clock.steady() + UNDER_WAY
    while not is_taken(paths.conductor) and not results.has_ended(paths):
        if child.poll() is not None or clock.steady() > deadline:
            raise DaemonUnavailable(
                f"nothing drives run {record.run} in the background", hint=f"look into {log_of(paths)}; the run is kept"
            )
        clock.pause(_LOOK)
    return child.pid
