"""Claims in memory: the twin of the files, for tests and for one process."""

import builtins
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from orchestrator.claims import draft as drafts
from orchestrator.claims.store import Kept, Lost, Removed, Seen, Wanted, Won
from orchestrator.core.claim import Claim, judge
from orchestrator.core.machine import Machine, Sight
from orchestrator.core.name import check_name
from orchestrator.host import identity


def _look(pid: int) -> Sight:
    return identity.look(pid, group=True)


class MemoryClaims:
    """See :class:`ClaimStore`. ``look`` tells of a pid; tests pass one of their own."""

    def __init__(self, look: Callable[[int], Sight] = _look, here: Machine | None = None) -> None:
        self._look = look
        self._here = here or identity.machine()
        self._claims: dict[str, Claim] = {}
        self._fences: dict[str, int] = {}
        self._gone: set[tuple[str, str]] = set()
        self._lock = Lock()

    def claim(self, wanted: Wanted) -> Won | Lost:
        """Take the track, or say who holds it."""
        drafts.check(wanted)
        with self._lock:
            seen = self._seen(wanted.track)
            if seen is not None and seen.verdict.state != "dead":
                return Lost(seen)
            draft = drafts.draft(wanted, self._here, self._look)
            drafts.record(draft)
            if seen is not None:
                self._take_away(seen)
            fence = self._fences.get(wanted.track, 0) + 1
            self._fences[wanted.track] = fence
            claim = self._claims[wanted.track] = replace(draft, fence=fence)
            return Won(claim, "", seen)

    def release(self, track: str, token: str) -> Removed | Kept:
        """Give the track back; the second time is harmless."""
        return self._remove(track, token, lambda seen: "released by its owner" if seen.token == token else None)

    def break_(self, track: str, token: str) -> Removed | Kept:
        """Free exactly that claim for an operator."""
        return self._remove(track, token, lambda seen: "freed by an operator" if seen.token == token else None)

    def reap(self, track: str) -> Removed | Kept:
        """Free the track from a provably dead owner."""
        return self._remove(track, "", lambda seen: seen.verdict.why if seen.verdict.state == "dead" else None)

    def _remove(self, track: str, token: str, reason: Callable[[Seen], str | None]) -> Removed | Kept:
        check_name("track", track)
        with self._lock:
            seen = self._seen(track)
            if seen is None:
                again = (track, token) in self._gone
                return Removed(track, token, "it had been freed before", again=True) if again else _not_there(track)
            why = reason(seen)
            if why is None:
                return Kept(track, seen.verdict.why, seen)
            self._take_away(seen)
            return Removed(track, seen.token, why)

    def _take_away(self, seen: Seen) -> None:
        del self._claims[seen.track]
        self._gone.add((seen.track, seen.token))

    def read(self, track: str) -> Seen | None:
        """Return the track's claim, or None where it is free."""
        check_name("track", track)
        with self._lock:
            return self._seen(track)

    def list(self) -> builtins.list[Seen]:
        """Return every claim, sorted by track."""
        with self._lock:
            return [seen for track in sorted(self._claims) if (seen := self._seen(track)) is not None]

    def last_fence(self, track: str) -> int:
        """Return the greatest fence ever given for the track; 0 for none."""
        return self._fences.get(check_name("track", track), 0)

    def _seen(self, track: str) -> Seen | None:
        claim = self._claims.get(track)
        if claim is None:
            return None
        return Seen(track, "", claim, judge(claim, self._here, self._look(claim.pid)))


def _not_there(track: str) -> Kept:
    return Kept(track, "no lock is there")
