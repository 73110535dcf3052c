"""Children that stay ours: started in our process group, killed when we are, waited for with their costs.

By fork and exec, for a process with one thread: ``subprocess`` would double the memory of a worker
that does nothing else, and it keeps what wait4(2) tells to itself.
"""

import errno
import fcntl
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, NoReturn

from orchestrator.core.outcome import BUG
from orchestrator.core.text import visible
from orchestrator.errors import AgentUnavailable
from orchestrator.host import prctl, signals

Program = Callable[[Sequence[str]], int]
"""The main function of a module of ours: arguments in, exit status out."""

_FAILED: Final = 127
_FIRST: Final = 3  # of the descriptors that are no standard stream
_RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Streams:
    """The descriptors that a child gets as its standard streams."""

    stdin: int = 0
    stdout: int = 1
    stderr: int = 2


@dataclass(frozen=True, slots=True)
class Ended:
    """A child that ended. ``code`` is its exit status; negative: the signal that ended it.

    ``cpu_seconds`` and ``peak_memory_bytes`` cover it and the descendants that it waited for.
    """

    pid: int
    code: int
    cpu_seconds: float
    peak_memory_bytes: int


def spawn(
    argv: Sequence[str],
    *,
    cwd: str | None,
    env: Mapping[str, str],
    streams: Streams,
    call: Callable[[], int] | None = None,
) -> int:
    """Start a program in our process group and return its pid. It dies with us.

    ``cwd`` None: where we are. The program is looked for on the PATH of ``env``. ``call`` is what the child does
    instead where that program is loaded already, its exit status out; we must have one thread then. Raises
    :class:`AgentUnavailable` when the folder or the program is not there or cannot be used; the cause
    of that error is the ``OSError``.
    """
    reader, writer = os.pipe()
    parent = os.getpid()
    try:
        with signals.held_back():
            pid = os.fork()
            if pid == 0:
                become = partial(_execute, argv, env) if call is None else partial(_call, call, env)
                _become(parent, cwd, streams, become, writer)  # never returns
        os.close(writer)
        writer = -1
        trouble = os.read(reader, 64)
    except OSError as error:
        raise AgentUnavailable(f"no process can be started: {os.strerror(error.errno or 0)}") from error
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
    if trouble:
        os.waitpid(pid, 0)
        _refuse(trouble, argv, cwd)
    return pid


def _refuse(trouble: bytes, argv: Sequence[str], cwd: str | None) -> NoReturn:
    where, _, number = trouble.decode("ascii").partition(" ")
    cause = OSError(int(number), os.strerror(int(number)))  # of the class that belongs to the number
    if where == "folder":
        raise AgentUnavailable(
            f"the working directory {visible(cwd or '')} cannot be used: {cause.strerror}"
        ) from cause
    raise AgentUnavailable(f"{visible(argv[0])} cannot be started: {cause.strerror}") from cause


def _become(parent: int, cwd: str | None, streams: Streams, become: Callable[[], NoReturn], trouble: int) -> NoReturn:
    """Be the child, from the fork to the program; whatever goes wrong, never go on as a second parent."""
    where, number = "start", 0
    try:
        if not prctl.die_with(parent):
            os._exit(_FAILED)
        _connect(streams)
        signals.as_new()
        where = "folder"
        if cwd is not None:
            os.chdir(cwd)
        where = "program"
        become()
    except OSError as error:
        number = error.errno or errno.EIO
    except ValueError:
        number = errno.EINVAL
    finally:
        with suppress(OSError):
            os.write(trouble, b"%s %d" % (where.encode("ascii"), number))
        os._exit(_FAILED)


def _execute(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    os.execvpe(argv[0], list(argv), env)


def _call(call: Callable[[], int], env: Mapping[str, str]) -> NoReturn:
    """Do what a program would do that was started with ``env`` and nothing of ours but its streams."""
    os.environ.clear()
    os.environ.update(env)
    os.closerange(_FIRST, os.sysconf("SC_OPEN_MAX"))
    leave(call)


def leave(call: Callable[[], int]) -> NoReturn:
    """Do one last thing and end with its status, as a program does; nothing of whoever forked us is run any more."""
    status = BUG
    try:
        status = call()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  # as where a program ends: what gets here is a bug, and its report must not be lost
        traceback.print_exc()
    finally:
        os._exit(status)


def _connect(streams: Streams) -> None:
    """Put the streams in their places; first out of each other's way."""
    fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (streams.stdin, streams.stdout, streams.stderr)]
    for place, fd in enumerate(fds):
        os.dup2(fd, place)


def reap() -> list[Ended]:
    """Collect every child that has ended, the orphans that we were given included."""
    found = []
    with suppress(ChildProcessError):
        while True:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                break
            cpu = usage.ru_utime + usage.ru_stime
            found.append(Ended(pid, os.waitstatus_to_exitcode(status), cpu, usage.ru_maxrss * _RSS_UNIT))
    return found


def has_children() -> bool:
    """Tell whether we have children, the dead that were not yet collected included. A system may not say: False."""
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
