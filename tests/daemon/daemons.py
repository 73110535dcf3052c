"""A real daemon on a root of a test's own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import DaemonUnavailable
from orchestrator.wire.client import call
from orchestrator.wire.messages import Ping
from tests.waiting import wait_for

REPOSITORY = Path(__file__).resolve().parents[2]


def environment(**more: str) -> dict[str, str]:
    """Return our environment, less what would lead a command elsewhere, with the package on its path."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ORCHD_", "GIT_"))}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **more}


def answers(root: Path) -> bool:
    """Tell whether a daemon answers for ``root``."""
    try:
        call(str(root), Ping(), 1.0)
    except DaemonUnavailable:
        return False
    return True


class Daemon:
    """A daemon in the foreground, as a child of the test."""

    def __init__(self, root: Path, env: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "orchestrator.daemon", "--root", str(root)],
            env=dict(env or environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def ready(self) -> "Daemon":
        """Wait until it answers."""
        wait_for(lambda: self.process.poll() is not None or answers(self.root), 15, "a daemon that answers")
        if self.process.poll() is not None and self.process.stderr is not None:
            raise AssertionError(self.process.stderr.read().decode())
        return self

    def kill(self) -> None:
        """End it with kill -9."""
        self.process.kill()
        self.close()

    def close(self) -> None:
        """Wait for its end and let its pipe go."""
        self.process.wait(15)
        if self.process.stderr is not None:
            self.process.stderr.close()


@contextmanager
def running(root: Path, env: Mapping[str, str] | None = None) -> Iterator[Daemon]:
    """A daemon that answers, for the length of a block."""
    daemon = Daemon(root, env)
    try:
        yield daemon.ready()
    finally:
        if daemon.process.poll() is None:
            daemon.process.terminate()
        daemon.close()
