"""Starting processes that outlive whoever started them: workers and the daemon.

Children of the worker's own are started through :mod:`orchestrator.host.spawn`.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import AgentUnavailable
from orchestrator.host import identity

_OUTPUT: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


UNKNOWN: Final = 255
"""The status of a child that somebody else waited for."""


class Detached:
    """A child of ours in a session of its own. Nothing happens to it when this object goes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.start_ticks = identity.start_ticks(pid) or 0
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status once it has ended (negative: the signal that ended it), else None."""
        if self._status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self._status = UNKNOWN
            else:
                self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status


def appended(output: str | None) -> int:
    """Open the file that what a process writes is appended to (made 0600; None: thrown away); the caller closes it."""
    return os.open(output or os.devnull, _OUTPUT, 0o600)


def detach(argv: Sequence[str], *, cwd: str, env: Mapping[str, str], output: str | None) -> Detached:
    """Start a program in a session of its own, with nothing of ours but ``env`` and its arguments.

    It reads from nothing; what it writes is appended to the file ``output`` (made 0600; None: thrown
    away). It lives on when we end. Raises :class:`AgentUnavailable` when it cannot be started.
    """
    try:
        fd = appended(output)
        try:
            child = subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=fd, stderr=fd, start_new_session=True
            )
        finally:
            os.close(fd)
    except OSError as error:
        raise AgentUnavailable(f"{visible(argv[0])} cannot be started: {os.strerror(error.errno or 0)}") from error
    # From here on Detached waits for it; Popen would wait too, and complain that nobody did.
    child.returncode = 0
    return Detached(child.pid)
