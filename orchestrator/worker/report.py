"""The worker's word on where it is: the status file, from in_progress to completed or failed."""

import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.core import amounts
from orchestrator.core.claim import Claim
from orchestrator.core.phase import Job
from orchestrator.core.text import visible
from orchestrator.host import clock
from orchestrator.state import status
from orchestrator.state.layout import RunLayout

Fields = dict[str, object]

_PATIENT: Final = 1.0
_BRIEF: Final = 0.25
"""Seconds to wait for another writer. One that is stuck must not keep the agent's deadline waiting."""

_OF_AN_ATTEMPT: Final = ("error", "completion_time", "needs_input", "current_stage", "progress_percentage")
_TOLD_OF_AN_ATTEMPT: Final = ("blocked", "ready_for_review", "cost_usd", "tokens", "quiet_since")
_LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What the agent says an attempt has cost so far; None where it says nothing that can be believed."""

    cost_usd: float | None = None
    tokens: int | None = None


UNTOLD: Final = Spent()


class Report:
    """Writes the status of one attempt. What the agent itself reported in it is kept.

    ``holds`` tells whether the claim is still ours: then no later one exists, whatever the file says.
    ``quiet_since`` is told to people while the agent shows no sign of life; empty: it does.
    """

    def __init__(self, paths: RunLayout, job: Job, claim: Claim, holds: Callable[[], bool]) -> None:
        self._holds = holds
        self._paths = paths
        self._job = job
        self._claim = claim
        self._since = clock.iso()
        self._phase = ""
        self._said: Fields = {}
        self._ours: tuple[int, int] | None = None
        self._heard = False
        self.quiet_since = ""

    def begin(self) -> None:
        """Say that the attempt is under way; what a former one left behind is over."""
        self._publish(
            lambda said: {
                **self._identity(_without(said, _OF_AN_ATTEMPT) | {"metadata": _fresh(said)}),
                "status": "in_progress",
                "start_time": self._since,
                "progress_percentage": 0,
            }
        )

    def phase(self, name: str) -> None:
        """Say which phase begins; an error that the agent reported before did not keep it from passing."""
        self._phase = name
        self._publish(lambda said: {**_without(self._identity(said), ("error",)), "current_stage": name})

    def beat(self) -> None:
        """Say that the worker lives."""
        self._publish(self._identity, _BRIEF)

    def heed(self) -> str:
        """Take in what the agent has reported; return the error in it, if there is one. Nothing is written."""
        self._listen()
        self._said = status.said(self._paths, self._job.agent_id) or self._said
        error = self._said.get("error")
        return error if isinstance(error, str) else ""

    def heard(self) -> bool:
        """Tell whether somebody else has written the status since this was asked last."""
        self._listen()
        heard, self._heard = self._heard, False
        return heard

    @property
    def question(self) -> str:
        """What the agent asks a person, as far as is known; empty: nothing."""
        asked = self._said.get("needs_input")
        question = asked.get("question") if isinstance(asked, Mapping) else None
        return question[:_LONGEST] if isinstance(question, str) else ""

    @property
    def blocked(self) -> str:
        """What the agent says it cannot get past."""
        told = _told(self._said).get("blocked")
        return told[:_LONGEST] if isinstance(told, str) else ""

    @property
    def parks(self) -> str:
        """Why the attempt has to wait for a person, ``TYPE: text``; empty: it has not."""
        if self.question:
            return f"UNKNOWN: needs input: {visible(self.question)}"
        return f"UNKNOWN: blocked: {visible(self.blocked)}" if self.blocked else ""

    @property
    def spent(self) -> Spent:
        """What the agent says this attempt has cost."""
        cost, tokens = _told(self._said).get("cost_usd"), _told(self._said).get("tokens")
        return Spent(amounts.dollars(cost), amounts.tokens(tokens))

    def _listen(self) -> None:
        """Take note of a status file that is not the one we wrote."""
        there = self._there()
        self._heard = self._heard or there not in (None, self._ours)
        self._ours = there

    def _there(self) -> tuple[int, int] | None:
        with suppress(OSError):
            found = os.lstat(self._paths.status(self._job.agent_id))
            return found.st_ino, found.st_mtime_ns
        return None

    def finish(self, error: str) -> None:
        """Say how the attempt ended: completed, or failed with ``error``. What a person has to answer stays."""
        self.quiet_since = ""
        over = ("error",) if error and error == self.parks else ("error", "needs_input")
        self._publish(lambda said: self._ended(_without(said, over), error))

    def _ended(self, said: Fields, error: str) -> Fields:
        kept = self._identity(said)
        how: Fields = (
            {"status": "failed", "error": error} if error else {"status": "completed", "progress_percentage": 100}
        )
        return {**kept, **how, "completion_time": clock.iso()}

    def _identity(self, said: Mapping[str, object]) -> Fields:
        """Return what is said with everything that a status must have, whatever the agent made of the file."""
        metadata = {
            **_without(_told(said), ("quiet_since",)),
            **({"quiet_since": self.quiet_since} if self.quiet_since else {}),
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
        self._listen()
        self._said = status.update(self._paths, self._job.agent_id, change, fence=fence, claim_fence=latest, wait=wait)
        self._ours = self._there()
        return self._said


def _told(said: Mapping[str, object]) -> Mapping[str, object]:
    told = said.get("metadata")
    return told if isinstance(told, Mapping) else {}


def _fresh(said: Mapping[str, object]) -> Fields:
    """Return the metadata without what a former attempt told of itself."""
    return _without(_told(said), _TOLD_OF_AN_ATTEMPT)


def _without(said: Mapping[str, object], names: Collection[str]) -> Fields:
    return {name: value for name, value in said.items() if name not in names}
