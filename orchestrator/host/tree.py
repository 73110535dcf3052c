"""Everything that descends from this process, and how to end it.

A process that has become a subreaper (:mod:`orchestrator.host.prctl`) stays the ancestor of whatever it
started, however often that forked or moved to another session. Each process is pinned and its start
compared before it is signalled; a pid alone is never believed, but for a child not yet waited for.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.host import clock, identity, pidfd, signals, spawn

Pause = Callable[[float], bool]
"""Waits at most so many seconds for a child to end, and collects those that did; False: hurry."""

WITHIN: Final = 5.0
"""Seconds in which the last step, SIGKILL, must have ended everything."""

NOBODY: Final[Mapping[int, int]] = {}
_RESCAN: Final = 1.0
_AGAIN: Final = 0.02


@dataclass(frozen=True, slots=True)
class Ending:
    """How many processes had to be ended; whether none is left; and which are, as far as can be seen."""

    ended: int = 0
    clean: bool = True
    survivors: tuple[int, ...] = ()


def descendants(spared: Mapping[int, int] = NOBODY) -> dict[int, int]:
    """Return every living process that descends from us: pid → start ticks.

    Without the ``spared`` and what descends from them. Where the machine does not say, there are none.
    """
    if not identity.IS_LINUX or not spawn.has_children():
        return {}
    everyone: dict[int, tuple[int, int, int, int]] = {}
    with suppress(OSError):
        everyone = identity.processes()
    children: dict[int, list[int]] = {}
    for pid, (parent, _group, _session, _ticks) in everyone.items():
        children.setdefault(parent, []).append(pid)
    found: dict[int, int] = {}
    parents = [os.getpid()]
    while parents:
        for pid in children.get(parents.pop(), ()):
            ticks = everyone[pid][3]
            if spared.get(pid) != ticks:
                found[pid] = ticks
                parents.append(pid)
    return found


class Tree:
    """Our descendants but the ``spared``, which were there before.

    ``child`` tells the pid of the child that matters most, None once it was waited for: it is ended even
    where the machine does not show who descends from whom. ``pause`` is how to wait.
    """

    def __init__(self, pause: Pause, child: Callable[[], int | None], spared: Mapping[int, int] = NOBODY) -> None:
        self._pause = pause
        self._child = child
        self._spared = spared
        self._ended: set[tuple[int, int]] = set()

    def end(self, grace: float, gentle: int = signals.TERM) -> Ending:
        """End them: ``gentle``, then ``grace`` seconds, then SIGKILL until none is left.

        Bounded: after WITHIN seconds of SIGKILL it says which ones it could not end.
        """
        if self._left():
            members = descendants(self._spared)
            self._send(members, gentle)
            self._send(members, signals.CONTINUE)
        deadline = clock.steady() + grace
        calm = self._pause(0)
        while calm and self._left() and (remaining := deadline - clock.steady()) > 0:
            calm = self._pause(min(remaining, _RESCAN))
        self._kill()
        if not self._left():
            return Ending(len(self._ended))
        return Ending(len(self._ended), clean=False, survivors=tuple(sorted(descendants(self._spared))))

    def _left(self) -> bool:
        """Tell whether anything is left. Who has no children has no descendants; a look at /proc may miss some."""
        if self._child() is not None:
            return True
        return bool(descendants(self._spared)) if self._spared else spawn.has_children()

    def _kill(self) -> None:
        """Stop, look again until nothing new has come, and only then kill: what is stopped cannot fork.

        Killing at once would make room for the children of a fork bomb that has reached its limit.
        """
        start = clock.steady()
        stopped: set[tuple[int, int]] = set()
        while self._left() and clock.steady() < start + WITHIN:
            members = descendants(self._spared)
            fresh = {pid: ticks for pid, ticks in members.items() if (pid, ticks) not in stopped}
            if fresh and clock.steady() < start + WITHIN / 2:
                stopped |= fresh.items()
                self._send(fresh, signals.STOP)
                self._pause(0)
            else:
                self._send(members, signals.KILL)
                self._pause(_AGAIN)

    def _send(self, members: Mapping[int, int], number: int) -> None:
        self._ended |= {(pid, ticks) for pid, ticks in members.items() if _signal(pid, ticks, number)}
        child = self._child()
        if child is not None and child not in members:
            with suppress(OSError):
                os.kill(child, number)
                self._ended.add((child, 0))


def _signal(pid: int, ticks: int, number: int) -> bool:
    with suppress(OSError):
        fd = pidfd.pin(pid, ticks)
        if fd is not None:
            try:
                return pidfd.send(fd, number)
            finally:
                os.close(fd)
        if not hasattr(os, "pidfd_open") and identity.start_ticks(pid) == ticks:
            os.kill(pid, number)
            return True
    return False
