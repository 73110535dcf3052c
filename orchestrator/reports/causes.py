"""The likely cause of a failure, in one sentence: the first rule that has something to say, says it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.listing import some
from orchestrator.core.result import Attempt, PhaseResult
from orchestrator.core.run import Outcome, RunTrack
from orchestrator.core.text import first_line, visible
from orchestrator.reports.words import human

KILLED: Final = 9
_SIGNALS: Final[Mapping[int, str]] = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV",
    13: "SIGPIPE", 15: "SIGTERM",
}  # fmt: skip
_CRASHES: Final = frozenset({4, 6, 8, 11})
_ASKED_TO_END: Final = frozenset({1, 2, 3, 15})
_SHELLS: Final = 128
"""A shell adds this to the number of the signal that ended its command."""
_MUCH_MEMORY: Final = 0.5
_IDLE: Final = 0.02
_SHOWN: Final = 5

_BY_STATUS: Final[Mapping[int, str]] = {
    77: "{} lacks a permission",
    78: "{} is not configured as it should be",
    126: "{} is there but may not be executed",
    127: "{}, or one that it calls, is not on this machine or not on the PATH",
}
_BY_KIND: Final[Mapping[str, str]] = {
    "IMPORT_CONFLICT": "the work needs a module that is missing, or two that do not go together",
    "TEST_FAILURE": "the tests do not pass with what the agent wrote",
    "TEST_TIMEOUT": "the tests did not end in their time",
    "BUILD_ERROR": "what the agent wrote does not build",
    "API_ERROR": "the agent's service refused or did not answer",
    "FILE_CONFLICT": "somebody else held what the track needs",
    "VALIDATION_ERROR": "a check of the work refused it",
}
_RESOURCES: Final = (
    ("printed more", "the agent prints without end, perhaps in a loop"),
    ("space", "the disk, or the share of it that this user has, is full"),
    ("memory", "the machine has too little memory for so many agents at once"),
    ("could not be ended", "processes of the agent withstand even SIGKILL, as those do that wait for a device"),
    ("cannot be started", "the agent's command is not on this machine, or may not be executed"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What a sentence is made from; ``memory_bytes`` is what the machine has, None where that is unknown."""

    track: RunTrack
    outcome: Outcome
    attempt: Attempt | None
    memory_bytes: int | None

    @property
    def kind(self) -> str:
        """The TYPE of the error."""
        return self.outcome.error.partition(":")[0]

    @property
    def said(self) -> str:
        """The error in lower case, to look for words in it."""
        return self.outcome.error.lower()

    @property
    def phase(self) -> PhaseResult | None:
        """The last phase, where it is what the attempt failed in."""
        last = self.attempt.phases[-1] if self.attempt is not None and self.attempt.phases else None
        if last is None or (last.passed and (last.kind != "validator" or last.verdict == "ACCEPT")):
            return None
        return last

    @property
    def signal(self) -> int | None:
        """The signal that ended the phase, also where a shell says so with its status."""
        if self.phase is None:
            return None
        status = self.phase.status or 0
        return self.phase.signal or (status - _SHELLS if status - _SHELLS in _SIGNALS else None)


def cause(case: Case) -> str:
    """Return the likely cause in one sentence, without a full stop."""
    return visible(next(sentence for rule in _RULES if (sentence := rule(case))), 500)


def _whose(phase: PhaseResult) -> str:
    by_kind = {"validator": f"the command of validator {phase.name}", "commit": "the commit"}
    return by_kind.get(phase.kind, "the agent's command")


def signal_word(number: int) -> str:
    """Return the name of a signal."""
    return _SIGNALS.get(number, f"signal {number}")


def _by_end(case: Case) -> str:
    match case.outcome.ended:
        case "quarantined":
            why = visible(case.track.quarantined)
            return f"the track is in quarantine{f': {why}' if why else ''}; nobody works on it until a person says so"
        case "cancelled":
            return "a person ended it"
        case "conflict":
            files = some(case.outcome.files, _SHOWN) or "the same files"
            return f"what was merged in the meantime changes the same lines of {files}"
    return ""


def _waits(case: Case) -> str:
    attempt = case.attempt
    if attempt is None or not attempt.parked:
        return ""
    if attempt.asked:
        return f"the agent waits for an answer: {first_line(attempt.asked)}"
    if attempt.blocked:
        return f"the agent cannot go on: {first_line(attempt.blocked)}"
    until = f", until {visible(attempt.limited_until, 40)}" if attempt.limited_until else ""
    return f"the agent's usage limit is reached{until}"


def _used_up(case: Case) -> str:
    if "whole run" in case.said:
        return "the run was given less time than its tracks need"
    return "what may be spent on the track, the run or the day is spent" if "budget" in case.said else ""


