"""The worker's word on where it is: the status file, from in_progress to completed or failed."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from orchestrator.core.claim import Claim
from orchestrator.core.phase import Job
from orchestrator.host import clock
from orchestrator.state import status
from orchestrator.state.layout import RunLayout

Fields = dict[str, object]

_PATIENT: Final = 1.0
_BRIEF: Final = 0.25
"""Seconds to wait for another writer. One that is stuck must not keep the agent's deadline waiting."""

_OF_AN_ATTEMPT: Final = ("error", "completion_time", "needs_input", "current_stage", "progress_percentage")


class Report:
    """Writes the status of one attempt. What the agent itself reported in it is kept.

    ``holds`` tells whether the claim is still ours: then no later one exists, whatever the file says.
    """

    def __init__(self, paths: RunLayout, job: Job, claim: Claim, holds: Callable[[], bool]) -> None:
        self._holds = holds
        self._paths = paths
        self._job = job
        self._claim = claim
        self._since = clock.iso()
        self._phase = ""

    def begin(self) -> None:
        """Say that the attempt is under way; what a former one left behind is over."""
        self._publish(
            lambda said: {
                **_without(said, _OF_AN_ATTEMPT),
                **self._identity(said),
                "status": "in_progress",
                "start_time": self._since,
                "progress_percentage": 0,
            }
        )

    def phase(self, name: str) -> None:
        """Say which phase begins; an error that the agent reported before did not keep it from passing."""
        self._phase = name
        self._publish(lambda said: {**_without(self._identity(said), ("error",)), "current_stage": name})

    def beat(self) -> str:
        """Say that the worker lives; return the error that the agent has reported, if any."""
        said = self._publish(self._identity, _BRIEF)
        error = said.get("error")
        return error if isinstance(error, str) else ""

    def finish(self, error: str) -> None:
        """Say how the attempt ended: completed, or failed with ``error``."""
        self._publish(lambda said: self._ended(said, error))

    def _ended(self, said: Fields, error: str) -> Fields:
        kept = _without(self._identity(said), ("error", "needs_input"))
        how: Fields = (
            {"status": "failed", "error": error} if error else {"status": "completed", "progress_percentage": 100}
        )
        return {**kept, **how, "completion_time": clock.iso()}

    def _identity(self, said: Mapping[str, object]) -> Fields:
        """Return what is said with everything that a status must have, whatever the agent made of the file."""
        told = said.get("metadata")
        metadata = {
            **(told if isinstance(told, Mapping) else {}),
            "attempt": self._job.attempt,
            "retry_count": self._job.attempt - 1,
            "run": self._claim.run,
            "phase": self._phase,
        }
        return {
            "status": "in_progress",
            "start_time": self._since,
            **said,
            "agent_id": self._job.agent_id,
            "track": self._job.track,
            "branch_name": self._job.branch_name,
            "metadata": metadata,
        }

    def _publish(self, change: Callable[[Fields], Fields], wait: float = _PATIENT) -> Fields:
        fence = self._claim.fence
        latest = fence if self._holds() else None
        return status.update(self._paths, self._job.agent_id, change, fence=fence, claim_fence=latest, wait=wait)


def _without(said: Mapping[str, object], names: Collection[str]) -> Fields:
    return {name: value for name, value in said.items() if name not in names}
