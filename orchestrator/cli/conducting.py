"""Driving one run from the command line, where no daemon does."""

import asyncio
import logging
import os
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Final

from orchestrator import logs
from orchestrator.cli.hints import resuming
from orchestrator.cli.views import View, say_aside
from orchestrator.cli.watching import Watched, follow
from orchestrator.core.outcome import INTERRUPTED
from orchestrator.core.run import RunRecord
from orchestrator.core.text import first_line
from orchestrator.daemon.loop import Loop
from orchestrator.errors import OrchdError
from orchestrator.host import files, limits
from orchestrator.host.heeded import heeded
from orchestrator.state import cancel
from orchestrator.state.layout import Layout, RunLayout

_LONGEST: Final = 500
_MOST: Final = 100
"""So many things that go wrong are told; the log has all of them."""


def log_of(paths: RunLayout) -> str:
    """Return where the process that drives a run logs what it meets."""
    return f"{paths.private}/conductor.log"


def conduct(layout: Layout, record: RunRecord, seen: View, rescan: float) -> bool:
    """Drive the run to its end; tell whether a person ended it. ``rescan`` is in seconds.

    Where another process drives it already this one stands by, and takes over should that one end. The
    first Ctrl-C (or SIGTERM) asks the workers to end and waits for the report, the second leaves at once.
    """
    paths = layout.run(record.run)
    files.ensure_folder(layout.locks)
    files.ensure_folder(paths.private)
    logs.set_up(log_of(paths), foreground=False).addHandler(Aloud(seen))
    limits.raise_descriptors()
    interrupts = Interrupts(paths, record, seen)
    asyncio.run(_life(layout, record, seen, rescan, interrupts))
    return interrupts.asked


async def _life(layout: Layout, record: RunRecord, seen: View, rescan: float, interrupts: "Interrupts") -> None:
    loop = Loop(layout, rescan=rescan, only=record.run)
    events = asyncio.get_running_loop()
    for number in heeded():
        events.add_signal_handler(number, interrupts.come, loop.poke)
    over = Event()
    watching = events.run_in_executor(None, follow, Watched(layout, record), seen, over.wait)
    watching.add_done_callback(partial(_seen_to_its_end, loop.stop))
    try:
        await loop.run()
    finally:
        over.set()
        await watching


def _seen_to_its_end(stop: Callable[[], None], watching: asyncio.Future[None]) -> None:
    """Stop when the run has its report, whoever wrote it; not because of a fault in showing it."""
    if not watching.cancelled() and watching.exception() is None:
        stop()


class Aloud(logging.Handler):
    """Tells whoever watches what goes wrong with the run; a thing that is tried again and again, once."""

    def __init__(self, seen: View) -> None:
        super().__init__(logging.WARNING)
        self._seen = seen
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Say the first line of a message."""
        line = first_line(record.getMessage(), _LONGEST)
        if line not in self._said and len(self._said) < _MOST:
            self._said.add(line)
            self._seen.note(line)


class Interrupts:
    """What Ctrl-C and SIGTERM do to a run that we drive. ``asked``: the first one came."""

    def __init__(self, paths: RunLayout, record: RunRecord, seen: View) -> None:
        self.asked = False
        self._paths = paths
        self._record = record
        self._seen = seen

    def come(self, poke: Callable[[], None]) -> None:
        """Cancel the run; the second time leave it to its workers."""
        if self.asked:
            self._leave()
        self.asked = True
        try:
            cancel.request(self._paths, None)
        except OrchdError as error:
            self._seen.note(f"the run cannot be cancelled: {error.message}; Ctrl-C again leaves")
            return
        self._seen.note("cancelled: the workers are asked to end, then comes the report; Ctrl-C again leaves at once")
        poke()

    def _leave(self) -> None:
        """End as a crash would: everything is on disk, and whoever comes next takes it up from there."""
        run = self._record.run
        say_aside(
            f"left at once; run {run} is cancelled, its workers end by themselves, and there is no report yet",
            f"`{resuming(self._record)}` writes it, and so does a daemon (`orchd start`)",
        )
        os._exit(INTERRUPTED)
