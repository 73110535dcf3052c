"""Processes forked from one that has loaded their program: the server's end. Linux only.

A request is one message: what the new process is to show as its command line, the last word of which is the
argument of the program, and with it the descriptor of the file for its output. The answer is one, too; and there
is one more when the process ends.
"""

import ctypes
import errno
import os
import select
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

from orchestrator.host import identity, signals, spawn

ROOM: Final = 8 * 1024
"""Bytes for a command line: a longest path, and more. The server is started with an argument of that length."""

MESSAGE: Final = 2 * ROOM
"""Bytes of the longest message."""

STARTED, REFUSED, ENDED = "started", "refused", "ended"
"""Answers: pid and start ticks; an errno and 0; pid and exit status, negative for a signal."""

Loaded = Callable[[str], int]
"""What is loaded: its argument in, its exit status out."""

_ARG_START, _ARG_END = 45, 46  # proc_pid_stat(5), counted from what follows the name


class _CommandLine:
    """The memory in which the kernel finds our arguments. ``room`` is its size in bytes; 0: nobody says where it is."""

    def __init__(self) -> None:
        self._begin = self.room = 0
        with open("/proc/self/stat", "rb") as file:
            words = file.read().rpartition(b") ")[2].split()
        if len(words) > _ARG_END:
            self._begin = int(words[_ARG_START])
            self.room = int(words[_ARG_END]) - self._begin

    def show(self, line: bytes) -> None:
        """Have others see these arguments, each of which ends with NUL."""
        ctypes.memmove(self._begin, line.ljust(self.room, b"\0"), self.room)


def serve(fd: int, module: str, program: Loaded) -> None:
    """Fork ``program`` for whoever holds the other end of the socket ``fd``, until that end is closed.

    ``module`` is what this process is to be known as.
    """
    line = _CommandLine()
    if line.room < ROOM:
        return
    line.show(b"".join(os.fsencode(each) + b"\0" for each in (sys.executable, "-P", "-m", module)))
    client = socket.socket(fileno=fd)
    poll = select.poll()
    poll.register(client, select.POLLIN)
    children: dict[int, int] = {}
    with suppress(ConnectionError):
        while True:
            for ready, _ in poll.poll():
                if ready in children:
                    poll.unregister(ready)
                    _tell_end(client, ready, children.pop(ready))
                elif not _serve_one(client, poll, children, line, program):
                    return


def _serve_one(
    client: socket.socket, poll: select.poll, children: dict[int, int], line: _CommandLine, program: Loaded
) -> bool:
    """Carry out one request; False: there will be no more."""
    message, fds, _, _ = socket.recv_fds(client, MESSAGE, 1)
    if not message:
        return False
    try:
        pid = os.fork()
        if pid == 0:
            client.detach()
            _become(line, message, fds[0], program)
        pidfd = _pinned(pid)
    except OSError as error:
        client.send(b"%s %d 0" % (REFUSED.encode("ascii"), error.errno or errno.EAGAIN))
        return True
    finally:
        os.close(fds[0])
    children[pidfd] = pid
    poll.register(pidfd, select.POLLIN)
    client.send(b"%s %d %d" % (STARTED.encode("ascii"), pid, identity.start_ticks(pid) or 0))
    return True


def _pinned(pid: int) -> int:
    """Return a descriptor of a child; where there can be none, there is no such child either."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signals.KILL)
        os.waitpid(pid, 0)
        raise


def _tell_end(client: socket.socket, pidfd: int, pid: int) -> None:
    os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    client.send(b"%s %d %d" % (ENDED.encode("ascii"), pid, os.waitstatus_to_exitcode(status)))


def _become(line: _CommandLine, message: bytes, output: int, program: Loaded) -> NoReturn:
    """Be the new process; whatever goes wrong, never go on as a second server."""

    def whole() -> int:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        line.show(message + b"\0")
        return program(os.fsdecode(message.rpartition(b"\0")[2]))

    spawn.leave(whole)
