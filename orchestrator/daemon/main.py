"""The composition root of the daemon: settings, logs, the singleton, the loop and its socket."""

import asyncio
import logging
import os
from typing import Final

from orchestrator import __version__, logs
from orchestrator.core.outcome import OK
from orchestrator.core.text import visible
from orchestrator.daemon.api import Api
from orchestrator.daemon.instance import Instance
from orchestrator.daemon.loop import Loop
from orchestrator.errors import DaemonUnavailable
from orchestrator.host import clock, files, limits
from orchestrator.host.sockets import notify
from orchestrator.settings import Settings, load
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout

TAKE_WAIT: Final = 0.5
"""Seconds to wait for the singleton: somebody may just be looking whether it is taken."""

REMOVED_LOOK: Final = 2.0
"""Seconds between two looks whether the singleton still keeps others from starting."""

_log: Final = logging.getLogger("orchd")


def serve(root: str, *, foreground: bool) -> int:
    """Be the daemon of ``root`` until told to stop; return the exit status.

    Raises :class:`DaemonUnavailable` when another one is running.
    """
    layout = Layout(root)
    files.ensure_folder(layout.runtime)
    instance = Instance(layout.pidlock)
    if not instance.take(TAKE_WAIT):
        raise DaemonUnavailable(f"a daemon is already running for {visible(root)}", hint="`orchd status` shows it")
    try:
        settings = load(root)
        _log_to(layout, settings, foreground=foreground)
        limits.raise_descriptors()
        settled = asyncio.run(_life(layout, settings, instance))
    finally:
        instance.release()
    if not settled:
        # A thread waits for git or the network. Whatever it is about is done again by the next daemon.
        logging.shutdown()
        os._exit(OK)
    return OK


def _log_to(layout: Layout, settings: Settings, *, foreground: bool) -> None:
    try:
        logs.set_up(layout.daemon_log, foreground=foreground, max_mb=settings.daemon.log_max_mb)
    except OSError as error:
        raise files.failure(error, f"cannot open {visible(layout.daemon_log)}") from error


async def _life(layout: Layout, settings: Settings, instance: Instance) -> bool:
    """Watch and answer until the end; tell whether nothing is left undone."""
    files.ensure_folder(layout.locks)
    files.ensure_folder(layout.parallel)
    journal = Journal(layout.root)
    loop = Loop(layout, rescan=settings.daemon.rescan_seconds)
    api = Api(layout, loop, clock.iso())
    events = asyncio.get_running_loop()
    for number in limits.ENDING:
        events.add_signal_handler(number, loop.stop)
    await api.listen()
    journal.write("daemon.started", {"pid": os.getpid(), "version": __version__})
    _log.info("orchd %s listens on %s", __version__, visible(layout.socket))
    notify(f"READY=1\nSTATUS=watching {layout.root}\nMAINPID={os.getpid()}")
    _end_when_removed(layout, instance, loop)
    try:
        await loop.run()
    except Exception:
        _log.exception("the daemon cannot go on")
        raise
    finally:
        notify("STOPPING=1")
        await api.close()
        journal.write("daemon.stopped", {"pid": os.getpid()})
        _log.info("the daemon ends; workers go on")
    return loop.settled


def _end_when_removed(layout: Layout, instance: Instance, loop: Loop) -> None:
    """Make room for another daemon once our lock file is gone: nobody can reach us any more, or knows of us."""
    if instance.is_there():
        asyncio.get_running_loop().call_later(REMOVED_LOOK, _end_when_removed, layout, instance, loop)
        return
    _log.warning("%s was removed, so another daemon may start: this one ends", visible(layout.pidlock))
    loop.stop()
