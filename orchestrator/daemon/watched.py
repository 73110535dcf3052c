"""A command that is carried out under our eyes, to its end and to the end of all that it started."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.result import Ending
from orchestrator.host import children, clock, files, others
from orchestrator.host.process import signal_name

LOOK: Final = 0.05
"""Seconds between two looks at a command that runs."""

MOST: Final = 64 * 1024 * 1024
"""A command that prints more bytes is ended."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, where, with what; what it prints goes to the file ``log``. Times are seconds.

    ``marks`` is what all that it starts is known by in its environment, on top of ``env``.
    """

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    marks: Mapping[str, str]
    log: str
    timeout_seconds: float
    grace_seconds: float


def marks(root: str, run: str, phase: str) -> Mapping[str, str]:
    """Return what is known of all that is started for a run beside its tracks; ``phase`` says what for."""
    return {"ORCHD_ROOT": root, "ORCHD_RUN": run, "ORCHD_PHASE": phase}


def how(code: int | None) -> str:
    """Say how a command ended; nothing where it did not end by itself."""
    if code is None:
        return ""
    return f"ended with status {code}" if code >= 0 else f"was ended by {signal_name(-code)}"


def carry_out(command: Command, stop: Callable[[], bool]) -> tuple[Ending, int | None, str]:
    """Run it; return how it ended, its exit status (negative: the signal that ended it), and what was wrong.

    ``stop`` tells whether nobody waits for it any more. What a former one with the same marks left behind is ended
    first. Raises ``AgentUnavailable`` where it cannot be started.
    """
    others.end(lambda: others.carrying(command.marks), 0.0)  # of a process that did so before us, and is gone
    files.remove(command.log)
    env = {**command.env, **command.marks, "PWD": command.cwd}
    deadline = clock.steady() + command.timeout_seconds
    child = children.detach(command.argv, cwd=command.cwd, env=env, output=command.log)
    try:
        while (code := child.poll()) is None:
            if clock.steady() > deadline:
                return "timed_out", None, f"TIMEOUT: it was not done within {command.timeout_seconds:g} s"
            if os.path.getsize(command.log) > MOST:
                return "cancelled", None, f"RESOURCE_ERROR: it printed more than {MOST} bytes"
            if stop():
                return "cancelled", None, "UNKNOWN: the run was cancelled"
            clock.pause(LOOK)
    finally:
        others.end(lambda: others.carrying(command.marks), command.grace_seconds)
        child.poll()
    return ("exited" if code >= 0 else "signalled"), code, ""
