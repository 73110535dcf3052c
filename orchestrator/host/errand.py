"""A command that is run to its end for somebody who is not there: input from bytes, output to a file.

It may leave processes behind that go on with its output, as a launcher does: only its own end is waited for.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import CommandFailed
from orchestrator.host import clock
from orchestrator.host.process import kill_group

_LOOK: Final = 0.5


@dataclass(frozen=True, slots=True)
class Errand:
    """What to start, where, with what, with which bytes on its input, and for how long at most (seconds)."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    stdin: bytes
    timeout: float


def run(errand: Errand, output: int, meanwhile: Callable[[], object]) -> int:
    """Run a program in a session of its own; return its exit status (negative: the signal that ended it).

    ``output`` is the descriptor that both its streams go to; ``meanwhile`` is called twice a second. After its
    time, or when we are interrupted, its process group is killed. Raises :class:`CommandFailed` when it cannot be
    started or does not end in time.
    """
    child = _start(errand, output)
    deadline = clock.steady() + errand.timeout
    try:
        while (left := deadline - clock.steady()) > 0:
            try:
                return child.wait(min(left, _LOOK))
            except subprocess.TimeoutExpired:
                meanwhile()
    finally:
        if child.returncode is None:
            kill_group(child.pid)
            child.wait()
    raise CommandFailed(f"{visible(errand.argv[0])} did not end within {errand.timeout:g} s and was ended")


def _start(errand: Errand, output: int) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as words:
        words.write(errand.stdin)
        words.seek(0)
        try:
            return subprocess.Popen(
                errand.argv,
                cwd=errand.cwd,
                env=errand.env,
                stdin=words,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise CommandFailed(f"{visible(errand.argv[0])} cannot be started: {why}", hint="is it on PATH?") from error
