"""The only way a lock goes: release, reap and break, and the take-over from a dead owner.

Guard, read again, judge again, journal, keep a copy, unlink.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Final

from orchestrator.claims.guard import Guard
from orchestrator.claims.opened import Opened
from orchestrator.claims.reading import Lock, Reading
from orchestrator.claims.store import Journal, Kept, Removed
from orchestrator.core.claim import Claim
from orchestrator.errors import OrchdError
from orchestrator.host.failpoint import reach

NOT_THERE: Final = "no lock is there"
_TRIES: Final = 3

Hold = Callable[[str, Opened], AbstractContextManager[Guard]]
"""Holds the guard of a track."""

Reason = Callable[[Lock, Opened], str | None]
"""Says why a lock may go, or None where it may not."""


class Removal:
    """Takes locks away, and journals every change."""

    def __init__(self, reading: Reading, hold: Hold, journal: Journal) -> None:
        self._reading = reading
        self._hold = hold
        self._journal = journal

    def remove(self, track: str, event: str, reason: Reason, token: str, opened: Opened) -> Removed | Kept:
        """Remove the lock if there is a ``reason`` for it under the guard.

        Where there is no lock nobody waits for the guard, which may not even exist.
        """
        if not opened.is_locked(track):
            return self._stays(track, None, token, opened)
        with self._hold(track, opened):
            reach("remove.guarded")
            for _ in range(_TRIES):
                lock = self._reading.lock(track, opened)
                why = reason(lock, opened) if lock is not None else None
                if lock is None or why is None:
                    break
                if self.take_away(lock, event, why, opened):
                    return Removed(track, lock.record.token, why)
            return self._stays(track, lock, token, opened)

    def _stays(self, track: str, lock: Lock | None, token: str, opened: Opened) -> Removed | Kept:
        if lock is not None:
            seen = self._reading.seen(lock, opened)
            return Kept(track, seen.verdict.why, seen)
        if opened.was_kept(track, token):
            return Removed(track, token, "it had been freed before", again=True)
        return Kept(track, NOT_THERE)

    def take_away(self, lock: Lock, event: str, why: str, opened: Opened) -> bool:
        """Journal, keep a copy, unlink; tell whether it was still the ``lock`` that was read under the guard."""
        record, token = lock.record, lock.record.token
        fields = public(record) if isinstance(record, Claim) else {"token": token}
        self.tell(event, lock.track, {**fields, "why": why})
        reach("remove.journaled")
        opened.keep(lock.track, token)
        reach("remove.kept")
        gone = opened.unlink(lock.track, token, (lock.inode, lock.written_ns))
        reach("remove.unlinked")
        return gone

    def tell(self, event: str, track: str, fields: Mapping[str, object]) -> None:
        """Journal a change. A journal that cannot be written must not keep a track from being freed."""
        with suppress(OSError, OrchdError):
            self._journal(event, {"track": track, **fields})


def public(claim: Claim) -> Mapping[str, object]:
    """Return what the journal says of a claim."""
    return {name: getattr(claim, name) for name in ("token", "fence", "pid", "owner", "run", "attempt")}
