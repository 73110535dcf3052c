"""The likely cause of a failure."""

from dataclasses import replace

import pytest

from orchestrator.core.result import Attempt, PhaseResult
from orchestrator.core.run import Ended, Outcome
from orchestrator.reports.causes import Case, cause, signal_word
from tests.core import runs
from tests.reports.endings import LATE, phase

MEMORY = 8_000_000_000


def case(
    error: str = "UNKNOWN: x", *phases: PhaseResult, ended: Ended = "failed", attempt: Attempt | None = None
) -> Case:
    """Return a track that ended with ``error`` after an attempt of these phases."""
    return Case(runs.spec(1), runs.outcome(1, ended, error), attempt or runs.attempt(*phases, error=error), MEMORY)


def said(error: str, *phases: PhaseResult) -> str:
    """Return the cause of a failed attempt of these phases."""
    return cause(case(error, *phases))


def bad(**fields: object) -> PhaseResult:
    """Return a phase of the agent that did not pass: status 1 unless said otherwise."""
    return phase(**{"status": 1, **fields})


def test_a_person_or_others_ended_it() -> None:
    """What is no fault of the track is told as what it is."""
    assert cause(case(ended="cancelled")) == "a person ended it"
    clash = replace(runs.outcome(1, "conflict", "FILE_CONFLICT: a.py"), files=("a.py", "b\x1b.py"))
    assert cause(replace(case(), outcome=clash)).endswith("changes the same lines of a.py, b\\x1b.py")
    assert cause(replace(case(), outcome=replace(clash, files=()))).endswith("of the same files")


def test_quarantine_says_why() -> None:
    """Where the record has a reason it is told."""
    stuck = case(ended="quarantined")
    assert cause(stuck).startswith("the track is in quarantine; nobody")
    why = replace(stuck, track=replace(runs.spec(1), quarantined="it failed 3 times"))
    assert cause(why).startswith("the track is in quarantine: it failed 3 times; nobody")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"asked": "which port?\nmore"}, "the agent waits for an answer: which port?"),
        ({"blocked": "no access"}, "the agent cannot go on: no access"),
        ({"limited": True}, "the agent's usage limit is reached"),
        ({"limited": True, "limited_until": "2026-02-01T00:00:00Z"}, "is reached, until 2026-02-01T00:00:00Z"),
    ],
)
def test_what_waits_says_for_what(fields: dict[str, object], words: str) -> None:
    """A question, something in the way, a usage limit."""
    waits = replace(runs.attempt(), **fields)  # type: ignore[arg-type]  # the tests name real fields
    assert cause(case(attempt=waits)).endswith(words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("RESOURCE_ERROR: the budget of the run is spent", "what may be spent on the track, the run or the day"),
        ("TIMEOUT: the time of the whole run is over (2h)", "the run was given less time than its tracks need"),
        ("UNKNOWN: not merged: it depends on t2, which was not merged", "what it depends on was not merged"),
        ("TIMEOUT: hung: no sign of life for 600 s in phase work", "the agent hung"),
        ("TIMEOUT: its worker has said nothing for 600 s", "the worker itself was stopped or starved"),
        ("FILE_CONFLICT: superseded: fence 4 was given after 3", "took the claim over"),
        ("VALIDATION_ERROR: the branch has nothing of its own to merge: x", "without a change that could be merged"),
        ("VALIDATION_ERROR: the agent changed nothing", "without a change that could be merged"),
        ("RESOURCE_ERROR: the phase printed more than 256 MiB", "prints without end"),
        ("RESOURCE_ERROR: No space left on device", "is full"),
        ("RESOURCE_ERROR: Cannot allocate memory", "too little memory"),
        ("RESOURCE_ERROR: Permission denied", "the machine refused something"),
        ("TEST_FAILURE: 3 failed", "the tests do not pass"),
        ("VALIDATION_ERROR: the tree is not clean", "a check of the work refused it"),
        ("UNKNOWN: ?", "nothing that orchd measures explains it"),
    ],
)
def test_the_error_tells(error: str, words: str) -> None:
    """By its type and its words, where no phase tells more."""
    assert words in said(error)


def test_what_was_never_started() -> None:
    """Waiting in vain for others is told apart."""
    never = replace(
        runs.outcome(1, "failed", "UNKNOWN: not started: it depends on t2, which was not merged"), attempt=0
    )
    assert cause(Case(runs.spec(1), never, None, None)) == "what it depends on was not merged"
    gated = "UNKNOWN: not started: waits for a person's word: `orchd approve r`"
    assert "nobody gave it" in cause(Case(runs.spec(1), replace(never, error=gated), None, None))
    assert "never started" in cause(Case(runs.spec(1), replace(never, error="UNKNOWN: held"), None, None))


