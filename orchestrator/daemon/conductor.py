"""Drives runs: from the facts of each to the next actions, with the slow ones in threads.

A run belongs to the process that holds its flock. Whoever finds an accepted run that nobody drives takes
it up where its files say it is: workers that live are left alone, what they finished is merged.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Final

from orchestrator.claims import Seen
from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StartWorker, StopWorker
from orchestrator.core.decide import active, decide, is_quiet, stop_all
from orchestrator.core.outcome import HELD
from orchestrator.core.refusal import Refusal
from orchestrator.core.run import Outcome
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing
from orchestrator.core.status import Status
from orchestrator.core.text import visible
from orchestrator.daemon import perform
from orchestrator.daemon.driven import RETRY, Driven, said
from orchestrator.daemon.finish import finish
from orchestrator.daemon.gather import Conducted, RunFiles, Worker
from orchestrator.daemon.instance import Instance
from orchestrator.daemon.launch import Launch
from orchestrator.daemon.neighbours import Neighbours
from orchestrator.daemon.pace import Complaints
from orchestrator.daemon.workers import Started, Workers, place
from orchestrator.errors import OrchdError
from orchestrator.host import clock
from orchestrator.state import results
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout

ENDING_LOOK: Final = 0.1
"""Seconds between two looks at workers that were all asked to end."""

AT_LAST: Final = 12.0
"""Seconds beyond the longest grace after which nobody is waited for any longer."""

LOOKED_AT: Final = 0.02
"""Seconds to wait for the flock of a run: somebody may just be looking whether it is taken."""

_log: Final = logging.getLogger("orchd")


@dataclass(frozen=True, slots=True)
class Sight:
    """What the sensors see: locks by track, and the statuses of a run by agent id."""

    claims: Mapping[str, Seen]
    statuses: Callable[[str], Mapping[str, Status]]


@dataclass(frozen=True, slots=True)
class Wakes:
    """Wakes the loop from any thread: to ``turn`` soon, or to look at everything ``again``."""

    turn: Callable[[], None]
    again: Callable[[], None]


class Conductor:
    """All runs that this process drives. Not thread-safe but for what runs in its threads.

    ``only``: drive that run and no other. ``over`` is true once that has ended, or, after
    :meth:`end_workers`, once no worker is left.
    """

    def __init__(
        self, layout: Layout, journal: Journal, threads: Executor, wakes: Wakes, *, only: str | None = None
    ) -> None:
        self._layout = layout
        self._journal = journal
        self._threads = threads
        self._wakes = wakes
        self._only = only
        self._files = RunFiles(layout)
        self._workers = Workers()
        self._launch = Launch(layout.root)
        self._driven: dict[str, Driven] = {}
        self._pending: set[Future[object]] = set()
        self._done: deque[tuple[Driven, str, Future[object]]] = deque()
        self._complaints = Complaints()
        self._neighbours = Neighbours(layout, self._files.all)
        self._look_at_all = True
        self._leaving: float | None = None
        self.over = False

    def look_at_all(self) -> None:
        """Look for runs that nobody drives, and at every file of ours, in the next turn."""
        self._look_at_all = True

    def look_at(self, run: str) -> None:
        """Something changed in the folder of ``run``."""
        if run in self._driven:
            self._driven[run].dirty = True
        else:
            self._look_at_all = True

    def ended(self) -> Mapping[str, AbstractSet[str]]:
        """Return the agents of each driven run whose tracks have ended."""
        return {run: driven.own.over.keys() for run, driven in self._driven.items()}

    def turn(self, seen: Sight, now: float, changed: AbstractSet[str]) -> float | None:
        """Decide and perform for every run that something happened to; return when to come again.

        ``changed`` are the tracks whose locks are others than before; ``now`` is monotonic seconds.
        """
        if self._look_at_all and self._leaving is None:
            self._look_at_all = False
            self._take_up(now)
        self._collect(now)
        for driven in list(self._driven.values()):
            self._guarded(driven, seen, now, changed)
        if self._leaving is not None:
            self._leave(seen, now, late=now >= self._leaving)
            return now + ENDING_LOOK
        return min((now if driven.dirty else driven.due for driven in self._driven.values()), default=None)

    def _guarded(self, driven: Driven, seen: Sight, now: float, changed: AbstractSet[str]) -> None:
        """What goes wrong with one run leaves the others alone."""
        try:
            self._turn_of(driven, seen, now, changed)
        except Exception as error:  # noqa: BLE001  # the boundary: a bug is told whole, and the other runs go on
            self._complain(f"run {driven.run}: trying again", error, now)
            driven.dirty, driven.due = False, now + RETRY

    def _take_up(self, now: float) -> None:
        """Drive every accepted run without a report that no other process drives."""
        for driven in self._driven.values():
            driven.dirty, driven.own.present = True, None
        missing = [run for run in self._files.unfinished() if run not in self._driven and self._only in (None, run)]
        fresh = [adopted for run in missing if (adopted := self._adopt(run, now)) is not None]
        if fresh:
            self._launch.prepare()
        self._find_workers(fresh)
        for driven in fresh:
            driven.dirty = False
            self._driven[driven.run] = driven
            self._journal.write("run.adopted", {"run": driven.run, "pid": os.getpid()})
        if fresh:
            self._wakes.again()

    def _adopt(self, run: str, now: float) -> Driven | None:
        paths = self._layout.run(run)
        instance = Instance(paths.conductor)
        try:
            if not instance.take(LOOKED_AT):
                return None
            record = results.read_run(paths)
        except Exception as error:  # noqa: BLE001  # the boundary: a bug is told whole, and the other runs go on
            self._complain(f"run {run} cannot be taken up", error, now)
            instance.release()
            return None
        if self._files.ended(run):
            instance.release()
            return None
        own = Conducted.of(record, now)
        own.drives = True
        for track in record.tracks:
            if os.path.lexists(paths.outcome(track.agent_id)):
                own.worker(track.agent_id).recorded = True
        return Driven(own, instance, Order.of(record))

    def _find_workers(self, fresh: Iterable[Driven]) -> None:
        """Find the workers that a former driver of these runs started and that are on the way to their claims.

        Nothing is decided before all files are read once more: who is not there now has left everything in them.
        """
        places = {
            job: driven.own.worker(track.agent_id)
            for driven in fresh
            for track in driven.own.record.tracks
            if os.path.lexists(job := place(self._layout, driven.run, track).job)
        }
        for job in self._workers.adopt(places) if places else ():
            places[job].doing = "started"
        for worker in places.values():
            worker.heard = clock.steady()

    def _turn_of(self, driven: Driven, seen: Sight, now: float, changed: AbstractSet[str]) -> None:
        driven.try_again(now)
        touched = changed and any(track.track in changed for track in driven.own.record.tracks)
        if not (driven.dirty or now >= driven.due or touched):
            return
        driven.dirty = False
        standing = self._standing(driven, seen, now)
        if not driven.own.finishing and (standing.run.ended or not self._is_there(driven)):
            self._let_go(driven)
            return
        self._tell(driven, standing)
        driven.probes.turn(self._layout, standing, self._threads)
        driven.own.clashes = driven.probes.clashes
        driven.standing = standing
        news = driven.own.note(standing)
        actions = decide(standing, driven.order) if self._leaving is None else stop_all(standing)
        for action in actions:
            self._perform(driven, action, seen.claims, now)
        driven.dirty = news or bool(actions)  # what was done is a fact, too
        driven.plan(standing)

    def _standing(self, driven: Driven, seen: Sight, now: float) -> Standing:
        statuses = seen.statuses(driven.run)
        driven.own.hear(statuses, now)
        driven.own.others = self._neighbours.of(driven, self._driven.values(), now)
        return Standing(self._files.facts(driven.own.record, statuses, seen.claims, driven.own), now)

    def _tell(self, driven: Driven, standing: Standing) -> None:
        """Journal which tracks are somewhere else than before; a way that the table of states has not is a bug."""
        for change in driven.changes(standing):
            fields = {"run": driven.run, "track": change.track, "from": change.before, "to": change.after}
            self._journal.write("track.changed", {**fields, "by": change.event, "why": change.why})
            if change.strange:
                _log.error("a bug: no way leads from %s to %s (%s)", change.before, change.after, visible(change.track))

    def _is_there(self, driven: Driven) -> bool:
        return os.path.lexists(self._layout.run(driven.run).record)

    def _perform(self, driven: Driven, action: Action, claims: Mapping[str, Seen], now: float) -> None:
        record = driven.own.record
        match action:
            case StartWorker(agent_id=agent_id):
                driven.own.last_start = now
                self._workers.begin(place(self._layout, driven.run, record.find(agent_id)).job)
                tries = driven.own.worker(agent_id).tries
                driven.own.workers[agent_id] = Worker("starting", tries=tries, heard=now)
                start = partial(perform.start_worker, self._layout, record, action, self._launch)
                self._submit(driven, agent_id, start)
            case Integrate(agent_id=agent_id):
                driven.own.worker(agent_id).doing = "merging"
                self._submit(driven, agent_id, partial(perform.merge_track, self._layout, record, action))
            case EndTrack(agent_id=agent_id, ended=ended):
                worker = driven.own.worker(agent_id)
                worker.doing, worker.ending = "recording", ended
                self._submit(driven, agent_id, partial(perform.end_track, self._layout, record, action))
            case StopWorker():
                self._stop(driven, action, claims, now)
            case Finish():
                driven.own.finishing = True
                self._submit(driven, "", partial(finish, self._layout, record))

    def _stop(self, driven: Driven, action: StopWorker, claims: Mapping[str, Seen], now: float) -> None:
        track, worker = driven.own.record.find(action.agent_id), driven.own.worker(action.agent_id)
        where = place(self._layout, driven.run, track)
        worker.asked, worker.forced = worker.asked or now, action.force
        if action.force:
            self._workers.kill(where, claims.get(track.track))
        else:
            self._workers.ask(where, claims.get(track.track))

    def _submit(self, driven: Driven, agent_id: str, work: Callable[[], object]) -> None:
        """Run ``work`` in a thread; what came of it is collected in a later turn."""

        def done(future: Future[object]) -> None:
            self._done.append((driven, agent_id, future))
            self._wakes.turn()

        future = self._threads.submit(work)
        self._pending.add(future)
        future.add_done_callback(done)

    def _collect(self, now: float) -> None:
        """Take in what the threads did, and which workers ended."""
        while self._done:
            driven, agent_id, future = self._done.popleft()
            self._pending.discard(future)
            driven.dirty = True
            error = None if future.cancelled() else future.exception()
            if error is not None:
                next_step = "trying again" if driven.refused(agent_id, error, now) else "given up"
                self._complain(f"run {driven.run}, {agent_id or 'its end'}: {next_step}", error, now)
            elif not future.cancelled():
                self._succeeded(driven, agent_id, future.result())
        for job, status in self._workers.ended().items():
            self._worker_ended(job, status)

    def _succeeded(self, driven: Driven, agent_id: str, what: object) -> None:
        """An action came to its end: a worker is on its way, the track's outcome is on disk, or the run is over."""
        if not agent_id:
            self._journal.write("run.ended", {"run": driven.run})
            self._let_go(driven)
            return
        worker, track = driven.own.worker(agent_id), driven.own.record.find(agent_id)
        worker.tries = 0
        if isinstance(what, Started):
            worker.doing = "started"
            self._workers.add(place(self._layout, driven.run, track).job, what)
            self._journal.write("worker.started", {"run": driven.run, "track": track.track, "pid": what.pid})
        elif isinstance(what, perform.TakenIn):
            worker.doing = "tidying"
            self._submit(driven, agent_id, partial(perform.wind_up, self._layout, driven.own.record, what))
        elif isinstance(what, Refusal) or what is None:
            worker.doing = ""  # its work passed and was not merged: the next look says what comes of that
            if what is not None:
                self._journal.write("track.refused", {"run": driven.run, "track": track.track, "error": what.error})
        elif isinstance(what, Outcome):
            worker.doing, worker.recorded = "", True
            fields = {"run": driven.run, "track": what.track, "commit": what.commit, "error": what.error}
            self._journal.write(f"track.{what.ended}", {key: value for key, value in fields.items() if value})

    def _complain(self, what: str, error: BaseException, now: float) -> None:
        """Log what went wrong, each thing once a minute; a bug with its whole story."""
        if self._complaints.passes(f"{what} {error}", now):
            whole = None if isinstance(error, (OrchdError, OSError)) else error
            _log.warning("%s: %s", visible(what), said(error), exc_info=whole)

    def _let_go(self, driven: Driven) -> None:
        """Drive a run no longer: it has its report, or its folder is gone."""
        if self._driven.pop(driven.run, None) is None:
            return
        driven.instance.release()
        self._files.forget(driven.run)
        if not self._driven:
            self._launch.rest()
        self.over = self.over or self._only == driven.run

    def _worker_ended(self, job: str, status: int | None) -> None:
        for driven in self._driven.values():
            job_of = self._layout.run(driven.run).job
            track = next((each for each in driven.own.record.tracks if job_of(each.agent_id) == job), None)
            if track is not None:
                worker = driven.own.worker(track.agent_id)
                worker.exited = status
                if status is None:
                    worker.doing = ""  # its files say the rest
                driven.dirty = True
                self._journal.write("worker.ended", {"run": driven.run, "track": track.track, "status": status})
        if status == HELD:
            self._wakes.again()  # somebody has the track: see who, before it is tried again

    def standings(self, seen: Sight, now: float) -> dict[str, Standing]:
        """Return where each driven run stands."""
        return {run: self._standing(driven, seen, now) for run, driven in self._driven.items()}

    def end_workers(self, seen: Sight, now: float) -> list[str]:
        """Ask the workers of all driven runs to end, and start none; return the tracks that have one.

        What is still there after its grace is killed. ``over`` tells when none is left.
        """
        grace = max((driven.own.record.options.grace_seconds for driven in self._driven.values()), default=0.0)
        self._leaving = now + grace + AT_LAST
        standings = [self._standing(driven, seen, now) for driven in self._driven.values()]
        return [track.spec.track for standing in standings for track in active(standing)]

    def _leave(self, seen: Sight, now: float, *, late: bool) -> None:
        """Be over when no worker is left; then nothing that one of them started is left either."""
        for driven in self._driven.values():
            driven.dirty = True
        if late or all(is_quiet(self._standing(driven, seen, now)) for driven in self._driven.values()):
            for run in self._driven:
                self._workers.sweep(self._layout, run)
            self.over = True

    async def settle(self, seconds: float) -> bool:
        """Wait for what runs in threads, so long at most; tell whether all of it came to its end."""
        left = [asyncio.wrap_future(each) for each in self._pending if not each.done()]
        done, busy = await asyncio.wait(left, timeout=seconds) if left else ((), ())
        for each in done:
            each.exception()  # whatever it was, the next driver of the run does it again
        return not busy

    def close(self) -> None:
        """Drive nothing any longer; workers go on."""
        for driven in self._driven.values():
            driven.instance.release()
        self._driven.clear()
        self._launch.rest()
