"""Which tracks have failed too often, over all runs, to be tried again before a person says so."""

from dataclasses import dataclass

from orchestrator.core.outcome import NOT_ITS_FAULT
from orchestrator.core.run import Outcome
from orchestrator.core.text import visible


@dataclass(frozen=True, slots=True)
class Past:
    """How a track ended in a former run.

    ``lifted``: a person had asked for it in spite of the runs before that. ``answered``: a person answered the question
    that it ended with.
    """

    outcome: Outcome
    lifted: bool = False
    answered: bool = False


class Record:
    """The past of one track, told run by run, the newest first. ``after`` failures in a row are too many, 0: never.

    A run in which the track was merged, or that a person asked for in spite of what was, ends the row; so does one
    whose last question a person answered since, and that one does not count. One in which the track was not worked
    on, was cancelled or met a conflict says nothing about it.
    """

    def __init__(self, after: int) -> None:
        self._after = after
        self._failed = 0
        self._last = ""
        self.settled = after == 0

    def add(self, past: Past) -> None:
        """Take in how it ended one run earlier; ``settled`` is true once no earlier run matters."""
        self.settled = self.settled or past.answered
        if self.settled:
            return
        outcome = past.outcome
        if _is_its_failure(outcome):
            self._failed += 1
            self._last = self._last or outcome.error
        self.settled = past.lifted or outcome.ended == "merged" or self._failed >= self._after

    @property
    def is_too_bad(self) -> bool:
        """Tell whether the track is not to be tried again."""
        return 0 < self._after <= self._failed

    def why(self, again: str) -> str:
        """Return why it is not tried, with the command that does it ``again``; empty where it is tried."""
        if not self.is_too_bad:
            return ""
        last = visible(self._last, 200) or "UNKNOWN"
        return f"it failed in {self._failed} runs (last: {last}); `{again}` takes it up"


def _is_its_failure(outcome: Outcome) -> bool:
    return outcome.ended == "failed" and outcome.attempt > 0 and not outcome.error.startswith(NOT_ITS_FAULT)
