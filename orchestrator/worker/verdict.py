"""What a validator's execution means: ACCEPT, REVISE, REJECT, or that it could not judge."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from orchestrator.core.phase import Phase
from orchestrator.core.result import PhaseResult, Verdict
from orchestrator.core.text import visible
from orchestrator.host.signals import signal_name

_LONGEST_REPORT: Final = 2000
_LONGEST_LINE: Final = 200
_WORD: Final = r"[\s*_`#>]*(ACCEPT|REVISE|REJECT)(?![A-Za-z0-9-]|_[A-Za-z0-9])[\s*_`:.!,\u2013\u2014-]*"
_SENTENCE: Final = r"[\s*_`#>]*ACCEPT\s+\w"
"""``ACCEPT criteria 2 is not met`` is a sentence, and no verdict: what lets work pass is taken at its narrowest."""

_VERDICTS: Final[Mapping[str, Verdict]] = {each: each for each in get_args(Verdict) if each}


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict; ``error`` says why the work is not accepted, or why nobody could judge (no verdict then)."""

    verdict: Verdict
    report: str
    error: str = ""


def judge(phase: Phase, how: PhaseResult, output: bytes) -> Judged:
    """Return what a validator's ending and the end of its output mean."""
    text = output.decode("utf-8", "backslashreplace").replace("\r", "\n")
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    report = _report(lines)
    why = _could_not(phase, how)
    if why:
        return Judged("", report, f"VALIDATION_ERROR: validator {phase.name} could not judge: {why}")
    verdict = _spoken(lines) if phase.judges_by == "words" else _by_status(how)
    if not verdict:
        said = "it said none of ACCEPT, REVISE and REJECT"
        return Judged("", report, f"VALIDATION_ERROR: validator {phase.name} could not judge: {said}")
    if verdict == "ACCEPT":
        return Judged(verdict, report)
    first = _first_useful(lines) or f"it says {verdict}, and no more (status {how.status})"
    return Judged(verdict, report, f"VALIDATION_ERROR: {phase.name}: {first}")


def _could_not(phase: Phase, how: PhaseResult) -> str:
    if how.error:
        return how.error.partition(": ")[2]
    if how.signal is not None:
        return f"it was ended by {signal_name(how.signal)}"
    if phase.judges_by == "words" and how.status != 0:
        return f"it ended with status {how.status}"
    return ""


def _by_status(how: PhaseResult) -> Verdict:
    return "ACCEPT" if how.status == 0 else "REVISE"


def _spoken(lines: list[str]) -> Verdict:
    """Return the last verdict that begins a line."""
    said = (re.match(_WORD, line) for line in lines if not re.match(_SENTENCE, line))
    words = [match[1] for match in said if match]
    return _VERDICTS[words[-1]] if words else ""


def _first_useful(lines: list[str]) -> str:
    """Return the first line that says more than the verdict."""
    more = (re.sub(_WORD, "", line, count=1).strip() if re.match(_WORD, line) else line for line in lines)
    return next((visible(line, _LONGEST_LINE) for line in more if line.strip("*_`#>-= ")), "")


def _report(lines: list[str]) -> str:
    """Return the end of what it said, line by line safe to show."""
    return "\n".join(visible(line, _LONGEST_REPORT) for line in lines)[-_LONGEST_REPORT:]
