"""Processes that are not our children, told by what they were started with; and a word to exactly those.

A pid proves nothing. What is signalled is pinned first and its start compared, and it was found by its
command line, by the environment that it was given, or as a descendant of such a process.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import psutil

from orchestrator.host import clock, identity, pidfd, signals

LOOK: Final = 0.05
"""Seconds between two looks at processes that were asked to end."""

ROUNDS: Final = 5
"""So often is looked for what was started while the others were stopped."""

Found = Mapping[int, int]
"""Processes: pid → start ticks."""


def command_line(pid: int) -> list[str]:
    """Return the argv of a process of our user; empty when it is gone or hidden, or somebody else's.

    Anybody may start a program with whatever arguments: those of other users are proof of nothing. Empty words at the
    end are left out: where a process shows another command line than it was started with, they fill the rest.
    """
    argv: list[str] = []
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        if process.uids().real == os.getuid():
            argv = process.cmdline()
    while argv and not argv[-1]:
        argv.pop()
    return argv


def running(module: str) -> dict[str, tuple[int, int]]:
    """Return the processes that run a Python module on one argument: argument → (pid, start ticks)."""
    found = {}
    for pid in psutil.pids():
        argv = command_line(pid)
        if len(argv) > 1 and argv[-3:-1] == ["-m", module]:
            ticks = identity.start_ticks(pid)
            if ticks is not None:
                found[argv[-1]] = (pid, ticks)
    return found


def carrying(marks: Mapping[str, str]) -> Found:
    """Return the living processes, ourselves excepted, that were started with all of these variables.

    No variables are carried by nobody, so that a caller's mistake ends nobody.
    """
    found: dict[int, int] = {}
    for pid in psutil.pids() if marks else ():
        sight = identity.look(pid)
        if pid != os.getpid() and sight.seen in ("running", "stopped") and sight.start_ticks is not None:
            around: Mapping[str, str] = {}
            with suppress(psutil.Error, OSError):
                around = psutil.Process(pid).environ()
            if all(around.get(name) == value for name, value in marks.items()):
                found[pid] = sight.start_ticks
    return found


def tree_of(leader: int) -> Found:
    """Return a process, the members of its session, and everything that descends from one of them."""
    everyone = identity.processes()
    found = {pid: facts[3] for pid, facts in everyone.items() if leader in (pid, facts[2])}
    grown = True
    while grown:
        more = {pid: facts[3] for pid, facts in everyone.items() if facts[0] in found and pid not in found}
        found |= more
        grown = bool(more)
    return found


def tell(pid: int, start_ticks: int, *numbers: int) -> bool:
    """Send signals to exactly that process; tell whether it was still there to get them."""
    with suppress(OSError):
        fd = pidfd.pin(pid, start_ticks)
        if fd is not None:
            try:
                return all(pidfd.send(fd, number) for number in numbers)
            finally:
                os.close(fd)
        if not hasattr(os, "pidfd_open") and identity.start_ticks(pid) == start_ticks:
            for number in numbers:
                os.kill(pid, number)
            return True
    return False


def ask(found: Found) -> None:
    """Ask processes to end. Those that are stopped go on, so that they can."""
    for pid, ticks in found.items():
        tell(pid, ticks, signals.TERM, signals.CONTINUE)


def kill(find: Callable[[], Found]) -> Found:
    """End what ``find`` finds, at once; return what it was.

    First all of them are stopped, and what they started meanwhile too: what is stopped starts nothing.
    """
    stopped: dict[int, int] = {}
    for _ in range(ROUNDS):
        fresh = {pid: ticks for pid, ticks in find().items() if stopped.get(pid) != ticks}
        if not fresh:
            break
        for pid, ticks in fresh.items():
            tell(pid, ticks, signals.STOP)
        stopped |= fresh
    for pid, ticks in stopped.items():
        tell(pid, ticks, signals.KILL)
    return stopped


def end(find: Callable[[], Found], grace: float) -> Found:
    """End what ``find`` finds: asked, then ``grace`` seconds, then killed. Waits; returns what there was."""
    found = find()
    ask(found)
    deadline = clock.steady() + grace
    while found and (left := find()) and clock.steady() < deadline:
        found = {**found, **left}
        clock.pause(LOOK)
    return {**found, **kill(find)} if found else found
