"""The composition root of the daemon: settings, logs, the singleton, the loop and its socket."""

import asyncio
import logging
import os
from typing import Final

from orchestrator import __version__, logs
from orchestrator.daemon.api import Api
from orchestrator.daemon.instance import Instance
from orchestrator.daemon.loop import Loop
from orchestrator.errors import DaemonUnavailable, OrchdError
from orchestrator.host import clock, files, limits
from orchestrator.host.sockets import notify
from orchestrator.settings import Settings, load
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout

TAKE_WAIT: Final = 0.5
"""Seconds to wait for the singleton: somebody may just be looking whether it is taken."""

_log: Final = logging.getLogger("orchd")


def serve(root: str, *, foreground: bool) -> int:
    """Be the daemon of ``root`` until told to stop; return the exit status.

    Raises :class:`DaemonUnavailable` when another one is running.
    """
    layout = Layout(root)
    files.ensure_folder(layout.runtime)
    instance = Instance(layout.pidlock)
    if not instance.take(TAKE_WAIT):
        raise DaemonUnavailable(f"a daemon is already running for {root}", hint="`orchd status` shows it")
    try:
        settings = load(root)
        logs.set_up(layout.daemon_log, foreground=foreground)
        limits.raise_descriptors()
        return asyncio.run(_life(layout, settings))
    finally:
        instance.release()


async def _life(layout: Layout, settings: Settings) -> int:
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
    _log.info("orchd %s listens on %s", __version__, layout.socket)
    notify(f"READY=1\nSTATUS=watching {layout.root}\nMAINPID={os.getpid()}")
    try:
        await loop.run()
    except OrchdError:
        _log.exception("the daemon cannot go on")
        raise
    finally:
        notify("STOPPING=1")
        await api.close()
        journal.write("daemon.stopped", {"pid": os.getpid()})
    return 0
