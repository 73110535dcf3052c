"""One command and everything that descends from it, from its start to its last process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from orchestrator.core.phase import GRACE_SECONDS
from orchestrator.host import clock, signals, spawn, tree
from orchestrator.host.failpoint import reach
from orchestrator.worker.loop import Loop

_FOR_EVER: Final = 1e9

Why = Literal["itself", "late", "asked"]


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, where, with what, and for how long at most (seconds; None: no limit).

    ``forward``: a signal that asks us to end is passed on as it is, instead of SIGTERM. ``call``: what the child does
    instead, where that program is loaded already.
    """

    argv: Sequence[str]
    cwd: str | None
    env: Mapping[str, str]
    streams: spawn.Streams
    timeout: float | None = None
    grace: float = GRACE_SECONDS
    forward: bool = False
    call: Callable[[], int] | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """How it ended: the command's own ``code`` (None: it would not end), by whose will, at what cost.

    ``leftovers`` are the descendants that had to be ended after it. Not ``clean``: some could not be, and
    ``survivors`` are those of them that the machine shows.
    """

    why: Why
    code: int | None
    cpu_seconds: float
    peak_memory_bytes: int
    leftovers: int
    survivors: tuple[int, ...] = ()
    clean: bool = True


class Execution:
    """One command under a loop, whose reason to stop ends it."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._pid = -1
        self._code: int | None = None
        self._cpu = 0.0
        self._peak = 0

    def run(self, command: Command) -> Over:
        """Start the command and see it and its descendants to their end.

        Raises ``AgentUnavailable`` when it cannot be started. Whatever is raised here, no process is left.
        Children that we had before (a shell that became us had started them) are let alone.
        """
        spared = tree.descendants() if spawn.has_children() else tree.NOBODY
        self._pid = spawn.spawn(
            command.argv, cwd=command.cwd, env=command.env, streams=command.streams, call=command.call
        )
        ending = tree.Ending()
        try:
            reach("worker.started")
            why = self._wait(command.timeout)
        finally:
            gentle = self._loop.signal if command.forward else None
            ending = tree.Tree(self._turn, self._child, spared).end(command.grace, gentle or signals.TERM)
            self._turn(0)
        leftovers = ending.ended if why == "itself" else 0
        return Over(why, self._code, self._cpu, self._peak, leftovers, ending.survivors, ending.clean)

    def _wait(self, timeout: float | None) -> Why:
        deadline = clock.steady() + (_FOR_EVER if timeout is None else timeout)
        while self._code is None and not self._loop.reason:
            left = deadline - clock.steady()
            if left <= 0:
                return "late"
            self._turn(left)
        return "asked" if self._loop.reason else "itself"

    def _child(self) -> int | None:
        return self._pid if self._code is None else None

    def _turn(self, seconds: float) -> bool:
        calm = self._loop.turn(seconds)
        for ended in self._loop.collected():
            self._cpu += ended.cpu_seconds
            self._peak = max(self._peak, ended.peak_memory_bytes)
            if ended.pid == self._pid:
                self._code = ended.code
        return calm
