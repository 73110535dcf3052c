"""Frees what the dead held, and journals what no store of ours does: the locks that others write and remove."""

import logging
import os
from itertools import islice
from typing import Final

from orchestrator.claims import FileClaims, Removed, Seen
from orchestrator.claims.opened import PRIVATE, kept_name
from orchestrator.core.claim import Claim
from orchestrator.core.text import visible
from orchestrator.daemon.pace import Complaints
from orchestrator.daemon.sensors import Changed, ClaimSensor
from orchestrator.errors import GuardBusy, OrchdError
from orchestrator.state.journal import Journal

AT_ONCE: Final = 200
"""So many dead owners are freed before the loop looks at anything else again."""

MOST_NAMED: Final = 20
"""So many freed tracks of one turn are named in the log."""

BUSY_RETRY: Final = 0.1
"""Seconds before a track whose guard is held is tried again; doubled up to BUSY_LONGEST."""

BUSY_LONGEST: Final = 2.0

_log: Final = logging.getLogger("orchd")


class Reaper:
    """Frees tracks in a bounded number at once. One whose guard another process holds delays no other."""

    def __init__(self, store: FileClaims, claims: ClaimSensor, complaints: Complaints) -> None:
        self._store = store
        self._claims = claims
        self._complaints = complaints
        self._busy: dict[str, tuple[float, float]] = {}

    def reap(self, now: float) -> list[Changed]:
        """Free what is due at ``now`` (monotonic s) and look at it again."""
        dead = self._claims.dead
        self._busy = {track: times for track, times in self._busy.items() if track in dead}
        due = list(islice((track for track in dead if self._due(track) <= now), AT_ONCE))
        freed = self._free(due, now)
        if len(freed) > MOST_NAMED:
            _log.info("freed %d tracks of dead owners; the journal names them", len(freed))
        else:
            for track, why in freed.items():
                _log.info("freed %s: %s", track, why)
        return self._claims.gone(freed) + self._claims.refresh(track for track in due if track not in freed)

    def due(self) -> float | None:
        """Return when (monotonic s) there is something to free; None: nothing is left to be freed."""
        dead = self._claims.dead
        return 0.0 if len(dead) > len(self._busy) else min(map(self._due, dead), default=None)

    @property
    def has_crowd(self) -> bool:
        """Tell whether more are to be freed than one turn does."""
        return len(self._claims.dead) - len(self._busy) > AT_ONCE

    def _due(self, track: str) -> float:
        return self._busy.get(track, (0.0, 0.0))[0]

    def _free(self, due: list[str], now: float) -> dict[str, str]:
        """Free these tracks; return those that we freed, and why."""
        try:
            answers = self._store.reap_all(due) if due else {}
        except OrchdError as error:
            answers = dict.fromkeys(due, error)
        for track, answer in answers.items():
            if isinstance(answer, OrchdError):
                self._later(track, answer, now)
            else:
                self._busy.pop(track, None)
        return {track: answer.why for track, answer in answers.items() if isinstance(answer, Removed)}

    def _later(self, track: str, error: OrchdError, now: float) -> None:
        nap = min(self._busy.get(track, (0.0, BUSY_RETRY / 2))[1] * 2, BUSY_LONGEST)
        self._busy[track] = (now + nap, nap)
        if not isinstance(error, GuardBusy) and self._complaints.passes(f"free {error.message}", now):
            _log.warning("cannot free %s: %s; trying on", track, error.message)


def note(journal: Journal, change: Changed) -> None:
    """Journal a lock that a stranger wrote or removed, and one whose owner can no longer be told."""
    before, after = change.before, change.after
    if after is None:
        if before is not None and before.verdict.state != "dead" and not _was_freed(before):
            journal.write("lock.vanished", {"track": change.track, "token": before.token})
        return
    fields = {"track": change.track, "token": after.token, "why": visible(after.verdict.why)}
    if not isinstance(after.record, Claim) and (before is None or before.token != after.token):
        journal.write("lock.appeared", fields)
    elif after.verdict.state not in ("alive", "dead"):
        journal.write(f"lock.{after.verdict.state}", fields)


def _was_freed(seen: Seen) -> bool:
    """Tell whether a lock went as it should: then a copy is kept, and the journal has been told."""
    return os.path.lexists(f"{os.path.dirname(seen.path)}/{PRIVATE}/reaped/{kept_name(seen.track, seen.token)}")
