"""How an attempt really ended: the result file, ``agent-<n>.result.json``.

Written by the worker after each phase, one entry an attempt, so that what is known survives it. Only
the worker writes here; what the orchestrator makes of it stands in the outcome file.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from orchestrator.core.phase import Cause, Kind
from orchestrator.core.typed import build, versioned

VERSION: Final = 1

Ending = Literal["exited", "signalled", "timed_out", "cancelled", "not_started"]
Verdict = Literal["", "ACCEPT", "REVISE", "REJECT"]


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """The true ending of one phase.

    ``status`` is the exit status (None where there is none), ``signal`` the number of the signal that
    ended it. Times are ISO 8601 UTC and seconds; ``cpu_seconds`` (the sum) and ``peak_memory_bytes`` (of
    the largest process) come from the kernel's account of the command and of its descendants.
    ``leftovers`` counts processes that had to be ended after the command itself was over. ``verdict`` is a
    validator's, and ``report`` the end of what it said.
    """

    name: str
    ending: Ending
    status: int | None
    signal: int | None
    started_at: str
    ended_at: str
    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    leftovers: int = 0
    error: str = ""
    kind: Kind = "agent"
    verdict: Verdict = ""
    report: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether the phase did what it should."""
        return self.ending == "exited" and self.status == 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; ``finished`` only once the worker got to its end. ``error`` is ``TYPE: text``.

    ``asked`` is the question that a person is to answer before there is another attempt, ``blocked`` what keeps the
    agent from going on. ``limited``: the agent met a usage limit, which ends at ``limited_until`` (ISO 8601, empty:
    not said). ``cost_usd`` and ``tokens`` are what the agent says, None where it says nothing.
    """

    attempt: int
    fence: int
    token: str
    started_at: str
    phases: tuple[PhaseResult, ...] = ()
    finished: bool = False
    ended_at: str = ""
    error: str = ""
    cause: Cause = "first"
    asked: str = ""
    blocked: str = ""
    limited: bool = False
    limited_until: str = ""
    cost_usd: float | None = None
    tokens: int | None = None

    @property
    def passed(self) -> bool:
        """Tell whether a finished attempt has no error and its last phase, the commit, passed."""
        return self.finished and not self.error and bool(self.phases) and self.phases[-1].passed

    @property
    def parked(self) -> bool:
        """Tell whether it ended because it has to wait: for a person, or for a usage limit to end."""
        return self.finished and bool(self.asked or self.blocked or self.limited)


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that happened to one track in one run."""

    agent_id: str
    track: str
    attempts: tuple[Attempt, ...] = ()

    def of(self, attempt: int) -> Attempt | None:
        """Return the entry of that attempt, or None."""
        return next((each for each in self.attempts if each.attempt == attempt), None)

    def until(self, attempt: int) -> "Result":
        """Return a result without what it says of attempts after that one."""
        return replace(self, attempts=tuple(each for each in self.attempts if each.attempt <= attempt))

    def with_attempt(self, entry: Attempt) -> "Result":
        """Return a result in which ``entry`` stands for its attempt."""
        others = tuple(each for each in self.attempts if each.attempt != entry.attempt)
        return replace(self, attempts=(*others, entry))


def encode(result: Result) -> bytes:
    """Return the result file's bytes."""
    return json.dumps({"v": VERSION, **asdict(result)}, indent=1).encode("ascii") + b"\n"


def decode(data: bytes) -> Result:
    """Read a result file of version 1; raises ``Unreadable`` with the reason."""
    return build(Result, versioned(data, VERSION, "a result file"))
