"""What the loop knows of the claims: the last look at each lock, and a hold on each living owner.

A hold (pidfd) tells of a death at once. Where there is none to be had, deaths are found by looking again.
"""

import os
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.claims import FileClaims, Seen
from orchestrator.core.claim import Claim, Record
from orchestrator.core.name import is_name
from orchestrator.daemon.pace import Pace
from orchestrator.host import clock, identity, pidfd

DOUBTFUL_LOOK: Final = 0.25
"""Seconds between two looks at owners whose end nobody tells us of."""

DOUBTFUL_SHARE: Final = 0.05
"""They may take this share of the time; the more there are, the more rarely each is looked at."""

ENDING: Final = ".lock"
ONE_BY_ONE: Final = 100
"""More locks than this are read in one go."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A track whose lock is another one than before; ``before`` and ``after`` are None where it is free."""

    track: str
    before: Seen | None
    after: Seen | None


def left(change: Changed) -> str | None:
    """Return the run whose claim it was, where the owner of that claim is there no longer."""
    before, after = change.before, change.after
    if before is None or not isinstance(before.record, Claim) or (after is not None and after.verdict.state == "alive"):
        return None
    return before.record.run


class ClaimSensor:
    """The locks in the folder ``locks``.

    ``on_fd`` and ``off_fd`` begin and end waiting for a descriptor; :meth:`ended` wants to be told. ``most_holds``:
    so many owners are held by a descriptor, the others are looked at again and again.
    """

    def __init__(
        self,
        store: FileClaims,
        locks: str,
        most_holds: int,
        on_fd: Callable[[int, str], None],
        off_fd: Callable[[int], None],
    ) -> None:
        self.seen: dict[str, Seen] = {}
        self._store = store
        self._locks = locks
        self._most_holds = most_holds
        self._on_fd = on_fd
        self._off_fd = off_fd
        self._holds: dict[str, tuple[str, int]] = {}
        self._in_state: dict[str, set[str]] = {"dead": set(), "orphaned": set()}
        self._unheld: set[str] = set()
        self._pace = Pace(DOUBTFUL_LOOK, DOUBTFUL_SHARE)

    def refresh(self, tracks: Iterable[str]) -> list[Changed]:
        """Look at these tracks again, and at all of them where these are many."""
        there = [track for track in tracks if track in self.seen or os.path.lexists(f"{self._locks}/{track}{ENDING}")]
        if len(there) > ONE_BY_ONE:
            return self._all()
        return [change for track in there if (change := self._update(track, self._store.read(track))) is not None]

    def rescan(self) -> list[Changed]:
        """Look at every lock again. Where the file is the same and its owner held, or dead, a look at it will do."""
        files = self._files()
        changed = [track for track, facts in files.items() if not self._is_settled(track, facts)]
        if not all(map(is_name, changed)):
            return self._all()
        gone = [track for track in self.seen if track not in files]
        return self.refresh(changed) + self.gone(gone)

    def _all(self) -> list[Changed]:
        found = {each.track: each for each in self._store.list()}
        gone = [track for track in self.seen if track not in found]
        changes = (self._update(track, seen) for track, seen in found.items())
        return [each for each in changes if each is not None] + self.gone(gone)

    def gone(self, tracks: Iterable[str]) -> list[Changed]:
        """The locks of these tracks are no longer there."""
        return [change for track in tracks if (change := self._update(track, None)) is not None]

    def _files(self) -> dict[str, tuple[int, int]]:
        """Return inode and modification time (ns) of every lock file."""
        found = {}
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self._locks) as entries:
            for entry in entries:
                if entry.name.endswith(ENDING):
                    with suppress(FileNotFoundError):
                        facts = entry.stat(follow_symlinks=False)
                        found[entry.name.removesuffix(ENDING)] = (facts.st_ino, facts.st_mtime_ns)
        return found

    def _is_settled(self, track: str, facts: tuple[int, int]) -> bool:
        seen = self.seen.get(track)
        if seen is None or (seen.inode, seen.written_ns) != facts:
            return False
        return track in self._holds or track in self.dead

    def refresh_doubtful(self, now: float) -> list[Changed]:
        """Look again at those whose end nobody tells us of, when that is due."""
        doubtful = self._unheld | self._in_state["orphaned"]
        if not doubtful or now < self._pace.due:
            return []
        changes = self.refresh(sorted(doubtful))
        self._pace.took(now, clock.steady())
        return changes

    @property
    def due(self) -> float | None:
        """When (monotonic s) to look again at the doubtful ones; None: there are none."""
        return self._pace.due if self._unheld or self._in_state["orphaned"] else None

    @property
    def dead(self) -> AbstractSet[str]:
        """The tracks whose owners are provably dead."""
        return self._in_state["dead"]

    def ended(self, track: str) -> None:
        """The hold says that the owner has ended: it is let go, and the lock is looked at again."""
        if track in self._holds:
            self._drop(track)
            self._unheld.add(track)

    def close(self) -> None:
        """Let every hold go."""
        for track in list(self._holds):
            self._drop(track)

    def _update(self, track: str, after: Seen | None) -> Changed | None:
        before = self.seen.pop(track, None)
        if after is not None:
            self.seen[track] = after
        for state, tracks in self._in_state.items():
            if after is not None and after.verdict.state == state:
                tracks.add(track)
            else:
                tracks.discard(track)
        self._hold(track, after)
        if before is None and after is None:
            return None
        if before is not None and after is not None and _gist(before) == _gist(after):
            return None
        return Changed(track, before, after)

    def _hold(self, track: str, seen: Seen | None) -> None:
        """Keep a hold on the owner of exactly this lock."""
        owner = seen if seen is not None and seen.verdict.state == "alive" else None
        held = self._holds.get(track)
        if held is not None and (owner is None or held[0] != owner.token):
            self._drop(track)
        self._unheld.discard(track)
        if owner is not None and track not in self._holds and not self._pin(track, owner.token, owner.record):
            self._unheld.add(track)

    def _pin(self, track: str, token: str, record: Record) -> bool:
        """Hold the owner just found alive. A hold only wakes the loop, which then judges anew."""
        if record.pid is None or len(self._holds) >= self._most_holds:
            return False
        fd = None
        with suppress(OSError):
            ticks = record.start_ticks if isinstance(record, Claim) else identity.start_ticks(record.pid)
            fd = pidfd.pin(record.pid, ticks or -1)
        if fd is None:
            return False
        self._holds[track] = (token, fd)
        self._on_fd(fd, track)
        return True

    def _drop(self, track: str) -> None:
        _, fd = self._holds.pop(track)
        self._off_fd(fd)
        os.close(fd)


def _gist(seen: Seen) -> tuple[str, str]:
    return seen.token, seen.verdict.state
