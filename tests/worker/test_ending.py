"""What is said of a phase that did not pass."""

from dataclasses import replace

import pytest

from orchestrator.core.outcome import NOT_ITS_FAULT
from orchestrator.core.phase import Kind, Phase
from orchestrator.core.result import Ending, PhaseResult
from orchestrator.worker.ending import error_of, last_line, timeout_error


def result(
    ending: Ending = "exited", status: int | None = 1, signal: int | None = None, error: str = ""
) -> PhaseResult:
    """A phase that ended in some way."""
    return PhaseResult("work", ending, status, signal, "", "", 0.0, 0.0, 0, 0, error)


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (b"one\ntwo\n\n", "two"),
        (b"50%\r100%\r", "100%"),
        (b"bad \xff byte", "bad \\xff byte"),
        (b"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
    ],
)
def test_the_last_line(tail: bytes, line: str) -> None:
    """It is the last one with something on it, safe to show."""
    assert last_line(tail) == line


@pytest.mark.parametrize("ours", NOT_ITS_FAULT)
def test_what_only_orchd_says_of_a_run(ours: str) -> None:
    """An agent that says it is told from that: its run has not run out of time because it says so."""
    said = error_of(result(), "", f"{ours}x")
    assert not said.startswith(NOT_ITS_FAULT)
    assert ": its agent says: " in said


def test_a_long_line_is_cut() -> None:
    """At most 200 characters are shown."""
    assert last_line(b"x" * 70_000) == "x" * 199 + "…"


@pytest.mark.parametrize(("seconds", "said"), [(120.0, "120 s"), (0.5, "0.5 s"), (1234567.0, "1234567 s")])
def test_a_timeout_is_said_in_seconds(seconds: float, said: str) -> None:
    """Without a fraction that says nothing."""
    assert timeout_error(Phase("work", ("x",), seconds)) == f"TIMEOUT: phase work took longer than {said}"


def test_what_passed_has_no_error() -> None:
    """Whatever the agent reported or printed: the exit status is what counts."""
    assert error_of(result(status=0), "TEST_FAILURE: x", "TEST_FAILURE: y") == ""


def test_what_is_known_comes_first() -> None:
    """A deadline is a deadline, whatever the agent says of it."""
    late = result("timed_out", None, 9, "TIMEOUT: phase work took longer than 1 s")
    assert error_of(late, "TEST_FAILURE: x", "TEST_FAILURE: y") == late.error


@pytest.mark.parametrize(
    ("line", "reported", "kind", "error"),
    [
        ("VALIDATION_ERROR: no", "API_ERROR: reported", "commit", "VALIDATION_ERROR: no"),
        ("VALIDATION_ERROR: no", "API_ERROR: reported", "agent", "API_ERROR: reported"),
        ("VALIDATION_ERROR:", "", "commit", "UNKNOWN: phase work ended with status 1: VALIDATION_ERROR:"),
        ("STRANGE: no", "", "commit", "UNKNOWN: phase work ended with status 1: STRANGE: no"),
        ("", "", "commit", "UNKNOWN: phase work ended with status 1"),
        ("", "a\nb", "agent", "a\\x0ab"),
    ],
)
def test_who_speaks(line: str, reported: str, kind: Kind, error: str) -> None:
    """The commit's typed last line, then the agent's report, then what the kernel says."""
    assert error_of(replace(result(), kind=kind), line, reported) == error


def test_a_signal_has_a_name() -> None:
    """A crash is told by the signal."""
    assert error_of(result("signalled", None, 11), "boo", "") == "UNKNOWN: phase work was ended by SIGSEGV"
