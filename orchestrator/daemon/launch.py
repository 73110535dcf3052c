"""Starting workers: forked from a process that has loaded one, or by themselves where that cannot be had."""

import logging
import os
import sys
from typing import Final

from orchestrator.daemon.workers import MODULE
from orchestrator.host import children
from orchestrator.host.forkserver import Forked, ForkServer
from orchestrator.worker import environment

SERVER: Final = "orchestrator.daemon.forkserver"

_log: Final = logging.getLogger("orchd")


class Launch:
    """Starts the workers of one root. To have them forked is worth a process of its own only while runs are driven."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._server: ForkServer | None = None

    def prepare(self) -> None:
        """Have a server loaded, without waiting for it. Harmless when there is one; one that has ended is replaced."""
        if self._server is not None and self._server.gone:
            self.rest()
        if self._server is None:
            self._server = ForkServer(SERVER, cwd=self._root, env=environment.of_nobody(os.environ))

    def worker(self, job: str, output: str) -> children.Detached | Forked:
        """Start a worker on a job; what it prints is appended to the file ``output``. From any thread.

        It gets our environment, ``ORCHD_FAILPOINT`` included: its own steps are reached by nobody else. Raises
        :class:`orchestrator.errors.AgentUnavailable`.
        """
        argv = [sys.executable, "-P", "-m", MODULE, job]
        server = self._server
        forked = server.fork(argv, output) if server is not None else None
        if forked is not None:
            return forked
        if server is not None:
            _log.info("no worker can be forked: starting it by itself")
        return children.detach(argv, cwd=self._root, env=environment.of_nobody(os.environ), output=output)

    def rest(self) -> None:
        """Let the server end; workers go on."""
        if self._server is not None:
            self._server.close()
            self._server = None
