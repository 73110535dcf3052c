"""Commands that are run for somebody who is not there."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import CommandFailed
from orchestrator.host import errand
from orchestrator.host.errand import Errand
from tests.waiting import wait_for

LARGE = 300_000


def run(
    folder: Path,
    script: str,
    *,
    stdin: bytes = b"",
    timeout: float = 20,
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[int, str]:
    """Run a shell script; return its status and what it printed."""
    path = folder / "out"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        wanted = Errand(["sh", "-c", script], str(folder), {**os.environ, "WHO": "me"}, stdin, timeout)
        status = errand.run(wanted, fd, meanwhile)
    finally:
        os.close(fd)
    return status, path.read_text()


def test_input_output_and_status(tmp_path: Path) -> None:
    """It gets the bytes and the environment, both its streams go to the file, its status comes back."""
    assert run(tmp_path, "cat; echo $WHO; pwd; echo no >&2; exit 3", stdin=b"said\n") == (
        3,
        f"said\nme\n{tmp_path}\nno\n",
    )
    assert run(tmp_path, "kill -9 $$")[0] == -signal.SIGKILL


def test_input_that_nobody_reads(tmp_path: Path) -> None:
    """More than a pipe holds, to a command that does not read it: nothing blocks."""
    assert run(tmp_path, "echo done", stdin=b"x" * LARGE) == (0, "done\n")


def test_somebody_looks_meanwhile(tmp_path: Path) -> None:
    """What it prints can be cut while it runs."""
    script = "echo early; until [ ! -s out ]; do sleep 0.02; done; echo late"
    assert run(tmp_path, script, meanwhile=lambda: os.truncate(tmp_path / "out", 0))[1] == "late\n"


def test_a_launcher(tmp_path: Path) -> None:
    """What it leaves behind goes on, and is not waited for, although it has the output."""
    gate, made = tmp_path / "gate", tmp_path / "made"
    assert run(tmp_path, f"(until [ -e {gate} ]; do sleep 0.02; done; touch {made}) & echo started")[1] == "started\n"
    gate.touch()
    wait_for(made.exists)


def test_a_command_that_does_not_end(tmp_path: Path) -> None:
    """After its time it is ended with its group, and that is said."""
    with pytest.raises(CommandFailed, match=r"sh did not end within 0.2 s and was ended"):
        run(tmp_path, "sleep 60 & echo $! > pid; wait", timeout=0.2)
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes())


def test_an_interrupt_ends_it(tmp_path: Path) -> None:
    """Ctrl-C to us does not leave it running."""
    pid = tmp_path / "pid"

    def interrupt() -> None:
        if pid.exists() and pid.read_text().strip():
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "echo $$ > pid; sleep 60", meanwhile=interrupt)
    assert not Path(f"/proc/{int(pid.read_text())}").exists()


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """It is named, with the reason."""
    with pytest.raises(CommandFailed, match="no-such-command cannot be started: No such file"):
        errand.run(Errand(["no-such-command"], str(tmp_path), {}, b"", 1), 1, list)
