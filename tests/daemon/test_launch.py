"""Starting workers: forked from a process that has loaded one, or by themselves."""

import os
import signal
from pathlib import Path

from orchestrator.core.outcome import USAGE
from orchestrator.daemon.launch import SERVER, Launch
from orchestrator.daemon.workers import Started
from orchestrator.host import identity, others
from orchestrator.host.forkserver import Forked
from tests.waiting import wait_for


def servers() -> set[int]:
    """Return the servers that this process has started."""
    ours = (pid for pid, (parent, *_) in identity.processes().items() if parent == os.getpid())
    return {pid for pid in ours if SERVER in others.command_line(pid)}


def test_a_server_that_has_ended_is_replaced(tmp_path: Path) -> None:
    """Without it a worker is started by itself, and does the same; the next time that one is wanted there is one."""
    launch, before = Launch(str(tmp_path)), servers()

    def started() -> Started:
        child = launch.worker(str(tmp_path / "no.job.json"), str(tmp_path / "worker.log"))
        wait_for(lambda: child.poll() is not None, 30, what="the end of the worker")
        assert child.poll() == USAGE
        return child

    launch.prepare()
    try:
        assert isinstance(started(), Forked)
        (pid,) = servers() - before
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not isinstance(started(), Forked), 30, what="a worker by itself")
        launch.prepare()
        assert isinstance(started(), Forked)
    finally:
        launch.rest()
    assert servers() == before
    assert (tmp_path / "worker.log").read_text().count("there is no such job") >= 3
