"""Processes forked from one that has loaded their program, instead of started one by one: the client's end.

To start Python and load a worker takes a tenth of a second of CPU time, a fork takes milliseconds. What is forked
leads a session of its own, looks like the program that it is, and lives on when the server and its client end.
Linux only; where anything is missing the client says so, and the program is started as ever.
"""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import AgentUnavailable
from orchestrator.host import identity
from orchestrator.host.children import UNKNOWN, appended
from orchestrator.host.forking import ENDED, MESSAGE, REFUSED, ROOM, STARTED

PATIENCE: Final = 10.0
"""Seconds in which the server has to answer; when the first request comes it is still loading its program."""

LEAVE: Final = 1.0
"""Seconds in which it has to end when its client has gone."""


class Forked:
    """A process that was forked for us. Nothing happens to it when this object goes."""

    def __init__(self, server: "ForkServer", pid: int, start_ticks: int) -> None:
        self.pid = pid
        self.start_ticks = start_ticks
        self._server = server
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status once it has ended (negative: the signal that ended it), else None.

        Where its server has ended, nobody knows that status: 255.
        """
        if self._status is None:
            self._status = self._server.status(self.pid)
        if self._status is None and self._server.gone:
            sight = identity.look(self.pid)
            lives = sight.start_ticks == self.start_ticks and sight.seen in ("running", "stopped")
            self._status = None if lives else UNKNOWN
        return self._status


class ForkServer:
    """A server and our line to it. ``gone``: it has ended, or could not be had. Safe to use from any thread.

    ``module`` is what the server runs; its :func:`main` calls :func:`orchestrator.host.forking.serve`. What it
    forks has the folder and the environment that are given here.
    """

    def __init__(self, module: str, *, cwd: str, env: Mapping[str, str]) -> None:
        self._lock = Lock()
        self._statuses: dict[int, int] = {}
        self.gone = True
        self._process: subprocess.Popen[bytes] | None = None
        if not (identity.IS_LINUX and hasattr(os, "pidfd_open")):
            return
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.settimeout(0)
        self._news = select.poll()
        self._news.register(self._ours, select.POLLIN)
        with theirs:
            argv = [sys.executable, "-P", "-m", module, str(theirs.fileno()), " " * ROOM]
            try:
                self._process = _start(argv, cwd, env, theirs.fileno())
            except OSError:
                self._ours.close()
            else:
                self.gone = False

    def fork(self, argv: Sequence[str], output: str) -> Forked | None:
        """Have the program forked, for its last argument; ``argv`` is what others are to see.

        It reads from nothing; what it writes is appended to the file ``output``. None: there is no server, so start
        it otherwise. Raises :class:`AgentUnavailable` when the machine refuses.
        """
        message = b"\0".join(map(os.fsencode, argv))
        if self.gone or len(message) >= ROOM:
            return None
        try:
            fd = appended(output)
        except OSError as error:
            raise AgentUnavailable(f"{visible(output)} cannot be written: {os.strerror(error.errno or 0)}") from error
        try:
            with self._lock:
                socket.send_fds(self._ours, [message], [fd])
                return self._answer()
        except OSError:
            self.close()
            return None
        finally:
            os.close(fd)

    def _answer(self) -> Forked | None:
        while not self.gone:
            if not self._news.poll(PATIENCE * 1000):
                raise TimeoutError
            word, first, second = self._take(self._ours.recv(MESSAGE))
            if word == STARTED:
                return Forked(self, first, second)
            if word == REFUSED:
                raise AgentUnavailable(f"no process can be started: {os.strerror(first)}")
        return None

    def _take(self, message: bytes) -> tuple[str, int, int]:
        """Take in what came of a request, or that a process ended. An empty message is the end of the server."""
        if not message:
            self.gone = True
            return "", 0, 0
        word, first, second = message.decode("ascii").split(" ")
        if word == ENDED:
            self._statuses[int(first)] = int(second)
        return word, int(first), int(second)

    def status(self, pid: int) -> int | None:
        """Return, once, how a process that was forked ended; None: it lives, or nothing has been heard yet."""
        if not self.gone and self._lock.acquire(blocking=False):
            try:
                with suppress(BlockingIOError):
                    while not self.gone:
                        self._take(self._ours.recv(MESSAGE))
            except OSError:
                self.gone = True
            finally:
                self._lock.release()
        return self._statuses.pop(pid, None)

    def close(self) -> None:
        """Have the server end. What was forked lives on."""
        self.gone = True
        if self._process is None:
            return
        self._ours.close()
        try:
            self._process.wait(LEAVE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _start(argv: Sequence[str], cwd: str, env: Mapping[str, str], descriptor: int) -> subprocess.Popen[bytes]:
    nothing = subprocess.DEVNULL
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        pass_fds=(descriptor,),
        start_new_session=True,
    )
