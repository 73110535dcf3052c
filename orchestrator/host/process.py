"""The door to child processes that are run to their end: argv lists, deadlines, both streams.

Children that outlive a call are started through :mod:`orchestrator.host.children`.
"""

import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from orchestrator.core.text import visible
from orchestrator.errors import CommandFailed
from orchestrator.host.signals import ignore, signal_name, signal_number

__all__ = ["Finished", "ignore", "kill_group", "program", "run", "signal_name", "signal_number", "start"]

Stream = int | IO[bytes]
"""A descriptor, a file, or one of subprocess's own words for one."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended. ``status`` is its exit status; negative: the signal that ended it."""

    status: int
    stdout: bytes
    stderr: bytes

    def text(self) -> str:
        """What it printed on stdout, without the final newline; undecodable bytes escaped."""
        return self.stdout.decode("utf-8", "backslashreplace").rstrip("\n")


def run(
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    stdin: bytes = b"",
) -> Finished:
    """Run a program to its end and return how it ended, whatever its status.

    Its name is looked for in the absolute folders of our PATH: ``.`` would be ``cwd``, and what stands there.
    ``timeout`` in seconds: then it and its whole process group are killed. ``env`` None: ours. Raises
    :class:`CommandFailed` when it cannot be started or does not end in time.
    """
    with start(argv, cwd, env, (subprocess.PIPE, subprocess.PIPE, subprocess.PIPE)) as child:
        try:
            stdout, stderr = child.communicate(stdin, timeout)
        except subprocess.TimeoutExpired as error:
            kill_group(child.pid)
            raise CommandFailed(f"{visible(argv[0])} did not end within {timeout:g} s and was ended") from error
        except BaseException:
            kill_group(child.pid)
            raise
    return Finished(child.returncode, stdout, stderr)


def start(
    argv: Sequence[str], cwd: str, env: Mapping[str, str] | None, streams: tuple[Stream, Stream, Stream]
) -> "subprocess.Popen[bytes]":
    """Start a program in a session of its own, with these standard streams, for whoever sees to its end in this room.

    Raises :class:`CommandFailed` when it cannot be started.
    """
    try:
        return subprocess.Popen(
            argv,
            executable=program(argv[0]),
            cwd=cwd,
            env=env,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            start_new_session=True,
        )
    except OSError as error:
        if not os.path.isdir(cwd):
            raise CommandFailed(
                f"{visible(argv[0])} cannot be started: the folder {visible(cwd)} is not there"
            ) from error
        raise CommandFailed(
            f"{visible(argv[0])} cannot be started: {os.strerror(error.errno or 0)}",
            hint="is it installed and on PATH?",
        ) from error


def program(name: str) -> str:
    """Return the path of a program; raises ``FileNotFoundError`` where PATH has none of that name."""
    if os.sep in name:
        return name
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def kill_group(leader: int) -> None:
    """SIGKILL the process group of a child of ours that we have not yet waited for."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
