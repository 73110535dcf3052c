"""Whether a track gets another attempt after one that failed: when, and with which tools.

Transient failures pass with time; permanent ones stay until the work is done otherwise, so the next attempt is told
of them; fatal ones need a person. An attempt that waits for a person, or for a usage limit to end, is none of these.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from zlib import crc32

from orchestrator.core.phase import Toolset
from orchestrator.core.result import Attempt
from orchestrator.core.run import Options

FailureClass = Literal["transient", "fatal", "permanent"]

LONGEST_DELAY: Final = 300.0
"""Seconds that lie between two attempts at most."""

MOST_PARKED: Final = 100
"""So many attempts in a row may end with a question or at a usage limit; then it is a failure, and none follows."""

DIED: Final = "UNKNOWN: the worker died"
"""The begin of the error of an attempt that its worker could say no more of."""

_FATAL_STATUS: Final = frozenset({77, 78, 126, 127})
"""No permission, bad configuration, not executable, not found."""
_TEMPORARY: Final = 75
_FATAL: Final = re.compile(
    r"cannot be started|not logged in|valid api key|authentication[ _](?:failed|error|required)|not authenticated|"
    r"(?:failed|unable) to authenticate|unauthori[sz]ed|credit balance|\b(?:http|status|error|code)\W{1,3}40[13]\b|"
    r"\b40[13] (?:unauthori[sz]ed|forbidden)|^superseded: |^the budget of the ",
    re.IGNORECASE,
)
_TRANSIENT: Final = re.compile(
    r"connection (?:reset|refused|closed|error)|timed? ?out|temporar|overloaded|unavailable|\b(?:429|50[0234]|529)\b|"
    r"no space left|cancelled \(",
    re.IGNORECASE,
)
_TRANSIENT_TYPES: Final = frozenset({"API_ERROR", "TIMEOUT", "RESOURCE_ERROR"})
_OF_THE_WORK: Final = frozenset({"IMPORT_CONFLICT", "TEST_FAILURE", "TEST_TIMEOUT", "BUILD_ERROR", "VALIDATION_ERROR"})


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that failed: its class, the TYPE of its error, and the phase that did not pass."""

    failed_as: FailureClass
    kind: str
    phase: str


@dataclass(frozen=True, slots=True)
class Next:
    """The next attempt: so many seconds after the present one failed, with these tools."""

    attempt: int
    delay: float
    toolset: Toolset


def classify(attempt: Attempt | None, error: str) -> FailureClass:
    """Return the class of a failure. ``attempt`` is None where the worker died before it wrote anything."""
    if attempt is None or not attempt.finished:
        return "transient"
    kind, _, text = error.partition(": ")
    if kind in _OF_THE_WORK:
        return "permanent"
    if _FATAL.search(text):
        return "fatal"
    last = attempt.phases[-1] if attempt.phases else None
    if last is not None and not last.passed:
        by_ending = {"not_started": "fatal", "timed_out": "transient", "signalled": "transient"}
        if last.ending in by_ending:
            return "fatal" if by_ending[last.ending] == "fatal" else "transient"
        if last.status in _FATAL_STATUS:
            return "fatal"
        if last.status == _TEMPORARY:
            return "transient"
    return "transient" if kind in _TRANSIENT_TYPES or _TRANSIENT.search(text) else "permanent"


def failures(
    former: Sequence[Attempt], present: int, entry: Attempt | None, *, parks_on_limit: bool = True
) -> list[Failure]:
    """Return the failed attempts of a track in their order, the ``present`` one (its number and entry) last.

    One that wrote nothing, because its worker died, counts; one that was parked does not. ``parks_on_limit``: so is
    one that met a usage limit; else that is a failure like others.
    """
    known = {each.attempt: each for each in former}
    if entry is not None:
        known[present] = entry
    found = []
    for number in range(1, present + 1):
        attempt = known.get(number)
        if attempt is None or not attempt.parked or (attempt.limited and not parks_on_limit):
            found.append(_failure(attempt))
    return found


def _failure(attempt: Attempt | None) -> Failure:
    error = attempt.error if attempt is not None and attempt.finished else DIED
    phase = attempt.phases[-1].name if attempt is not None and attempt.phases else ""
    return Failure(classify(attempt, error), error.partition(":")[0], phase)


def following(failed: Sequence[Failure], present: int, options: Options, key: str) -> Next | None:
    """Return the attempt that follows the last of ``failed``; None where there is none.

    From the second failure like the one before, the agent gets the reduced toolset. ``key`` spreads the delays of
    tracks that failed together.
    """
    if not failed or failed[-1].failed_as == "fatal" or len(failed) >= options.attempts:
        return None
    alike = len(failed) > 1 and failed[-1] == failed[-2]
    return Next(present + 1, _delay(options.retry_delay_seconds, len(failed), key), "reduced" if alike else "full")


def parked_in_a_row(former: Sequence[Attempt], present: Attempt) -> tuple[Attempt, ...]:
    """Return the attempts since the last that did not have to wait, the ``present`` one last."""
    row: list[Attempt] = []
    for each in sorted((*former, present), key=lambda each: -each.attempt):
        if not each.parked:
            break
        row.insert(0, each)
    return tuple(row)


def after_limits(count: int, options: Options, key: str) -> float:
    """Return how many seconds lie at least between a limit, the last of so many in a row, and the next attempt.

    Nothing after the first: its end is what was said. Who meets it again at once has not told when it ends.
    """
    return _delay(options.retry_delay_seconds, min(count - 1, MOST_PARKED), key) if count > 1 else 0.0


def _delay(base: float, count: int, key: str) -> float:
    """Twice as long each time, between three quarters and five quarters of that, the same for the same key."""
    spread = 0.75 + (crc32(f"{key}/{count}".encode()) % 1000) / 2000
    return float(min(base * 2 ** (count - 1) * spread, LONGEST_DELAY))
