"""Programs that are run to their end."""

import os
import time
from pathlib import Path

import pytest

from orchestrator.errors import CommandFailed
from orchestrator.host import process, signals
from tests.processes import state
from tests.waiting import wait_for


def test_status_and_both_streams(tmp_path: Path) -> None:
    """Whatever the status, it is returned with what was printed."""
    finished = process.run(
        ["sh", "-c", "pwd; echo $A; cat; echo oops >&2; exit 3"], cwd=str(tmp_path), env={"A": "b"}, stdin=b"in"
    )
    assert (finished.status, finished.stdout, finished.stderr) == (3, f"{tmp_path}\nb\nin".encode(), b"oops\n")


def test_a_signal_is_a_negative_status() -> None:
    """As the kernel tells it."""
    assert process.run(["sh", "-c", "kill -9 $$"], cwd="/").status == -9


def test_text_is_always_text() -> None:
    """Without the last newline, undecodable bytes written out."""
    assert process.Finished(0, b"a\xff\n\n", b"").text() == "a\\xff"


def test_much_input_and_output() -> None:
    """More than pipes hold, in both directions, and no deadlock."""
    block = b"x" * (4 << 20)
    assert process.run(["cat"], cwd="/", stdin=block).stdout == block
    assert process.run(["true"], cwd="/", stdin=block).status == 0


@pytest.mark.parametrize("argv", [["no-such-program"], ["/dev/null"]])
def test_what_cannot_be_started(argv: list[str]) -> None:
    """It is an error with a next step."""
    with pytest.raises(CommandFailed, match="cannot be started: ") as caught:
        process.run(argv, cwd="/")
    assert "PATH" in caught.value.hint


def test_what_stands_in_the_folder_is_not_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative folder in PATH would be the one that the program works in."""
    script = tmp_path / "sh"
    script.write_text("#!/bin/sh\necho forged\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    assert process.run(["sh", "-c", "echo true"], cwd=str(tmp_path)).text() == "true"
    monkeypatch.setenv("PATH", ".:")
    with pytest.raises(CommandFailed, match="No such file"):
        process.run(["sh", "-c", "true"], cwd=str(tmp_path))


def test_a_folder_that_is_not_there() -> None:
    """It is the folder that is missing, not the program."""
    with pytest.raises(CommandFailed, match="the folder /no/such is not there"):
        process.run(["true"], cwd="/no/such")


def test_a_deadline(tmp_path: Path) -> None:
    """A program that takes too long is ended with its group."""
    start = time.monotonic()
    script = f"sleep 60 & echo $! > {tmp_path}/pid; sleep 60"
    with pytest.raises(CommandFailed, match=r"sh did not end within 0\.5 s"):
        process.run(["sh", "-c", script], cwd="/", timeout=0.5)
    assert time.monotonic() - start < 10
    pid = int((tmp_path / "pid").read_text(encoding="ascii"))
    wait_for(lambda: state(pid) in ("", "Z"))


def test_a_group_is_killed_once_it_is_gone() -> None:
    """Killing what is not there is harmless."""
    process.kill_group(2**22 + 1)


def test_the_names_of_signals_are_here_too() -> None:
    """Who starts processes also speaks of signals."""
    assert process.signal_number is signals.signal_number
    assert process.signal_name is signals.signal_name
    assert process.ignore is signals.ignore
