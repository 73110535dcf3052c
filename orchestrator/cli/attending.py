"""Watching a run that another process drives, and starting one to drive it in the background."""

import os
import sys
from typing import Final, Literal

from orchestrator.cli.conducting import log_of
from orchestrator.cli.views import View, say_aside
from orchestrator.cli.watching import Watched, follow
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

DESERTED: Final = 2
"""So many looks in a row find nobody before we believe it: another driver may be on its way."""

Watching = Literal["ended", "left", "deserted"]

_LOOK: Final = 0.02


def hand_over(root: str, run: str) -> bool:
    """Ask the daemon to drive a run; False: there is none."""
    try:
        call(root, Adopt(run))
    except DaemonUnavailable:
        return False
    return True


def attend(layout: Layout, record: RunRecord, seen: View) -> Watching:
    """Watch the run until it has ended, the person stops watching, or nobody drives it any more."""
    paths = layout.run(record.run)
    try:
        follow(Watched(layout, record), seen, _Patience(paths))
    except KeyboardInterrupt:
        say_aside(
            f"run {record.run} goes on without being watched",
            f"`orchd status` shows it, `orchd cancel {record.run}` ends it",
        )
        return "left"
    return "deserted" if _is_open(paths) else "ended"


def _is_open(paths: RunLayout) -> bool:
    """Tell whether there is a run still, without its report."""
    return os.path.lexists(paths.record) and not results.has_ended(paths)


class _Patience:
    """Waits between two looks, and has enough when nobody drives the run any more."""

    def __init__(self, paths: RunLayout) -> None:
        self._paths = paths
        self._next = clock.steady() + DRIVEN_LOOK
        self._deserted = 0

    def __call__(self, seconds: float) -> bool:
        clock.pause(seconds)
        if clock.steady() < self._next:
            return False
        self._next = clock.steady() + DRIVEN_LOOK
        nobody = not is_taken(self._paths.conductor) and _is_open(self._paths)
        self._deserted = self._deserted + 1 if nobody else 0
        return self._deserted >= DESERTED


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