def _lacks_another(case: Case) -> str:
    return "what it depends on was not merged" if "depends on" in case.said else ""


def _superseded(case: Case) -> str:
    return "another worker, or a person, took the claim over while this one worked" if "superseded" in case.said else ""


def _never_started(case: Case) -> str:
    if "orchd approve" in case.said:
        return "the run waited for a person's word, and nobody gave it"
    return "" if case.outcome.attempt else "it was never started: nothing is known to be wrong with the track itself"


def _astray(case: Case) -> str:
    if "the worktree" not in case.said or " stands on " not in case.said or ", not on " not in case.said:
        return ""
    return "the agent, or a person, switched the worktree to another branch: the next attempt could not begin in it"


def _silent(case: Case) -> str:
    if "no sign of life" in case.said:
        return "the agent hung: no output, no processor time, no change of a file; it waited for what never came"
    said_nothing = "has said nothing" in case.said
    return "the worker itself was stopped or starved: it did not even say that it lives" if said_nothing else ""


def _died(case: Case) -> str:
    if case.attempt is not None and case.attempt.finished:
        return ""
    return "the worker itself was killed, or the machine went down; the agent's work up to then is kept"


def _judged(case: Case) -> str:
    phase = case.phase
    if phase is None or phase.kind != "validator" or phase.ending != "exited" or phase.status in _BY_STATUS:
        return ""
    lines = [line for line in phase.report.splitlines() if line.strip()]
    last = f": {visible(lines[-1].strip(), 200)}" if lines else ""
    if not phase.verdict:
        return f"validator {phase.name} could not judge the work{last}"
    return f"validator {phase.name} does not accept the work ({phase.verdict}){last}"


def _took_too_long(case: Case) -> str:
    phase = case.phase
    if phase is None or (phase.ending != "timed_out" and case.kind != "TIMEOUT"):
        return ""
    head = f"phase {phase.name} was ended after {human(phase.seconds)}"
    if phase.cpu_seconds <= _IDLE * phase.seconds:
        return f"{head}, in which it hardly computed: it waited for its service, a lock, or a question nobody saw"
    return f"{head}, still at work: the task is too large for the time limit, or it runs in a loop"


def _not_started(case: Case) -> str:
    phase = case.phase
    if phase is None:
        return ""
    if phase.ending == "not_started":
        return f"{_whose(phase)} could not be started: it is not on this machine, or may not be executed"
    return _BY_STATUS.get(phase.status or 0, "").format(_whose(phase))


def _signalled(case: Case) -> str:
    number, phase = case.signal, case.phase
    if number is None or phase is None:
        return ""
    if number == KILLED:
        return _killed(phase, case.memory_bytes)
    if number in _CRASHES:
        return f"{_whose(phase)} crashed ({signal_word(number)}): a fault of that program"
    by_whom = "somebody asked it to end" if number in _ASKED_TO_END else "it did not expect it"
    return f"{_whose(phase)} got {signal_word(number)}: {by_whom}"


def _killed(phase: PhaseResult, memory: int | None) -> str:
    held = f"{phase.peak_memory_bytes / 1e6:.0f} MB"
    if memory and phase.peak_memory_bytes >= _MUCH_MEMORY * memory:
        return f"the machine ran out of memory: a process of {_whose(phase)} held {held} of {memory / 1e6:.0f} MB"
    by_whom = "not by orchd: by the kernel for want of memory, or by a person"
    return f"{_whose(phase)} was killed (SIGKILL) at {held}, {by_whom}"


def _nothing_made(case: Case) -> str:
    words = ("nothing of its own", "nothing to commit", "no commit", "empty diff", "no change", "changed nothing")
    return "the agent ended without a change that could be merged" if any(each in case.said for each in words) else ""


def _resources(case: Case) -> str:
    if case.kind != "RESOURCE_ERROR":
        return ""
    found = (sentence for word, sentence in _RESOURCES if word in case.said)
    return next(found, "the machine refused something: space, memory, a file or a process")


def _by_kind(case: Case) -> str:
    return _BY_KIND.get(case.kind, "")


def _status(case: Case) -> str:
    if case.phase is None or case.phase.status is None:
        return ""
    return f"phase {case.phase.name} gave up with status {case.phase.status}; the end of its log says why"


def _unknown(_case: Case) -> str:
    return "nothing that orchd measures explains it; the log may"


_RULES: Final[Sequence[Callable[[Case], str]]] = (
    _by_end,
    _waits,
    _used_up,
    _lacks_another,
    _never_started,
    _superseded,
    _astray,
    _silent,
    _died,
    _judged,
    _took_too_long,
    _not_started,
    _signalled,
    _nothing_made,
    _resources,
    _by_kind,
    _status,
    _unknown,
)
