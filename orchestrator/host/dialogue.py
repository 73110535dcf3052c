"""A child that answers as long as it is asked: a question on its stdin, the answer on its stdout, with a deadline."""

import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO, Final, Self, cast

from orchestrator.core.text import visible
from orchestrator.errors import CommandFailed
from orchestrator.host import clock
from orchestrator.host.process import kill_group, start

_PIECE: Final = 1 << 16


class Dialogue:
    """A child for the block of a ``with``. Every answer has to come within ``timeout`` seconds.

    Raises :class:`CommandFailed` when it cannot be started, ends, or keeps us waiting; it is ended then.
    """

    def __init__(self, argv: Sequence[str], *, cwd: str, env: Mapping[str, str], timeout: float) -> None:
        self._name = visible(argv[0])
        self._timeout = timeout
        self._read = b""
        self._child = start(argv, cwd, env, (subprocess.PIPE, subprocess.PIPE, subprocess.DEVNULL))
        self._in, self._out = cast("IO[bytes]", self._child.stdin), cast("IO[bytes]", self._child.stdout)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)

    @property
    def pid(self) -> int:
        """The child."""
        return self._child.pid

    def __enter__(self) -> Self:
        """Nothing to do yet."""
        return self

    def __exit__(self, *_raised: object) -> None:
        """End the child: it has nothing more to read."""
        self.close()

    def close(self) -> None:
        """End the child, kindly; harmless the second time."""
        self._in.close()
        self._out.close()
        try:
            self._child.wait(self._timeout)
        except subprocess.TimeoutExpired:
            self._kill()

    def say(self, question: bytes) -> None:
        """Write a question; it must be short enough for a pipe (4 KiB)."""
        try:
            os.write(self._in.fileno(), question)
        except OSError as error:
            raise self._ended() from error

    def line(self) -> bytes:
        """Return the next line of the answer, without its end."""
        deadline = clock.steady() + self._timeout
        while b"\n" not in self._read:
            self._more(deadline)
        found, _, self._read = self._read.partition(b"\n")
        return found

    def exactly(self, count: int) -> bytes:
        """Return the next bytes of the answer."""
        deadline = clock.steady() + self._timeout
        pieces = [self._read]
        missing = count - len(self._read)
        while missing > 0:
            self._read = b""
            self._more(deadline)
            pieces.append(self._read)
            missing -= len(self._read)
        whole = b"".join(pieces)
        self._read = whole[count:]
        return whole[:count]

    def _more(self, deadline: float) -> None:
        if not self._poll.poll(max(0.0, deadline - clock.steady()) * 1000):
            self._kill()
            raise CommandFailed(f"{self._name} did not answer within {self._timeout:g} s and was ended")
        piece = os.read(self._out.fileno(), _PIECE)
        if not piece:
            raise self._ended()
        self._read += piece

    def _ended(self) -> CommandFailed:
        return CommandFailed(f"{self._name} ended before it had answered")

    def _kill(self) -> None:
        kill_group(self._child.pid)
        self._child.wait()
