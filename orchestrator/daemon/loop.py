"""One loop: gather what changed → decide (pure) → perform → wait.

Events (a lock appears, an owner dies, a status changes, a request comes) only wake the loop early; a
full rescan at start, on any doubt and every few seconds makes losing all of them harmless. What blocks
(git, the disk of a push) runs in threads; freeing a dead owner's track does not wait for it.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from orchestrator.claims import FileClaims, Removed
from orchestrator.core.claim import Claim
from orchestrator.core.name import is_name
from orchestrator.core.status import Status
from orchestrator.core.text import visible
from orchestrator.daemon.conductor import Conductor, Sight
from orchestrator.daemon.sensors import Changed, ClaimSensor
from orchestrator.daemon.statuses import StatusSensor
from orchestrator.errors import GuardBusy, OrchdError
from orchestrator.host import clock
from orchestrator.host.watch import Watch
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout

REAPS_A_TURN: Final = 200
"""So many dead owners are freed before the loop looks at anything else again."""

BUSY_RETRY: Final = 0.1
"""Seconds before a track whose guard is held is tried again; doubled up to BUSY_LONGEST."""

BUSY_LONGEST: Final = 2.0

ORPHAN_LOOK: Final = 0.25
"""Seconds between two looks at groups that outlived their owners: nothing tells of their end."""

UNHELD_LOOK: Final = 1.0
"""The same for owners that cannot be held by a descriptor."""

ENDING_LOOK: Final = 0.1

HURT_WAIT: Final = 0.5
"""Seconds until the next turn after one that failed."""

COMPLAIN_EVERY: Final = 60.0

MOST_BUGS: Final = 20
"""After so many failed turns in a row it is no use going on."""

WORKERS_LEAVE: Final = 5.0
"""Seconds that workers get to end on ``stop --workers``, beyond their grace."""

SWEEP_EVERY: Final = 60.0

_log: Final = logging.getLogger("orchd")


class Loop:
    """The life of one daemon, or of one ``orchd run`` that is its own. ``rescan`` is in seconds."""

    def __init__(self, layout: Layout, *, rescan: float, only: str | None = None) -> None:
        self._layout = layout
        self._rescan_every = rescan
        self._journal = Journal(layout.root)
        self._store = FileClaims(layout.root, journal=self._journal.write, wait=0.0)
        self._wake = asyncio.Event()
        self._events = asyncio.get_running_loop()
        self._watch = Watch(self._wake_from_thread)
        self._statuses = StatusSensor(layout, self._journal.write, self._watch.follow, self._watch.forget)
        self._claims = ClaimSensor(self._store, self._on_fd, self._off_fd)
        self._threads = ThreadPoolExecutor(4, "orchd-perform")
        self.conductor = Conductor(layout, self._journal, self._threads, self._wake_from_thread, only=only)
        self._dirty: set[str] = set()
        self._busy: dict[str, tuple[float, float]] = {}
        self._next_rescan = 0.0
        self._next_sweep = 0.0
        self._hurts = 0
        self._next_complaint = 0.0
        self._stopping = False
        self._ending: tuple[frozenset[str], float] | None = None

    async def run(self) -> None:
        """Turn until :meth:`stop`, or, with ``only``, until that run has ended."""
        self._watch.follow(self._layout.locks)
        self._watch.follow(self._layout.parallel)
        try:
            while not self._stopping and not self.conductor.over:
                self._wake.clear()
                await self._wait(self._guarded_turn())
        finally:
            self._watch.close()
            self._claims.close()
            self.conductor.close()
            self._threads.shutdown(wait=True, cancel_futures=True)

    def stop(self) -> None:
        """End after the present turn. Workers go on."""
        self._stopping = True
        self._wake.set()

    def end_workers(self) -> list[str]:
        """Ask the workers of all driven runs to end, and stop once they have; return their tracks.

        A worker that is still there after its grace is killed; its agent dies with it.
        """
        tracks = self.conductor.stop_workers(self._claims.seen, "TERM")
        self._ending = (frozenset(tracks), clock.steady() + self.conductor.longest_grace + WORKERS_LEAVE)
        self._wake.set()
        return tracks

    def _end(self, now: float) -> None:
        """Stop when the last worker that was asked to end has done so, or at the deadline."""
        if self._ending is None:
            return
        tracks, deadline = self._ending
        left = [
            track
            for track in tracks
            if track in self._claims.seen and self._claims.seen[track].verdict.state == "alive"
        ]
        if left and now < deadline:
            return
        if left:
            self.conductor.stop_workers(self._claims.seen, "KILL")
        self._stopping = True

    def poke(self) -> None:
        """Look at everything again now."""
        self._next_rescan = 0.0
        self._wake.set()

    @property
    def degraded(self) -> dict[str, str]:
        """Folders that live by rescans alone, and why."""
        return self._watch.degraded

    @property
    def claims(self) -> ClaimSensor:
        """What is known of the locks."""
        return self._claims

    def _guarded_turn(self) -> float:
        """Turn; what goes wrong in one turn is told, at most once a minute, and everything is looked at anew."""
        try:
            delay = self._turn()
        except (OrchdError, OSError) as error:
            return self._hurt(str(error), None)
        except Exception as error:  # noqa: BLE001  # the boundary: a bug is told whole, and the rest goes on
            _log.exception("a bug in the daemon; it goes on")
            return self._hurt(str(error), error)
        self._hurts = 0
        return delay

    def _hurt(self, what: str, bug: Exception | None) -> float:
        self._hurts += 1
        if bug is not None and self._hurts >= MOST_BUGS:
            raise bug
        now = clock.steady()
        if now >= self._next_complaint:
            self._next_complaint = now + COMPLAIN_EVERY
            _log.warning("the machine refuses: %s; trying on", visible(what))
        self._next_rescan = 0.0
        return HURT_WAIT

    def _turn(self) -> float:
        """Gather, decide, perform; return how long (s) there is nothing to do."""
        now = clock.steady()
        changes = self._gather(now)
        changes += self._reap(now)
        for change in changes:
            self._note(change)
        if self._ending is not None:
            self._end(now)
            return ENDING_LOOK
        sight = Sight(self._claims.seen, self._statuses_of)
        due = self.conductor.turn(sight, now, {change.track for change in changes})
        return max(0.0, min(self._next_times(now, due)) - clock.steady())

    def _statuses_of(self, run: str) -> Mapping[str, Status]:
        statuses = self._statuses.runs.get(run)
        return statuses.found if statuses is not None else {}

    def _next_times(self, now: float, due: float | None) -> list[float]:
        """Return when (monotonic s) to look again although nothing wakes us."""
        times = [self._next_rescan if not self._claims.unheld else min(self._next_rescan, now + UNHELD_LOOK)]
        times += [] if due is None else [due]
        times += [now + ORPHAN_LOOK] if self._claims.orphaned() else []
        return times + [self._busy.get(track, (now, 0.0))[0] for track in self._claims.dead()]

    def _gather(self, now: float) -> list[Changed]:
        """Look again at what the hints name, or at everything when that is due."""
        hints = self._watch.take()
        dirty, self._dirty = self._dirty | set(self._claims.orphaned()), set()
        if hints.everything or now >= self._next_rescan:
            return self._rescan(now)
        runs = set()
        for path in hints.paths:
            folder, name = os.path.split(path)
            if folder == self._layout.locks and name.endswith(".lock"):
                dirty.add(name.removesuffix(".lock"))
            elif folder == self._layout.parallel:
                self._next_rescan = now
            elif os.path.dirname(folder) == self._layout.parallel:
                runs.add(os.path.basename(folder))
        if self._claims.unheld:
            dirty |= set(self._claims.seen)
        changes = self._claims.refresh(sorted(filter(is_name, dirty)))
        self._statuses.refresh(runs, self._claims.seen)
        for run in runs:
            self.conductor.look_at(run)
        return changes

    def _rescan(self, now: float) -> list[Changed]:
        """Look at everything: what makes lost hints harmless."""
        self._watch.check()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_EVERY
            self._store.sweep()
        changes = self._claims.rescan()
        self._statuses.rescan(self._claims.seen)
        self.conductor.look_at_all()
        self._next_rescan = clock.steady() + self._rescan_every
        return changes

    def _reap(self, now: float) -> list[Changed]:
        """Free what the dead held, a bounded number a turn.

        A track whose guard another process holds is tried again later and delays no other.
        """
        due = [track for track in self._claims.dead() if self._busy.get(track, (0.0, 0.0))[0] <= now]
        for track in due[:REAPS_A_TURN]:
            try:
                answer = self._store.reap(track)
            except GuardBusy:
                nap = min(self._busy.get(track, (0.0, BUSY_RETRY / 2))[1] * 2, BUSY_LONGEST)
                self._busy[track] = (now + nap, nap)
                continue
            except OrchdError as error:
                _log.warning("cannot free %s: %s", track, error.message)
                self._busy[track] = (now + BUSY_LONGEST, BUSY_LONGEST)
                continue
            self._busy.pop(track, None)
            if isinstance(answer, Removed):
                _log.info("freed %s: %s", track, answer.why)
        return self._claims.refresh(due[:REAPS_A_TURN])

    def _note(self, change: Changed) -> None:
        """Journal what no store of ours does: locks that others write and remove."""
        before, after = change.before, change.after
        if (
            after is not None
            and (before is None or before.token != after.token)
            and not isinstance(after.record, Claim)
        ):
            self._journal.write(
                "lock.appeared", {"track": change.track, "token": after.token, "why": after.verdict.why}
            )
        elif (
            after is None
            and before is not None
            and not isinstance(before.record, Claim)
            and before.verdict.state != "dead"
        ):
            self._journal.write("lock.vanished", {"track": change.track, "token": before.token})
        elif after is not None and after.verdict.state not in ("alive", "dead"):
            self._journal.write(
                f"lock.{after.verdict.state}", {"track": change.track, "token": after.token, "why": after.verdict.why}
            )

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def _on_fd(self, fd: int, track: str) -> None:
        self._events.add_reader(fd, self._owner_ended, fd, track)

    def _off_fd(self, fd: int) -> None:
        self._events.remove_reader(fd)

    def _owner_ended(self, fd: int, track: str) -> None:
        self._events.remove_reader(fd)
        self._dirty.add(track)
        self._wake.set()

    def _wake_from_thread(self) -> None:
        with suppress(RuntimeError):
            self._events.call_soon_threadsafe(self._wake.set)
