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

from orchestrator.claims import FileClaims
from orchestrator.core.name import is_name
from orchestrator.core.standing import Standing
from orchestrator.core.status import Status
from orchestrator.core.text import visible
from orchestrator.daemon.conductor import Conductor, Sight, Wakes
from orchestrator.daemon.pace import Complaints, Pace
from orchestrator.daemon.reaper import Reaper, note
from orchestrator.daemon.sensors import ENDING, Changed, ClaimSensor, left
from orchestrator.daemon.statuses import StatusSensor
from orchestrator.errors import OrchdError
from orchestrator.host import clock, limits
from orchestrator.host.watch import Watch
from orchestrator.state.door import SUFFIX
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout
from orchestrator.state.status import sweep

HURT_WAIT: Final = 0.5
"""Seconds until the next turn after one that failed."""

MOST_BUGS: Final = 20
"""After so many turns in a row that met a bug it is no use going on."""

SWEEP_EVERY: Final = 60.0

RESCAN_PACE: Final = 0.02
"""Seconds between two looks at everything, whatever happens; they take RESCAN_SHARE of the time at most."""

RESCAN_SHARE: Final = 0.3

THREADS: Final = 8

LEAVE: Final = 5.0
"""Seconds that what runs in threads gets to come to its end when the loop ends."""

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
        self._complaints = Complaints()
        self._watch = Watch(self._wake_from_thread)
        self._statuses = StatusSensor(layout, self._journal.write, self._watch.follow, self._watch.forget)
        self._claims = ClaimSensor(self._store, layout.locks, limits.holdable(), self._on_fd, self._off_fd)
        self._reaper = Reaper(self._store, self._claims, self._complaints)
        self._threads = ThreadPoolExecutor(THREADS, "orchd-perform")
        wakes = Wakes(self._wake_from_thread, self.poke)
        self._conductor = Conductor(layout, self._journal, self._threads, wakes, only=only)
        self._dirty: set[str] = set()
        self._degraded: dict[str, str] = {}
        self._pace = Pace(RESCAN_PACE, RESCAN_SHARE)
        self._next_rescan = 0.0
        self._next_sweep = 0.0
        self._bugs = 0
        self._deaf = False
        self._stopping = False
        self.settled = True

    async def run(self) -> None:
        """Turn until :meth:`stop`, or, with ``only``, until that run has ended.

        ``settled`` is false afterwards if something in a thread did not come to its end; nobody needs to
        wait for it: whatever it is, it can be done again.
        """
        self._watch.follow(self._layout.locks)
        self._watch.follow(self._layout.parallel)
        try:
            while not self._stopping and not self._conductor.over:
                self._wake.clear()
                await self._wait(self._guarded_turn())
        finally:
            self._watch.close()
            self._claims.close()
            self._threads.shutdown(wait=False, cancel_futures=True)
            self.settled = await self._conductor.settle(LEAVE)
            if self.settled:
                self._conductor.close()

    def stop(self) -> None:
        """End after the present turn. Workers go on."""
        self._stopping = True
        self._wake.set()

    def end_workers(self) -> list[str]:
        """Ask the workers of all driven runs to end, and stop once they have; return their tracks.

        A worker that is still there after its grace is killed, with everything that it started.
        """
        tracks = self._conductor.end_workers(self._sight(), clock.steady())
        self._wake.set()
        return tracks

    def poke(self) -> None:
        """Look at everything again now."""
        self._next_rescan = 0.0
        self._wake.set()

    def standings(self) -> dict[str, Standing]:
        """Return where each driven run stands now."""
        return self._conductor.standings(self._sight(), clock.steady())

    @property
    def degraded(self) -> dict[str, str]:
        """Folders that live by rescans alone, and why."""
        return self._watch.degraded

    def _guarded_turn(self) -> float:
        """Turn; what goes wrong in one turn is told, at most once a minute, and everything is looked at anew."""
        try:
            delay = self._turn()
        except (OrchdError, OSError) as error:
            return self._hurt(str(error))
        except Exception as error:
            self._bugs += 1
            if self._bugs > MOST_BUGS:
                raise
            _log.exception("a bug in the daemon; it goes on")
            return self._hurt(str(error))
        self._bugs = 0
        return delay

    def _hurt(self, what: str) -> float:
        if self._complaints.passes(what, clock.steady()):
            _log.warning("the machine refuses: %s; trying on", visible(what))
        self._next_rescan = 0.0
        return HURT_WAIT

    def _turn(self) -> float:
        """Gather, decide, perform; return how long (s) there is nothing to do."""
        now = clock.steady()
        changes = self._gather(now)
        self._listen_to_locks()
        changes += self._reaper.reap(now)
        self._statuses.look_at(filter(None, map(left, changes)), self._claims.seen)
        for change in changes:
            note(self._journal, change)
        due = self._conductor.turn(self._sight(), now, {change.track for change in changes})
        times = (self._rescan_due(), due, self._claims.due, self._statuses.due, self._reaper.due())
        return max(0.0, min(each for each in times if each is not None) - clock.steady())

    def _listen_to_locks(self) -> None:
        """Watch the locks, but not while a crowd is freed: each removal would wake three threads to tell us of it.

        Whoever watches again looks at everything once.
        """
        if self._deaf == self._reaper.has_crowd:
            return
        self._deaf = not self._deaf
        (self._watch.forget if self._deaf else self._watch.follow)(self._layout.locks)

    def _sight(self) -> Sight:
        return Sight(self._claims.seen, self._statuses_of)

    def _statuses_of(self, run: str) -> Mapping[str, Status]:
        statuses = self._statuses.runs.get(run)
        return statuses.found if statuses is not None else {}

    def _gather(self, now: float) -> list[Changed]:
        """Look again at what the hints name, or at everything when that is due."""
        hints = self._watch.take()
        dirty, self._dirty = self._dirty, set()
        for path in hints.paths:
            dirty |= self._follow_up(path)
        if hints.everything:
            self._next_rescan = 0.0
        if now >= self._rescan_due():
            return self._rescan(now)
        self._statuses.refresh(self._claims.seen, now)
        return self._claims.refresh(sorted(filter(is_name, dirty))) + self._claims.refresh_doubtful(now)

    def _follow_up(self, path: str) -> set[str]:
        """Take note of what a hint names; return the track whose lock it is, if it is one."""
        folder, name = os.path.split(path)
        if folder == self._layout.locks:
            return {name.removesuffix(ENDING)} if name.endswith(ENDING) else set()
        if os.path.dirname(folder) != self._layout.parallel:
            self._next_rescan = 0.0  # a run's folder came or went, or a watched folder itself
        elif name.endswith(SUFFIX):
            self._statuses.said(os.path.basename(folder), name.removesuffix(SUFFIX))
        else:
            self._conductor.look_at(os.path.basename(folder))
        return set()

    def _rescan(self, now: float) -> list[Changed]:
        """Look at everything: what makes lost hints harmless."""
        self._watch.check()
        changes = self._claims.rescan()
        self._statuses.rescan(self._claims.seen)
        self._statuses.let_go(self._conductor.ended())
        self._tell_degraded()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_EVERY
            self._sweep()
        self._conductor.look_at_all()
        self._pace.took(now, clock.steady())
        self._next_rescan = clock.steady() + self._rescan_every
        return changes

    def _sweep(self) -> None:
        """Remove what dead writers left half-written."""
        self._store.sweep()
        for run in self._statuses.runs:
            sweep(self._layout.run(run))

    def _rescan_due(self) -> float:
        """Return when (monotonic s) to look at everything, however often somebody asks for it."""
        return max(self._next_rescan, self._pace.due)

    def _tell_degraded(self) -> None:
        """Journal and log which folders the kernel tells nothing of any more, and which it does again."""
        before, self._degraded = self._degraded, self._watch.degraded
        for folder in sorted(set(self._degraded) - set(before)):
            _log.warning("%s: %s", visible(folder, 500), self._degraded[folder])
            self._journal.write("watch.degraded", {"path": visible(folder, 500), "why": self._degraded[folder]})
        for folder in sorted(set(before) - set(self._degraded)):
            self._journal.write("watch.restored", {"path": visible(folder, 500)})

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def _on_fd(self, fd: int, track: str) -> None:
        self._events.add_reader(fd, self._owner_ended, track)

    def _off_fd(self, fd: int) -> None:
        self._events.remove_reader(fd)

    def _owner_ended(self, track: str) -> None:
        self._claims.ended(track)
        self._dirty.add(track)
        self._wake.set()

    def _wake_from_thread(self) -> None:
        with suppress(RuntimeError):
            self._events.call_soon_threadsafe(self._wake.set)
