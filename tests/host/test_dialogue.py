"""A child that answers as long as it is asked: its answers, its end, and its silence."""

import os
import sys
from pathlib import Path

import pytest

from orchestrator.errors import CommandFailed
from orchestrator.host.dialogue import Dialogue
from tests.processes import state

ECHO = """
import sys
for line in sys.stdin.buffer:
    if line == b"end\\n":
        break
    if line != b"silence\\n":
        sys.stdout.buffer.write(line + b"x" * 200_000 + b"!")
        sys.stdout.buffer.flush()
"""


def dialogue(tmp_path: Path, timeout: float = 30.0) -> Dialogue:
    """A child that says each line again, and much more."""
    return Dialogue([sys.executable, "-c", ECHO], cwd=str(tmp_path), env=dict(os.environ), timeout=timeout)


def test_lines_and_bytes(tmp_path: Path) -> None:
    """What comes in many pieces comes whole, and nothing is left over; the child ends with the block."""
    with dialogue(tmp_path) as child:
        for word in (b"one", b"two"):
            child.say(word + b"\n")
            assert child.line() == word
            assert child.exactly(200_000) == b"x" * 200_000
            assert child.exactly(1) == b"!"


def test_an_early_end_is_told(tmp_path: Path) -> None:
    """Whoever asks on is told that nobody answers any more."""
    with dialogue(tmp_path) as child:
        child.say(b"end\n")
        with pytest.raises(CommandFailed, match="ended before it had answered"):
            child.line()


def test_silence_has_an_end(tmp_path: Path) -> None:
    """A child that does not answer in time is ended, and its last question is told."""
    with dialogue(tmp_path, timeout=0.2) as child:
        child.say(b"silence\n")
        with pytest.raises(CommandFailed, match=r"did not answer within 0\.2 s and was ended"):
            child.line()
        assert state(child.pid) == ""


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    """It is an error that says so."""
    with pytest.raises(CommandFailed, match="cannot be started"):
        Dialogue(["no-such-program"], cwd=str(tmp_path), env={}, timeout=1.0)
