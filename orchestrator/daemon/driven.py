"""One run that this process drives: what it waits for, and what becomes of an action that the machine refused."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.decide import wake_at
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing
from orchestrator.core.states import TABLE, Event, State, reachable
from orchestrator.core.text import visible
from orchestrator.daemon.gather import Conducted, Worker
from orchestrator.daemon.instance import Instance
from orchestrator.daemon.probing import Probes
from orchestrator.errors import GitRefused, GuardBusy, NoSpace, OrchdError, SystemFailure
from orchestrator.host import files

NEVER: Final = float("inf")

RETRY: Final = 1.0
"""Seconds before an action that the machine refused (disk full) is tried again."""

TRIES: Final = 3
"""So often is tried what may pass but may as well not; what is known to pass is tried on and on."""

EXPECTING: Final = 0.1
"""Seconds between two looks at a worker that has not yet claimed its track."""


@dataclass(frozen=True, slots=True)
class Change:
    """A track that is somewhere else than before, and why."""

    track: str
    before: State
    after: State
    why: str

    @property
    def event(self) -> Event | None:
        """What led there, None where more than one thing did since the last look."""
        return next((event for event, after in TABLE[self.before].items() if after == self.after), None)

    @property
    def strange(self) -> bool:
        """Tell whether the table of states knows no way from one to the other."""
        return self.after not in reachable(self.before)


@dataclass(slots=True)
class Driven:
    """A run that this process drives. ``due`` is when (monotonic s) to look at it although nothing happened.

    ``order`` is made once. ``standing`` is what was known of the run at the last look.
    """

    own: Conducted
    instance: Instance
    order: Order
    standing: Standing | None = None
    dirty: bool = True
    due: float = NEVER
    probes: Probes = field(default_factory=Probes)
    _retries: list[tuple[float, str]] = field(default_factory=list)

    @property
    def run(self) -> str:
        """The name of the run."""
        return self.own.record.run

    def try_again(self, now: float) -> None:
        """Let what the machine refused some time ago be decided anew."""
        for each in [each for each in self._retries if each[0] <= now]:
            self._retries.remove(each)
            self.dirty = True
            if each[1]:
                self.own.worker(each[1]).doing = ""
            else:
                self.own.finishing = False

    def changes(self, standing: Standing) -> Iterator[Change]:
        """Yield each track that is somewhere else than at the last look."""
        before = self.standing
        if before is None:
            return
        for track in standing.run.tracks:
            was, state = before.states[track.spec.agent_id], standing.of(track)
            if was.where != state.where:
                yield Change(track.spec.track, was.where, state.where, state.why)

    def plan(self, standing: Standing) -> None:
        """Set when to look again although nothing happens."""
        tracks = standing.run.tracks
        expected = any(each.doing == "started" and each.exited is None and each.claim is None for each in tracks)
        step = wake_at(standing)
        times = [when for when, _ in self._retries]
        times += [standing.now + EXPECTING] if expected else []
        times += [each for each in (step, self.probes.due) if each is not None]
        self.due = min(times, default=NEVER)

    def refused(self, agent_id: str, error: BaseException, now: float) -> bool:
        """An action did not come to its end; tell whether it is tried again, else it is the track's trouble.

        ``agent_id`` is empty for the end of the run.
        """
        self.dirty = True
        if agent_id:
            worker = self.own.worker(agent_id)
            worker.tries += 1
            if _is_hopeless(worker, error):
                worker.trouble = f"{_kind(worker, error)}: {said(error)}"
                worker.doing = ""
                return False
        self._retries.append((now + RETRY, agent_id))
        return True


def _is_hopeless(worker: Worker, error: BaseException) -> bool:
    """Tell whether another try will not help. To record an end there is no other way than to try."""
    if worker.doing == "recording" or passes(error):
        return False
    git = worker.doing in ("merging", "tidying")
    may_pass = (OSError, SystemFailure, GitRefused) if git else (OSError, SystemFailure)
    return not isinstance(error, may_pass) or worker.tries >= TRIES


def _kind(worker: Worker, error: BaseException) -> str:
    known = isinstance(error, (OrchdError, OSError))
    return "RESOURCE_ERROR" if known and worker.doing == "starting" else "UNKNOWN"


def passes(error: BaseException | None) -> bool:
    """Tell whether somebody or something has run out, or is in the way, for a while."""
    if isinstance(error, OSError):
        return error.errno == errno.EAGAIN or isinstance(files.failure(error, ""), NoSpace)
    if isinstance(error, (NoSpace, GuardBusy)):
        return True
    return isinstance(error, OrchdError) and passes(error.__cause__)


def said(error: BaseException) -> str:
    """Return what an error says, in one line that is safe to show."""
    if isinstance(error, OSError):
        return files.failure(error, "the machine refused").message
    return error.message if isinstance(error, OrchdError) else visible(f"{type(error).__name__}: {error}", 500)
