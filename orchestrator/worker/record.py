"""The worker's entry in the result file: how each phase of its attempt really ended."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.core import result
from orchestrator.core.claim import Claim
from orchestrator.core.phase import Job
from orchestrator.core.result import Attempt, PhaseResult, Result
from orchestrator.errors import Superseded, Unreadable
from orchestrator.host import clock, files
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import prepare, temp
from orchestrator.worker.report import UNTOLD, Spent

_LARGEST: Final = 64 * 1024 * 1024
_WAIT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Parked:
    """What the attempt has to wait for: a person, or the end of a usage limit (``limited_until``, empty: not said).

    ``error`` is what it ends with then; empty: it does not wait.
    """

    error: str = ""
    asked: str = ""
    blocked: str = ""
    limited: bool = False
    limited_until: str = ""


NOT_PARKED: Final = Parked()


class Record:
    """Writes the entry of one attempt; those of former attempts stay as they are.

    ``holds`` tells whether the claim is still ours: then no later one exists, whatever the file says.
    """

    def __init__(self, paths: RunLayout, job: Job, claim: Claim, holds: Callable[[], bool]) -> None:
        self._holds = holds
        self._paths = paths
        self._agent_id = job.agent_id
        self._track = job.track
        self._entry = Attempt(job.attempt, claim.fence, claim.token, clock.iso(), cause=job.cause)

    def finished(self) -> Attempt | None:
        """Return the entry of this attempt if another worker has brought it to its end."""
        former = self._former().of(self._entry.attempt)
        return former if former is not None and former.finished else None

    def inherit(self) -> None:
        """Take over the entry that another worker has brought to its end, with our fence, so that ours is no later one.

        Where a stranger claimed the track in between, it stays as it is.
        """
        former = self.finished()
        if former is not None and former.fence + 1 == self._entry.fence:
            self._publish(replace(former, fence=self._entry.fence, token=self._entry.token), durable=True)

    def write(self, phases: Sequence[PhaseResult]) -> None:
        """Say how the phases so far ended."""
        self._publish(replace(self._entry, phases=tuple(phases)), durable=False)

    def finish(
        self, phases: Sequence[PhaseResult], error: str, parked: Parked = NOT_PARKED, spent: Spent = UNTOLD
    ) -> None:
        """Say how the attempt ended; it survives a power cut."""
        entry = replace(
            self._entry,
            phases=tuple(phases),
            finished=True,
            ended_at=clock.iso(),
            error=error,
            asked=parked.asked,
            blocked=parked.blocked,
            limited=parked.limited,
            limited_until=parked.limited_until,
            cost_usd=spent.cost_usd,
            tokens=spent.tokens,
        )
        self._publish(entry, durable=True)

    def _publish(self, entry: Attempt, *, durable: bool) -> None:
        """Write the whole file under its guard; raises ``Superseded`` over the entry of a later claim."""
        prepare(self._paths)
        with files.guard(
            f"{self._paths.private}/{self._agent_id}.result.guard", _WAIT, f"the result of {self._agent_id}"
        ):
            former = self._former()
            same = former.of(entry.attempt)
            holds = self._holds()
            if same is not None and same.fence > entry.fence and not holds:
                raise Superseded(f"{self._track} was claimed again since (fence {same.fence}, ours was {entry.fence})")
            data = result.encode((former.until(entry.attempt) if holds else former).with_attempt(entry))
            files.publish(self._paths.result(self._agent_id), data, temp(self._paths), durable=durable)

    def _former(self) -> Result:
        path = self._paths.result(self._agent_id)
        try:
            found = result.decode(files.read(path, _LARGEST).data)
        except FileNotFoundError:
            return Result(self._agent_id, self._track)
        except Unreadable as error:
            files.raise_if_ran_out(error)
            self._set_aside(path)
            return Result(self._agent_id, self._track)
        return replace(found, agent_id=self._agent_id, track=self._track)

    def _set_aside(self, path: str) -> None:
        """Keep a file that is no result, so that one can be written."""
        prepare(self._paths)
        aside = f"{self._paths.private}/aside/{self._agent_id}.bad.{clock.wall_ns()}.result.json"
        os.rename(path, aside)