def test_a_worker_that_died() -> None:
    """Nothing was written, or the attempt never came to its end."""
    died: Outcome = runs.outcome(1, "failed", "UNKNOWN: the worker died before it could say how the attempt ended")
    assert "the worker itself was killed" in cause(Case(runs.spec(1), died, None, None))
    assert "the worker itself was killed" in cause(Case(runs.spec(1), died, runs.attempt(finished=False), None))


def test_validators_are_quoted() -> None:
    """What it says last, or that it could not judge; one that is missing or hangs is told as that."""
    judge = bad(name="lint", kind="validator", verdict="REVISE", report="a\n 2 faults \n\n")
    assert said("VALIDATION_ERROR: x", judge) == "validator lint does not accept the work (REVISE): 2 faults"
    word = replace(judge, status=0, verdict="REJECT", report="")
    assert said("VALIDATION_ERROR: x", word) == "validator lint does not accept the work (REJECT)"
    assert said("VALIDATION_ERROR: x", replace(word, verdict="")) == "validator lint could not judge the work"
    assert "the command of validator lint, or one that" in said("x", replace(judge, status=127, verdict=""))
    hangs = replace(judge, ending="timed_out", status=None, verdict="")
    assert said("VALIDATION_ERROR: x", hangs).startswith("phase lint was ended after 4.0 s")
    assert "a check" in said("VALIDATION_ERROR: x", replace(judge, status=0, verdict="ACCEPT"))


def test_late_and_idle_or_late_and_busy() -> None:
    """The processor time tells an agent that waits from one that works."""
    idle = bad(ending="timed_out", status=None, seconds=100.0, cpu_seconds=0.5)
    assert "hardly computed" in said(LATE, idle)
    assert "still at work" in said(LATE, replace(idle, cpu_seconds=50.0))
    assert "still at work" in said("TIMEOUT: the agent says so", bad())
    assert said(LATE).startswith("nothing that orchd measures")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (bad(status=127), "the agent's command, or one that it calls, is not on this machine"),
        (bad(status=126), "may not be executed"),
        (bad(status=77), "lacks a permission"),
        (bad(ending="not_started", status=None), "the agent's command could not be started"),
        (bad(name="commit", kind="commit", ending="not_started", status=None), "the commit could not be started"),
        (bad(status=3), "phase work gave up with status 3; the end of its log says why"),
        (bad(ending="signalled", status=None, signal=11), "crashed (SIGSEGV)"),
        (bad(ending="signalled", status=None, signal=15), "got SIGTERM: somebody asked it to end"),
        (bad(ending="signalled", status=None, signal=13), "got SIGPIPE: it did not expect it"),
        (bad(ending="signalled", status=None, signal=9), "was killed (SIGKILL) at 20 MB, not by orchd"),
        (bad(status=137), "was killed (SIGKILL) at 20 MB"),
        (
            bad(ending="signalled", status=None, signal=9, peak_memory_bytes=7_000_000_000),
            "ran out of memory: a process of the agent's command held 7000 MB of 8000 MB",
        ),
        (bad(ending="cancelled", status=None), "nothing that orchd measures"),
    ],
)
def test_the_ending_of_a_phase_tells(how: PhaseResult, words: str) -> None:
    """Exit status, signal and memory."""
    assert words in said("UNKNOWN: x", how)


def test_memory_that_is_not_known_proves_nothing() -> None:
    """A machine that does not say how much it has is not blamed."""
    killed = case("UNKNOWN: x", bad(ending="signalled", status=None, signal=9, peak_memory_bytes=7_000_000_000))
    assert "not by orchd" in cause(replace(killed, memory_bytes=None))


def test_an_unknown_signal_has_its_number() -> None:
    """Every signal can be named."""
    assert (signal_word(9), signal_word(44)) == ("SIGKILL", "signal 44")


def test_an_attempt_without_a_phase_is_explained_by_its_error() -> None:
    """A worker that could not even begin."""
    nothing = replace(runs.attempt(), phases=())
    assert "the machine refused" in cause(case("RESOURCE_ERROR: x", attempt=nothing))
    astray = "RESOURCE_ERROR: the worktree /r/worktrees/agent-1 stands on rogue, not on feat/t1"
    assert "switched the worktree to another branch" in cause(case(astray, attempt=nothing))
