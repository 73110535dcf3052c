"""Claims as files, ``.orchestrator_locks/<track>.lock``: the public protocol, version 1.

A lock is complete before it is visible (a private file, then a hard link), and everything that
changes a track happens under that track's guard: check, fence and link in one hold; removal only
after reading again. Four simpler protocols were measured and each let two owners in.
"""

import builtins
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Final

from orchestrator.claims import draft as drafts
from orchestrator.claims.folder import ClaimsFolder
from orchestrator.claims.guard import Guard, hold
from orchestrator.claims.opened import SUFFIX, Opened
from orchestrator.claims.reading import Lock, Reading
from orchestrator.claims.removal import NOT_THERE, Reason, Removal, public
from orchestrator.claims.store import Journal, Kept, Lost, Removed, Seen, Wanted, Won
from orchestrator.core.claim import Claim, Opaque, Verdict, fence_field, fence_offset
from orchestrator.core.name import check_name
from orchestrator.errors import OrchdError
from orchestrator.host import files, identity, temps
from orchestrator.host.failpoint import reach

WAIT: Final = 5.0
"""Seconds to wait for another process inside an operation on the same track."""

_SWEEPS: Final = ("000", "400", "800", "c00")
"""Whoever removes a lock whose token, a random number, ends so also sweeps: one in 1,024."""


def _silent(_event: str, _fields: object) -> None:
    """Journal nothing."""


