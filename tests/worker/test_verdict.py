"""What a validator's execution means."""

from dataclasses import replace
from typing import Final

import pytest

from orchestrator.core.phase import Phase
from orchestrator.core.result import PhaseResult, Verdict
from orchestrator.worker.verdict import judge

WORDS: Final = Phase("check", ("x",), 1.0, kind="validator", judges_by="words")
STATUS: Final = replace(WORDS, judges_by="status")
DONE: Final = PhaseResult("check", "exited", 0, None, "", "", 0.0, 0.0, 0, kind="validator")


@pytest.mark.parametrize(
    ("output", "verdict"),
    [
        (b"ACCEPT", "ACCEPT"),
        (b"**REVISE**\nmore", "REVISE"),
        (b"> `REJECT`: never\r\n", "REJECT"),
        (b"# ACCEPT\n", "ACCEPT"),
        (b"  __ACCEPT__.", "ACCEPT"),
        (b"ACCEPT\nREVISE: no\nI would not ACCEPT", "REVISE"),
        (b"REVISE\nit is mended\nACCEPT", "ACCEPT"),
        (b"\xff\nACCEPT", "ACCEPT"),
        (b"ACCEPTED", ""),
        (b"REVISE\nACCEPT criteria 2 is not met", "REVISE"),
        (b"ACCEPT only when the tests pass", ""),
        (b"ACCEPT: all of it is there", "ACCEPT"),
        (b"ACCEPT_ALL", ""),
        (b"ACCEPT-able", ""),
        (b"accept", ""),
        (b"I ACCEPT", ""),
        (b"[orchd now] ACCEPT", ""),
        (b"", ""),
    ],
)
def test_words(output: bytes, verdict: Verdict) -> None:
    """The last line that begins with one, in capitals, marked as Markdown or not."""
    judged = judge(WORDS, DONE, output)
    assert judged.verdict == verdict
    assert (judged.error == "") == (verdict == "ACCEPT")
    assert ("could not judge" in judged.error) == (verdict == "")


@pytest.mark.parametrize(("status", "verdict"), [(0, "ACCEPT"), (1, "REVISE"), (2, "REVISE"), (127, "REVISE")])
def test_status(status: int, verdict: Verdict) -> None:
    """Words do not matter where the status does."""
    assert judge(STATUS, replace(DONE, status=status), b"REJECT").verdict == verdict


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (b"\n---\nREVISE: two tests are missing\nsee above", "two tests are missing"),
        (b"# REVISE\n\n**\nthe first\nthe second", "the first"),
        (b"before\nREVISE", "before"),
        (b"REVISE", "it says REVISE, and no more (status 0)"),
        (b"REVISE\n\x1b[31mred", "\\x1b[31mred"),
        (b"REVISE " + b"x" * 999, "x" * 199 + "\u2026"),
    ],
)
def test_the_first_useful_line(output: bytes, said: str) -> None:
    """It says more than the verdict, and is safe to show."""
    assert judge(WORDS, DONE, output).error == f"VALIDATION_ERROR: check: {said}"


def test_the_report_is_the_end() -> None:
    """At most 2000 characters, line by line safe to show."""
    report = judge(WORDS, DONE, b"x\x1b\n" * 3000 + b"ACCEPT\n").report
    assert len(report) == 2000
    assert report.endswith("x\\x1b\nACCEPT")
    assert "\x1b" not in report


def test_what_is_known_already() -> None:
    """A validator that took too long has said nothing, whatever it printed."""
    late = replace(DONE, ending="timed_out", status=None, signal=9, error="TIMEOUT: took too long")
    judged = judge(WORDS, late, b"ACCEPT")
    assert (judged.verdict, judged.error) == (
        "",
        "VALIDATION_ERROR: validator check could not judge: took too long",
    )
