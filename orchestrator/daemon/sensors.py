"""What the loop knows of the claims: the last look at each lock, and a hold on each living owner.

A hold (pidfd) tells of a death at once. Where there is none to be had, deaths are found by rescans.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from orchestrator.claims import FileClaims, Seen
from orchestrator.core.claim import Claim, Record
from orchestrator.host import identity, pidfd


@dataclass(frozen=True, slots=True)
class Changed:
    """A track whose lock is another one than before; ``before`` and ``after`` are None where it is free."""

    track: str
    before: Seen | None
    after: Seen | None


class ClaimSensor:
    """The locks below one root. ``on_fd`` and ``off_fd`` begin and end waiting for a descriptor."""

    def __init__(self, store: FileClaims, on_fd: Callable[[int, str], None], off_fd: Callable[[int], None]) -> None:
        self.seen: dict[str, Seen] = {}
        self._store = store
        self._on_fd = on_fd
        self._off_fd = off_fd
        self._holds: dict[str, tuple[str, int]] = {}
        self.unheld = 0

    def refresh(self, tracks: Iterable[str]) -> list[Changed]:
        """Look at these tracks again."""
        return [change for track in tracks if (change := self._update(track, self._store.read(track))) is not None]

    def rescan(self) -> list[Changed]:
        """Look at every lock again."""
        now = {each.track: each for each in self._store.list()}
        self.unheld = 0
        gone = [track for track in self.seen if track not in now]
        return [change for track in (*now, *gone) if (change := self._update(track, now.get(track))) is not None]

    def dead(self) -> list[str]:
        """Return the tracks whose owners are provably dead."""
        return [track for track, each in self.seen.items() if each.verdict.state == "dead"]

    def orphaned(self) -> list[str]:
        """Return the tracks whose owners are dead while their groups live."""
        return [track for track, each in self.seen.items() if each.verdict.state == "orphaned"]

    def close(self) -> None:
        """Let every hold go."""
        for track in list(self._holds):
            self._drop(track)

    def _update(self, track: str, after: Seen | None) -> Changed | None:
        before = self.seen.pop(track, None)
        if after is not None:
            self.seen[track] = after
        self._hold(track, after)
        if (
            before is not None
            and after is not None
            and (before.token, before.verdict.state) == (after.token, after.verdict.state)
        ):
            return None
        return None if before is None and after is None else Changed(track, before, after)

    def _hold(self, track: str, seen: Seen | None) -> None:
        """Keep a hold on the owner of exactly this lock."""
        held = self._holds.get(track)
        if seen is None or seen.verdict.state != "alive" or (held is not None and held[0] != seen.token):
            if held is not None:
                self._drop(track)
            held = None
        if held is None and seen is not None and seen.verdict.state == "alive":
            self._pin(track, seen.token, seen.record)

    def _pin(self, track: str, token: str, record: Record) -> None:
        """Hold the owner just found alive. A hold only wakes the loop, which then judges anew."""
        if record.pid is None:
            return
        ticks = record.start_ticks if isinstance(record, Claim) else identity.start_ticks(record.pid)
        fd = None
        with suppress(OSError):
            fd = pidfd.pin(record.pid, ticks or -1)
        if fd is None:
            self.unheld += 1
            return
        self._holds[track] = (token, fd)
        self._on_fd(fd, track)

    def _drop(self, track: str) -> None:
        _, fd = self._holds.pop(track)
        self._off_fd(fd)
        os.close(fd)
