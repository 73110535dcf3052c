"""What stands in the folder of the locks, each with what is known of its owner. Nothing here writes."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.claims.folder import ClaimsFolder
from orchestrator.claims.opened import Found, Opened
from orchestrator.claims.store import Seen
from orchestrator.core.claim import BarePid, Claim, Machine, Opaque, Record, Sight, content_token, judge, matters, parse
from orchestrator.core.name import is_name
from orchestrator.core.text import visible
from orchestrator.host import identity

_UNSEEN: Final = Sight("hidden")


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file that was read and not yet judged."""

    track: str
    found: Found
    record: Record


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
        return Lock(track, found, _record(track, found))

    def seen(self, lock: Lock, opened: Opened) -> Seen:
        """Judge a lock: look at its process, which must be done after it was read."""
        return self._judged(lock, opened, {})

    def all(self, opened: Opened) -> list[Seen]:
        """Return every lock, sorted by track.

        All are read before any process is looked at: a look says nothing of a lock that was read after it.
        """
        locks = []
        for track in opened.names():
            with suppress(FileNotFoundError):
                found = opened.read(track)
                locks.append(Lock(track, found, _record(track, found)))
        sights: dict[int, Sight] = {}
        return [self._judged(lock, opened, sights) for lock in locks]

    def _judged(self, lock: Lock, opened: Opened, sights: dict[int, Sight]) -> Seen:
        record, found = lock.record, lock.found
        sight = self._sight(record, sights)
        if isinstance(record, BarePid):
            steady = self._folder.clock_steady_since(found.written_ns, opened, self._here)
            sight = replace(sight, clock_steady=steady)
        verdict = judge(record, self._here, sight, found.written_ns)
        shown = visible(lock.track)
        return Seen(shown, self._folder.lock(shown), record, verdict, found.written_ns, found.inode)

    def _sight(self, record: Record, sights: dict[int, Sight]) -> Sight:
        """Look at the record's process, once a process; not at all where it cannot matter."""
        if isinstance(record, Opaque) or not matters(record, self._here):
            return _UNSEEN
        sight = sights.get(record.pid)
        if sight is None:
            sight = sights[record.pid] = identity.look(record.pid, group=True)
        return sight


def _record(track: str, found: Found) -> Record:
    record = parse(found.data, found.written_ns)
    if found.reason:
        reason = found.reason
    elif not is_name(track):
        reason = "not the name of a track"
    elif isinstance(record, Claim) and record.track != track:
        reason = f"its record is for track {visible(record.track, 60)}"
    else:
        return record
    return Opaque(reason, content_token(f"{reason} {found.inode} ".encode() + found.data, found.written_ns))
