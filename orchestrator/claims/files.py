"""Claims as files, ``.orchestrator_locks/<track>.lock``: the public protocol, version 1.

A lock is complete before it is visible (a private file, then a hard link), and everything that
changes a track happens under that track's guard: check, fence and link in one hold; removal only
after reading again. Four simpler protocols were measured and each let two owners in.
"""

import builtins
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Final

from orchestrator.claims import folder
from orchestrator.claims.guard import Guard, hold
from orchestrator.claims.store import Journal, Kept, Lost, Removed, Seen, Wanted, Won
from orchestrator.core.claim import (
    BarePid,
    Claim,
    Opaque,
    Record,
    Sight,
    Verdict,
    content_token,
    encode,
    fence_field,
    fence_offset,
    judge,
    parse,
)
from orchestrator.core.name import check_name, is_name
from orchestrator.core.text import visible
from orchestrator.errors import UsageError
from orchestrator.host import clock, files, identity
from orchestrator.host.failpoint import reach

WAIT: Final = 5.0
"""Seconds to wait for another process inside an operation on the same track."""


def _silent(_event: str, _fields: object) -> None:
    """Journal nothing."""


class FileClaims:
    """The claims below one root. Cheap to make; reading never writes.

    ``journal`` gets every change. ``wait`` is how long (s) to wait for a guard; 0 is for callers
    that come back by themselves.
    """

    def __init__(self, root: str, *, journal: Journal = _silent, wait: float = WAIT) -> None:
        self._folder = folder.ClaimsFolder(root)
        self._here = identity.machine()
        self._journal = journal
        self._wait = wait

    @property
    def machine(self) -> str:
        """The host id that our own claims carry."""
        return self._here.host_id

    def claim(self, wanted: Wanted) -> Won | Lost:
        """Take the track, or say who holds it. See :class:`ClaimStore`.

        Raises ``UsageError`` for a claimant that is not alive, ``UnsupportedFilesystem``,
        ``GuardBusy`` and ``SystemFailure``; in each case nothing was taken.
        """
        check_name("track", wanted.track)
        self._folder.prepare(self._here)
        seen = self._peek(wanted.track)
        if seen is not None and seen.verdict.state != "dead":
            return Lost(seen)
        draft = self._draft(wanted)
        record = encode(draft)
        temp = self._folder.temp(draft.token)
        try:
            fd = files.create(temp, record)
            try:
                os.fsync(fd)
                reach("claim.temp_written")
                with self._guard(wanted.track) as guard:
                    won = self._claim_guarded(draft, record, fd, temp, guard)
                reach("claim.unguarded")
            finally:
                os.close(fd)
        except OSError as error:
            raise files.failure(error, f"cannot claim {wanted.track}") from error
        finally:
            files.remove(temp)
        if isinstance(won, Won):
            self._journal("claim.won", {"track": wanted.track, **_public(won.claim)})
        return won

    def _claim_guarded(self, draft: Claim, record: bytes, fd: int, temp: str, guard: Guard) -> Won | Lost:
        reach("claim.guarded")
        seen = self._peek(draft.track)
        if seen is not None and seen.verdict.state != "dead":
            return Lost(seen)
        if seen is not None:
            self._take_away(seen, "claim.reaped", seen.verdict.why)
        if not self._alive(draft):
            raise UsageError(f"process {draft.pid} ended before it could claim {draft.track}")
        fence = guard.next()
        reach("claim.fenced")
        os.pwrite(fd, fence_field(fence), fence_offset(record))
        reach("claim.stamped")
        path = self._folder.lock(draft.track)
        if not self._link(temp, path, fd):
            stranger = self._peek(draft.track)
            return Lost(stranger or Seen(draft.track, path, Opaque("", ""), Verdict("unknown", "it was taken and freed just now")))
        try:
            reach("claim.linked")
        except OSError:
            files.remove(path)
            raise
        return Won(replace(draft, fence=fence), path, seen)

    @staticmethod
    def _link(temp: str, path: str, fd: int) -> bool:
        """Publish; on an error, two names of our file mean that it was done all the same."""
        try:
            os.link(temp, path, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError:
            if os.fstat(fd).st_nlink == 2:  # noqa: PLR2004  # the temporary name and the lock
                return True
            raise
        return True

    def _draft(self, wanted: Wanted) -> Claim:
        sight = identity.look(wanted.pid)
        if sight.seen in ("gone", "zombie") or wanted.pid <= 1:
            raise UsageError(f"process {wanted.pid} is not running, so it cannot hold a claim", hint="name a living process with --pid")
        with suppress(OSError):
            group = os.getpgid(wanted.pid)
            return self._draft_of(wanted, sight, group if group == wanted.pid else None)
        return self._draft_of(wanted, sight, None)

    def _draft_of(self, wanted: Wanted, sight: Sight, group: int | None) -> Claim:
        here = self._here
        return Claim(
            track=wanted.track,
            token=os.urandom(16).hex(),
            fence=0,
            pid=wanted.pid,
            start_ticks=sight.start_ticks,
            boot_id=here.boot_id,
            pidns=here.pidns,
            host_id=here.host_id,
            host=here.host,
            pgid=group,
            owner=wanted.owner or "unnamed",
            run=wanted.run,
            attempt=wanted.attempt,
            claimed_at=clock.iso(),
            note=wanted.note,
        )

    def _alive(self, claim: Claim) -> bool:
        return judge(claim, self._here, identity.look(claim.pid)).state not in ("dead", "orphaned")

    def release(self, track: str, token: str) -> Removed | Kept:
        """Give the track back; the second time is harmless. See :class:`ClaimStore`."""
        return self._remove(track, "claim.released", _if_token(token, "released by its owner"), token)

    def break_(self, track: str, token: str) -> Removed | Kept:
        """Free exactly that lock for an operator. See :class:`ClaimStore`."""
        return self._remove(track, "claim.broken", _if_token(token, "freed by an operator"), token)

    def reap(self, track: str) -> Removed | Kept:
        """Free the track from a provably dead owner. See :class:`ClaimStore`."""
        return self._remove(track, "claim.reaped", _if_dead)

    def _remove(self, track: str, event: str, reason: Callable[[Seen], str | None], token: str = "") -> Removed | Kept:
        """Remove the lock if ``reason`` finds one, judged again under the guard: the only way a lock goes."""
        check_name("track", track)
        try:
            if self._peek(track) is None and not self._folder.exists():
                return Kept(track, "no lock is there")
            with self._guard(track):
                reach("remove.guarded")
                seen = self._peek(track)
                if seen is None:
                    return self._gone_before(track, token)
                why = reason(seen)
                if why is None:
                    return Kept(track, seen.verdict.why, seen)
                self._take_away(seen, event, why)
                return Removed(track, seen.token, why)
        except OSError as error:
            raise files.failure(error, f"cannot free {track}") from error

    def _gone_before(self, track: str, token: str) -> Removed | Kept:
        if token and self._folder.was_reaped(track, token):
            return Removed(track, token, "it had been freed before", again=True)
        return Kept(track, "no lock is there")

    def _take_away(self, seen: Seen, event: str, why: str) -> None:
        """Journal, keep a copy, unlink. The caller holds the guard and has just read ``seen``."""
        record = seen.record
        fields = _public(record) if isinstance(record, Claim) else {"token": seen.token}
        self._journal(event, {"track": seen.track, **fields, "why": why})
        reach("remove.journaled")
        self._folder.keep(seen.path, seen.track, seen.token)
        reach("remove.kept")
        os.unlink(seen.path)
        reach("remove.unlinked")

    def read(self, track: str) -> Seen | None:
        """Return the track's lock, or None where it is free."""
        check_name("track", track)
        return self._peek(track)

    def list(self) -> builtins.list[Seen]:
        """Return every lock, sorted by track; strangers' file names come escaped."""
        sights: dict[int, Sight] = {}
        found = []
        with self._folder.opened() as (fd, names):
            for name in names:
                track = name[: -len(".lock")]
                with suppress(FileNotFoundError):
                    found.append(self._seen(track, self._folder.read_at(name, fd), sights))
        return found

    def last_fence(self, track: str) -> int:
        """Return the greatest fence ever given for the track; 0 for none."""
        check_name("track", track)
        if not self._folder.guarded(track):
            return 0
        with self._guard(track) as guard:
            return guard.last()

    def sweep(self) -> int:
        """Remove temporary files whose makers are dead, and the oldest of ``reaped/``; return how many went."""
        return self._folder.sweep()

    def _guard(self, track: str) -> AbstractContextManager[Guard]:
        return hold(self._folder.guard(track), self._here.boot_id, self._wait, track)

    def _peek(self, track: str) -> Seen | None:
        try:
            return self._seen(track, self._folder.read_at(f"{track}.lock"), {})
        except FileNotFoundError:
            return None

    def _seen(self, track: str, content: folder.Found, sights: dict[int, Sight]) -> Seen:
        if isinstance(content, str):
            record: Record = Opaque(content, content_token(content.encode("utf-8", "replace"), 0))
            return Seen(visible(track), self._folder.lock(track), record, judge(record, self._here, Sight("hidden")))
        record = parse(content.data, content.written_ns)
        if isinstance(record, Claim) and record.track != track:
            record = Opaque(f"its record is for track {visible(record.track, 60)}", record.token)
        if not is_name(track):
            record = Opaque("not the name of a track", content_token(content.data, content.written_ns))
        sight = _sight_of(record, sights, self._here.boot_id)
        verdict = judge(record, self._here, self._folder.steadied(sight, self._here), content.written_ns)
        return Seen(visible(track), self._folder.lock(track), record, verdict, content.written_ns)


def _if_token(token: str, why: str) -> Callable[[Seen], str | None]:
    return lambda seen: why if seen.token == token else None


def _if_dead(seen: Seen) -> str | None:
    return seen.verdict.why if seen.verdict.state == "dead" else None


def _sight_of(record: Record, sights: dict[int, Sight], boot_id: str | None) -> Sight:
    """Look at the record's process, once a process; not at all where it cannot matter."""
    if isinstance(record, Opaque) or (isinstance(record, Claim) and boot_id and record.boot_id != boot_id):
        return _UNSEEN
    sight = sights.get(record.pid)
    if sight is None:
        sight = identity.look(record.pid, group=isinstance(record, BarePid) or record.pgid == record.pid)
        sights[record.pid] = sight
    return sight


_UNSEEN: Final = Sight("hidden")


def _public(claim: Claim) -> dict[str, object]:
    return {"token": claim.token, "fence": claim.fence, "pid": claim.pid, "owner": claim.owner, "run": claim.run, "attempt": claim.attempt}
