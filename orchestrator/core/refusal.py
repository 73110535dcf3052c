"""What is said against work that passed: it was not merged, and its track goes back. ``.d/agent-<n>.refused.json``.

An attempt that was refused did not pass, whatever its result file says: that is the worker's, and was true when it
was written.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from orchestrator.core.result import Attempt
from orchestrator.core.typed import build, versioned

VERSION: Final = 1

Why = Literal["check", "conflict"]
"""The check does not pass on the merge, or there is a conflict that the agent is to resolve."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the work of an attempt was not merged. ``error`` is ``TYPE: text``.

    ``output`` are lines for the next attempt: the end of what the check printed, or both sides of the conflict in
    ``files``. ``tip`` is the branch's commit that was refused.
    """

    attempt: int
    why: Why
    error: str
    at: str
    tip: str = ""
    output: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusals:
    """All refusals of one track in one run."""

    agent_id: str
    track: str
    refusals: tuple[Refusal, ...] = ()

    def of(self, attempt: int) -> Refusal | None:
        """Return what was said against an attempt, or None."""
        return next((each for each in self.refusals if each.attempt == attempt), None)

    def conflict(self) -> Refusal | None:
        """Return the conflict that was given to the agent; there is one at most."""
        return next((each for each in self.refusals if each.why == "conflict"), None)

    def with_one(self, refusal: Refusal) -> "Refusals":
        """Return the refusals with one that stands for its attempt."""
        others = tuple(each for each in self.refusals if each.attempt != refusal.attempt)
        return replace(self, refusals=(*others, refusal))


def applied(attempts: Iterable[Attempt], refused: Refusals | None) -> tuple[Attempt, ...]:
    """Return attempts as they are to be taken: one whose work was refused has that for its error."""
    said = {each.attempt: each.error for each in refused.refusals} if refused is not None else {}
    return tuple(replace(each, error=each.error or said.get(each.attempt, "")) for each in attempts)


def encode(refused: Refusals) -> bytes:
    """Return the bytes of the file."""
    return json.dumps({"v": VERSION, **asdict(refused)}, indent=1).encode("ascii") + b"\n"


def decode(data: bytes) -> Refusals:
    """Read a file of version 1; raises ``Unreadable`` with the reason."""
    return build(Refusals, versioned(data, VERSION, "refusals"))
