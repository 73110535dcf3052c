"""What stands in the folder of the locks, each with what is known of its owner. Nothing here writes."""

from dataclasses import dataclass, replace

from orchestrator.claims.folder import ClaimsFolder
from orchestrator.claims.opened import Odd, Opened
from orchestrator.claims.store import Seen
from orchestrator.core.claim import (
    Claim,
    Opaque,
    Record,
    Verdict,
    content_token,
    judge_bare,
    judge_elsewhere,
    judge_here,
    judge_opaque,
    parse,
)
from orchestrator.core.machine import Machine, Sight
from orchestrator.core.name import is_name
from orchestrator.core.text import visible
from orchestrator.host import identity
from orchestrator.host.files import Content


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file that was read and not yet judged. ``inode`` and ``written_ns`` tell it from another."""

    track: str
    record: Record
    inode: int
    written_ns: int


class Reading:
    """Reads and judges the locks of one folder, as seen from ``here``."""

    def __init__(self, folder: ClaimsFolder, here: Machine) -> None:
        self._folder = folder
        self._here = here

    def lock(self, track: str, opened: Opened) -> Lock | None:
        """Return what stands in the lock of a track, or None where it is free."""
        try:
            found = opened.read(track)
        except FileNotFoundError:
            return None
        return Lock(track, _record(track, found), found.inode, found.written_ns)

    def seen(self, lock: Lock, opened: Opened) -> Seen:
        """Judge a lock: look at its process, which must be done after it was read."""
        return self._seen(lock, opened, {})

    def all(self, opened: Opened) -> list[Seen]:
        """Return every lock, sorted by track.

        All are read before any process is looked at: a look says nothing of a lock that was read after it.
        """
        locks = [self._any(track, opened) for track in opened.names()]
        sights: dict[int, Sight] = {}
        return [self._seen(lock, opened, sights) for lock in locks if lock is not None]

    def _any(self, track: str, opened: Opened) -> Lock | None:
        """Return a lock that may be no track's."""
        lock = self.lock(track, opened)
        if lock is None or is_name(track):
            return lock
        return replace(lock, track=visible(track), record=Opaque("not the name of a track", lock.record.token))

    def _seen(self, lock: Lock, opened: Opened, sights: dict[int, Sight]) -> Seen:
        verdict = self._verdict(lock.record, lock.written_ns, opened, sights)
        return Seen(lock.track, self._folder.lock(lock.track), lock.record, verdict, lock.written_ns, lock.inode)

    def _verdict(self, record: Record, written_ns: int, opened: Opened, sights: dict[int, Sight]) -> Verdict:
        """Judge a record; look at its process only where that can matter, and once a process."""
        if isinstance(record, Opaque):
            return judge_opaque(record)
        if isinstance(record, Claim):
            elsewhere = judge_elsewhere(record, self._here)
            return elsewhere or judge_here(record, self._here, _look(record.pid, sights))
        steady = self._folder.clock_steady_since(written_ns, opened, self._here)
        return judge_bare(record, replace(_look(record.pid, sights), clock_steady=steady), written_ns)


def _look(pid: int, sights: dict[int, Sight]) -> Sight:
    sight = sights.get(pid)
    if sight is None:
        sight = sights[pid] = identity.look(pid, group=True)
    return sight


def _record(track: str, found: Content | Odd) -> Record:
    if isinstance(found, Odd):
        return Opaque(found.reason, content_token(f"{found.reason} {found.inode}".encode(), found.written_ns))
    record = parse(found.data, found.written_ns)
    if isinstance(record, Claim) and record.track != track:
        reason = f"its record is for track {visible(record.track, 60)}"
        return Opaque(reason, content_token(found.data, found.written_ns))
    return record
