"""A terminal for tests: a program that believes a person sits in front of it."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# A session of its own with the terminal as its controlling one, then the program.
_TAKE: Final = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """The person's side of a terminal, and the program on the other."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.shown = ""
        self.program = subprocess.Popen(
            [sys.executable, "-c", _TAKE, *argv], cwd=cwd, env=dict(env), stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def shows(self, text: str, seconds: float = 15.0) -> None:
        """Wait until ``text`` was shown."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            left = deadline - time.monotonic()
            assert left > 0, f"not shown within {seconds} s: {text!r} in {self.shown!r}"
            if select.select([self._master], [], [], left)[0] and not self._read():
                break
        assert text in self.shown, self.shown

    def ends(self, seconds: float = 15.0) -> int:
        """Wait for the end of the program and return its status."""
        status = self.program.wait(seconds)
        while self._read():
            pass
        return status

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 4096)
        except OSError:  # nobody is left on the other side
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)

    def hang_up(self) -> None:
        """Take the terminal away."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def close(self) -> None:
        """Take the terminal away and end the program."""
        self.hang_up()
        self.program.kill()
        self.program.wait(10)


@contextmanager
def terminal(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """Yield a terminal in which ``argv`` runs; hang up afterwards."""
    made = Terminal(argv, cwd, env)
    try:
        yield made
    finally:
        made.close()