class FileClaims:
    """The claims below one root. Cheap to make; reading never writes.

    ``journal`` gets every change. ``wait`` is how long (s) to wait for a guard; 0 is for callers
    that come back by themselves.
    """

    def __init__(self, root: str, *, journal: Journal = _silent, wait: float = WAIT) -> None:
        self._here = identity.machine()
        self._folder = ClaimsFolder(root)
        self._reading = Reading(self._folder, self._here)
        self._removal = Removal(self._reading, self._hold, journal)
        self._wait = wait

    @property
    def machine(self) -> str:
        """The host id that our own claims carry."""
        return self._here.host_id

    def claim(self, wanted: Wanted) -> Won | Lost:
        """Take the track, or say who holds it. See :class:`ClaimStore`.

        Raises ``UsageError`` for a claimant that is not alive, ``UnsupportedFilesystem``, ``UnsafeFolder``,
        ``GuardBusy`` and ``SystemFailure``; in each case nothing was taken.
        """
        drafts.check(wanted)
        with _Failing(f"cannot claim {wanted.track}"), self._folder.enter() as opened:
            lock = self._reading.lock(wanted.track, opened)
            if lock is not None and (seen := self._reading.seen(lock, opened)).verdict.state != "dead":
                return Lost(seen)
            self._folder.vouch(opened, self._here)
            draft = drafts.draft(wanted, self._here, identity.look)
            try:
                won = self._race(draft, drafts.record(draft), opened)
                reach("claim.unguarded")
                if isinstance(won, Won):
                    self._removal.tell("claim.won", draft.track, public(won.claim))
            except BaseException:
                self._undo(draft, opened)
                raise
            return won

    def _race(self, draft: Claim, record: bytes, opened: Opened) -> Won | Lost:
        """Write the record aside, and make it the lock if the track is still free under the guard."""
        tmp = opened.room("tmp")
        temp = temps.name()
        fd = files.create(temp, record, folder=tmp)
        try:
            os.fsync(fd)
            reach("claim.temp_written")
            with self._hold(draft.track, opened) as guard:
                reach("claim.guarded")
                drafts.check_alive(draft, self._here, identity.look)
                dead = self._cleared(draft.track, opened)
                if isinstance(dead, Lost):
                    return dead
                fence = guard.next((dead.fence or 0) if dead else 0)
                reach("claim.fenced")
                os.pwrite(fd, fence_field(fence), fence_offset(record))
                reach("claim.stamped")
                guard.check()
                if not self._publish(temp, draft.track, fd, opened):
                    return self._lost(draft.track, opened)
                return Won(replace(draft, fence=fence), self._folder.lock(draft.track), dead)
        finally:
            os.close(fd)
            files.remove(temp, folder=tmp)

    def _cleared(self, track: str, opened: Opened) -> Seen | Lost | None:
        """Make sure that the track is free: take the lock of a dead owner away and return that, or who holds it."""
        lock = self._reading.lock(track, opened)
        if lock is None:
            return None
        seen = self._reading.seen(lock, opened)
        if seen.verdict.state != "dead":
            return Lost(seen)
        gone = self._removal.take_away(lock, "claim.reaped", seen.verdict.why, opened)
        return seen if gone else self._lost(track, opened)

    def _publish(self, temp: str, track: str, fd: int, opened: Opened) -> bool:
        """Make the private file the lock; False: somebody has one there, made without the guard."""
        if not opened.link(temp, track, fd):
            return False
        try:
            reach("claim.linked")
            self._folder.check_public(track, fd)
        except BaseException:
            files.remove(track + SUFFIX, folder=opened.locks)
            raise
        return True

    def _lost(self, track: str, opened: Opened) -> Lost:
        """Return who came between us and the lock although we have the guard."""
        lock = self._reading.lock(track, opened)
        if lock is not None:
            return Lost(self._reading.seen(lock, opened))
        unknown = Verdict("unknown", "it was taken and freed just now")
        return Lost(Seen(track, self._folder.lock(track), Opaque("", ""), unknown))

    def _undo(self, draft: Claim, opened: Opened) -> None:
        """Take back a claim that its claimant will never hear of, and nobody has heard of."""
        ours = _if_token(draft.token, "the claim failed")
        with suppress(OSError, OrchdError):
            Removal(self._reading, self._hold, _silent).remove(draft.track, "claim.undone", ours, "", opened)

    def release(self, track: str, token: str) -> Removed | Kept:
        """Give the track back; the second time is harmless. See :class:`ClaimStore`."""
        return self._remove(track, "claim.released", _if_token(token, "released by its owner"), token)

    def break_(self, track: str, token: str) -> Removed | Kept:
        """Free exactly that lock for an operator. See :class:`ClaimStore`."""
        return self._remove(track, "claim.broken", _if_token(token, "freed by an operator"), token)

    def reap(self, track: str) -> Removed | Kept:
        """Free the track from a provably dead owner. See :class:`ClaimStore`.

        Who asks for all tracks in turn does not wait for the guards of the living.
        """
        seen = self.read(track)
        if seen is not None and seen.verdict.state != "dead":
            return Kept(track, seen.verdict.why, seen)
        return self._remove(track, "claim.reaped", self._if_dead)

    def reap_all(self, tracks: Iterable[str]) -> dict[str, Removed | Kept | OrchdError]:
        """Free these tracks, one after the other, in one opening of the folder; what hinders one hinders no other.

        For who has just found their owners dead: it goes to the guard of each without a look at its lock before.
        """
        with _Failing("cannot free the tracks of the dead"):
            opened = self._folder.visit(ours=True)
            if opened is None:
                return {}
            with opened:
                answers = {track: self._reap(track, opened) for track in tracks}
                _sweep_now_and_then(answers.values(), opened)
                return answers

    def _reap(self, track: str, opened: Opened) -> Removed | Kept | OrchdError:
        try:
            check_name("track", track)
            with _Failing(f"cannot free {track}"):
                return self._removal.remove(track, "claim.reaped", self._if_dead, "", opened)
        except OrchdError as error:
            return error

    def _if_dead(self, lock: Lock, opened: Opened) -> str | None:
        verdict = self._reading.seen(lock, opened).verdict
        return verdict.why if verdict.state == "dead" else None

    def _remove(self, track: str, event: str, reason: Reason, token: str = "") -> Removed | Kept:
        check_name("track", track)
        with _Failing(f"cannot free {track}"):
            opened = self._folder.visit(ours=True)
            if opened is None:
                return Kept(track, NOT_THERE)
            with opened:
                answer = self._removal.remove(track, event, reason, token, opened)
                _sweep_now_and_then([answer], opened)
                return answer

    def read(self, track: str) -> Seen | None:
        """Return the track's lock, or None where it is free."""
        check_name("track", track)
        with _Failing(f"cannot read the lock of {track}"):
            opened = self._folder.visit()
            if opened is None:
                return None
            with opened:
                lock = self._reading.lock(track, opened)
                return self._reading.seen(lock, opened) if lock is not None else None

    def list(self) -> builtins.list[Seen]:
        """Return every lock, sorted by track; strangers' file names come escaped."""
        with _Failing("cannot read the locks"):
            opened = self._folder.visit()
            if opened is None:
                return []
            with opened:
                return self._reading.all(opened)

    def strangers(self) -> builtins.list[str]:
        """Return the names in the folder that are neither locks nor ours, escaped, sorted."""
        with _Failing("cannot read the locks"):
            opened = self._folder.visit()
            if opened is None:
                return []
            with opened:
                return opened.strangers()

    def last_fence(self, track: str) -> int:
        """Return the greatest fence ever given for the track; 0 for none."""
        check_name("track", track)
        with _Failing(f"cannot read the fence of {track}"):
            opened = self._folder.visit()
            if opened is None:
                return 0
            with opened:
                if not opened.is_guarded(track):
                    return 0
                with self._hold(track, opened) as guard:
                    return guard.last()

    def sweep(self) -> int:
        """Remove temporary files whose makers are dead, and the oldest of ``reaped/``; return how many went."""
        with _Failing("cannot sweep the locks"):
            opened = self._folder.visit(ours=True)
            if opened is None:
                return 0
            with opened:
                return opened.sweep()

    def _hold(self, track: str, opened: Opened) -> AbstractContextManager[Guard]:
        return hold(self._folder.guard(track), opened.room("guards"), self._here.boot_id, self._wait)


def _sweep_now_and_then(answers: Iterable[object], opened: Opened) -> None:
    if any(isinstance(answer, Removed) and answer.token.endswith(_SWEEPS) for answer in answers):
        with suppress(OSError):
            opened.sweep()


def _if_token(token: str, why: str) -> Reason:
    return lambda lock, _: why if lock.record.token == token else None


class _Failing:
    """Turns what the machine refuses inside its block into the error that says so."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Nothing to do yet."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError):
            raise files.failure(error, self._what) from error
