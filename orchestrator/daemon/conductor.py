"""Drives runs: from the facts of each to the next actions, with the slow ones in threads.

A run belongs to the process that holds its flock. Whoever finds an accepted run that nobody drives takes
it up where its files say it is: workers that live are left alone, what they finished is merged.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from orchestrator.claims import Seen
from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StartWorker, StopWorker
from orchestrator.core.decide import decide, wake_at
from orchestrator.core.facts import RunFacts
from orchestrator.core.run import Outcome
from orchestrator.core.status import Status
from orchestrator.core.text import visible
from orchestrator.daemon import perform
from orchestrator.daemon.finish import finish
from orchestrator.daemon.gather import Conducted, RunFiles, Worker
from orchestrator.daemon.instance import Instance
from orchestrator.daemon.workers import Workers, stop
from orchestrator.errors import OrchdError, SystemFailure
from orchestrator.host import children, process
from orchestrator.state import door
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout

RETRY: Final = 2.0
"""Seconds before an action that the machine refused (disk full) is tried again."""

EXPECTING: Final = 0.1
"""Seconds between two looks at a worker that has not yet claimed its track."""

NEVER: Final = float("inf")

_log: Final = logging.getLogger("orchd")


@dataclass(slots=True)
class Driven:
    """A run that this process drives. ``due`` is when (monotonic s) to look at it unasked."""

    own: Conducted
    instance: Instance
    dirty: bool = True
    due: float = NEVER
    retries: list[tuple[float, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sight:
    """What the sensors see: locks by track, and the statuses of a run by agent id."""

    claims: Mapping[str, Seen]
    statuses: Callable[[str], Mapping[str, Status]]


class Conductor:
    """All runs that this process drives. Not thread-safe but for what runs in its threads.

    ``only``: drive that run and no other; ``over`` is true once it has ended. ``wake`` makes the loop
    turn soon.
    """

    def __init__(
        self, layout: Layout, journal: Journal, threads: Executor, wake: Callable[[], None], *, only: str | None = None
    ) -> None:
        self._layout = layout
        self._journal = journal
        self._threads = threads
        self._wake = wake
        self._only = only
        self._files = RunFiles(layout)
        self._workers = Workers()
        self._driven: dict[str, Driven] = {}
        self._done: deque[tuple[Driven, str, Future[object]]] = deque()
        self._look_at_all = True
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

    def turn(self, seen: Sight, now: float, changed: AbstractSet[str]) -> float | None:
        """Decide and perform for every run that something happened to; return when to come again.

        ``changed`` are the tracks whose locks are others than before; ``now`` is monotonic seconds.
        """
        if self._look_at_all:
            self._look_at_all = False
            self._take_up()
        self._collect(now)
        due = [self._guarded(driven, seen, now, changed) for driven in list(self._driven.values())]
        return min((each for each in due if each is not None), default=None)

    def _guarded(self, driven: Driven, seen: Sight, now: float, changed: AbstractSet[str]) -> float | None:
        """What goes wrong with one run leaves the others alone."""
        try:
            return self._turn_of(driven, seen, now, changed)
        except (OrchdError, OSError) as error:
            _log.warning("run %s: %s; trying again", driven.own.record.run, visible(str(error)))
        except Exception:  # noqa: BLE001  # the boundary: a bug is told whole, and the other runs go on
            _log.exception("a bug while deciding about run %s", driven.own.record.run)
        driven.due = now + RETRY
        return driven.due

    def _take_up(self) -> None:
        """Drive every accepted run without a report that no other process drives."""
        for run in self._files.unfinished():
            if run in self._driven:
                self._driven[run].dirty = True
            elif self._only in (None, run):
                self._adopt(run)

    def _adopt(self, run: str) -> None:
        paths = self._layout.run(run)
        instance = Instance(paths.conductor)
        try:
            if not instance.take():
                return
            record = door.read_run(paths)
        except (OrchdError, FileNotFoundError) as error:
            _log.warning("run %s cannot be taken up: %s", run, error)
            instance.release()
            return
        if os.path.lexists(paths.metrics):
            instance.release()
            return
        self._driven[run] = Driven(Conducted(record), instance)
        self._journal.write("run.adopted", {"run": run, "pid": os.getpid()})

    def _turn_of(self, driven: Driven, seen: Sight, now: float, changed: AbstractSet[str]) -> float | None:
        record = driven.own.record
        self._try_again(driven, now)
        if driven.dirty or now >= driven.due or any(track.track in changed for track in record.tracks):
            driven.dirty = False
            facts = self._files.facts(record, seen.statuses(record.run), seen.claims, driven.own)
            for action in decide(facts, now):
                self._perform(driven, action, seen.claims, now)
            driven.due = self._due(driven, facts, now)
        return None if driven.due == NEVER else driven.due

    @staticmethod
    def _try_again(driven: Driven, now: float) -> None:
        """Let what the machine refused some time ago be decided anew."""
        for each in [each for each in driven.retries if each[0] <= now]:
            driven.retries.remove(each)
            driven.dirty = True
            if each[1]:
                driven.own.worker(each[1]).doing = ""
            else:
                driven.own.finishing = False

    def _due(self, driven: Driven, facts: RunFacts, now: float) -> float:
        pace = wake_at(facts, now)
        expected = any(each.doing == "started" and each.exited is None and each.claim is None for each in facts.tracks)
        again = min((when for when, _ in driven.retries), default=NEVER)
        return min(again, pace if pace is not None else NEVER, now + EXPECTING if expected else NEVER)

    def _perform(self, driven: Driven, action: Action, claims: Mapping[str, Seen], now: float) -> None:
        record = driven.own.record
        match action:
            case StartWorker(agent_id=agent_id):
                driven.own.last_start = now
                driven.own.workers[agent_id] = Worker("starting")
                self._submit(driven, agent_id, partial(perform.start_worker, self._layout, record, action))
            case Integrate(agent_id=agent_id):
                driven.own.worker(agent_id).doing = "merging"
                self._submit(driven, agent_id, partial(perform.merge_track, self._layout, record, action))
            case EndTrack(agent_id=agent_id):
                driven.own.worker(agent_id).doing = "recording"
                self._submit(driven, agent_id, partial(perform.end_track, self._layout, record, action))
            case StopWorker(agent_id=agent_id):
                track = record.find(agent_id)
                stop(claims[track.track], self._layout.run(record.run).job(agent_id))
                driven.own.worker(agent_id).stopping = True
            case Finish():
                driven.own.finishing = True
                self._submit(driven, "", partial(finish, self._layout, record))

    def _submit(self, driven: Driven, agent_id: str, work: Callable[[], object]) -> None:
        """Run ``work`` in a thread; what came of it is collected in a later turn."""

        def done(future: Future[object]) -> None:
            self._done.append((driven, agent_id, future))
            self._wake()

        self._threads.submit(work).add_done_callback(done)

    def _collect(self, now: float) -> None:
        """Take in what the threads did, and which workers of ours ended."""
        while self._done:
            driven, agent_id, future = self._done.popleft()
            driven.dirty = True
            if future.cancelled():
                continue
            error = future.exception()
            if error is not None:
                self._failed(driven, agent_id, error, now)
            elif not agent_id:
                self._ended(driven)
            else:
                self._succeeded(driven, agent_id, future.result())
        for job, status in self._workers.ended().items():
            self._worker_ended(job, status)

    def _succeeded(self, driven: Driven, agent_id: str, what: object) -> None:
        """An action came to its end: a worker is on its way, or the track's outcome is on disk."""
        worker = driven.own.worker(agent_id)
        run = driven.own.record.run
        if isinstance(what, children.Detached):
            worker.doing = "started"
            worker.pid = what.pid
            self._workers.add(self._layout.run(run).job(agent_id), what)
            self._journal.write(
                "worker.started", {"run": run, "track": driven.own.record.find(agent_id).track, "pid": what.pid}
            )
        elif isinstance(what, Outcome):
            worker.doing = ""
            fields = {"run": run, "track": what.track, "commit": what.commit, "error": what.error}
            self._journal.write(f"track.{what.ended}", {key: value for key, value in fields.items() if value})

    def _failed(self, driven: Driven, agent_id: str, error: BaseException, now: float) -> None:
        """An action did not come to its end: tried again when the machine refused, else the track's trouble."""
        if not isinstance(error, OrchdError):
            _log.error("a bug while driving run %s", driven.own.record.run, exc_info=error)
        text = error.message if isinstance(error, OrchdError) else f"{type(error).__name__}: {error}"
        worker = driven.own.worker(agent_id) if agent_id else None
        if worker is not None and worker.doing in ("starting", "merging") and not isinstance(error, SystemFailure):
            kind = "RESOURCE_ERROR" if worker.doing == "starting" else "FILE_CONFLICT"
            worker.trouble = f"{kind}: {visible(text)}"
            worker.doing = ""
            return
        _log.warning(
            "run %s, %s: %s; trying again in %g s",
            driven.own.record.run,
            agent_id or "the report",
            visible(text),
            RETRY,
        )
        driven.retries.append((now + RETRY, agent_id))

    def _ended(self, driven: Driven) -> None:
        run = driven.own.record.run
        self._journal.write("run.ended", {"run": run})
        self._driven.pop(run).instance.release()
        self._files.forget(run)
        self.over = self._only == run

    def _worker_ended(self, job: str, status: int) -> None:
        for driven in self._driven.values():
            for track in driven.own.record.tracks:
                if self._layout.run(driven.own.record.run).job(track.agent_id) == job:
                    driven.own.worker(track.agent_id).exited = status
                    driven.dirty = True
                    self._journal.write(
                        "worker.ended", {"run": driven.own.record.run, "track": track.track, "status": status}
                    )

    @property
    def longest_grace(self) -> float:
        """The longest time (s) that a worker of the driven runs may take to end gently."""
        return max((driven.own.record.options.grace_seconds for driven in self._driven.values()), default=0.0)

    def stop_workers(self, claims: Mapping[str, Seen], name: str = "TERM") -> list[str]:
        """Signal every living worker of the driven runs; return the tracks whose workers got it."""
        number = process.signal_number(name)
        pairs = ((driven.own.record.run, each) for driven in self._driven.values() for each in driven.own.record.tracks)
        return [
            each.track
            for run, each in pairs
            if each.track in claims and stop(claims[each.track], self._layout.run(run).job(each.agent_id), number)
        ]

    def close(self) -> None:
        """Drive nothing any longer; workers go on."""
        for driven in self._driven.values():
            driven.instance.release()
        self._driven.clear()
