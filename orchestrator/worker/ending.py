"""What is said of a phase that did not pass: ``TYPE: text``."""

import re
from typing import Final

from orchestrator.core.outcome import NOT_ITS_FAULT
from orchestrator.core.phase import Phase
from orchestrator.core.result import PhaseResult
from orchestrator.core.status import ERROR_TYPES
from orchestrator.core.text import visible
from orchestrator.host.signals import signal_name
from orchestrator.worker.environment import plain

_TYPED: Final = re.compile(rf"(?:{'|'.join(ERROR_TYPES)}): \S")
_LONGEST_LINE: Final = 200
_LONGEST_REPORT: Final = 2000


def last_line(tail: bytes) -> str:
    """Return the last line of an output that is not blank, made safe to show."""
    text = tail.decode("utf-8", "backslashreplace").replace("\r", "\n")
    line = next((each.strip() for each in reversed(text.split("\n")) if each.strip()), "")
    return visible(line, _LONGEST_LINE)


def timeout_error(phase: Phase) -> str:
    """What is said of a phase that took too long."""
    return f"TIMEOUT: phase {phase.name} took longer than {plain(phase.timeout_seconds)} s"


def error_of(result: PhaseResult, line: str, reported: str) -> str:
    """Return why a phase did not pass; empty when it passed.

    ``line`` is the last line of its output and speaks for itself in the commit phase, which is orchd's own, if it is
    typed. ``reported`` is the error that the agent put into its status.
    """
    if result.passed or result.error:
        return result.error
    if result.kind == "commit" and _TYPED.match(line):
        return line
    if reported:
        return visible(_as_theirs(reported), _LONGEST_REPORT)
    if result.signal is not None:
        return f"UNKNOWN: phase {result.name} was ended by {signal_name(result.signal)}"
    said = f": {line}" if line else ""
    return f"UNKNOWN: phase {result.name} ended with status {result.status}{said}"


def _as_theirs(reported: str) -> str:
    """Return what an agent reports, told from what orchd alone says of a run: that no agent may say of itself."""
    kind, _, text = reported.partition(": ")
    return f"{kind}: its agent says: {text}" if reported.startswith(NOT_ITS_FAULT) else reported
