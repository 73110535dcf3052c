"""Children that speak with a machine which is not ours: for so long, with so much output, and nobody answers them."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final

from orchestrator.core.text import visible
from orchestrator.errors import CommandFailed
from orchestrator.host import clock
from orchestrator.host.process import Finished, kill_group, start

MOST: Final = 64 * 1024 * 1024
"""A child that prints more bytes is ended."""

KEPT: Final = 64 * 1024
"""So many bytes of each stream are kept of its beginning, and of its end."""

GRACE: Final = 2.0
"""Seconds that a child gets to take its locks away, once it is asked to end."""

_LOOK: Final = 0.05
_CUT: Final = b"\n[...]\n"


def never() -> bool:
    """Tell that somebody still waits."""
    return False


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a child may take (seconds), and what tells that nobody waits for it any more."""

    seconds: float
    stop: Callable[[], bool] = never


def run(argv: Sequence[str], *, cwd: str, env: Mapping[str, str], bounds: Bounds) -> Finished:
    """Run a program to its end, without input and without a terminal; return how it ended, with what is kept.

    Only its own end is waited for, not that of what it leaves behind. Raises :class:`CommandFailed`, with what it had
    printed, when it cannot be started, takes or prints too much, or nobody waits for it: then its group is ended.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = start(argv, cwd, env, (subprocess.DEVNULL, out, err))
        try:
            why = _seen(child, (out, err), bounds)
        finally:
            if child.returncode is None:
                _end(child)
        if why:
            told = [_kept(each).decode("utf-8", "backslashreplace") for each in (out, err)]
            raise CommandFailed(f"{visible(argv[0])} {why} and was ended", stdout=told[0], stderr=told[1])
        return Finished(child.returncode, _kept(out), _kept(err))


def _seen(child: "subprocess.Popen[bytes]", streams: Sequence[IO[bytes]], bounds: Bounds) -> str:
    """Wait for a child; return why it is to be ended, or nothing once it has."""
    deadline = clock.steady() + bounds.seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK)
            return ""
        if clock.steady() > deadline:
            return f"did not end within {bounds.seconds:g} s"
        if sum(os.fstat(each.fileno()).st_size for each in streams) > MOST:
            return f"printed more than {MOST >> 20} MB"
        if bounds.stop():
            return "was no longer waited for"


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End a child with its process group: asked, then killed."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
    deadline = clock.steady() + GRACE
    while clock.steady() < deadline and not _has_ended(child.pid):
        clock.pause(_LOOK / 2)
    kill_group(child.pid)
    child.wait()


def _has_ended(pid: int) -> bool:
    """Tell whether a child has ended, without collecting it: until then its group's number is nobody else's."""
    if not hasattr(os, "waitid"):
        return False
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kept(stream: IO[bytes]) -> bytes:
    size = os.fstat(stream.fileno()).st_size
    if size <= 2 * KEPT:
        return os.pread(stream.fileno(), 2 * KEPT, 0)
    return os.pread(stream.fileno(), KEPT, 0) + _CUT + os.pread(stream.fileno(), KEPT, size - KEPT)
