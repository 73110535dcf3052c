"""Processes that tests start: our own code in an interpreter of its own, and owners that only live."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[1]


def environment(failpoint: str = "") -> dict[str, str]:
    """Return our environment for a child: finds the package, and no setting of orchd but ``failpoint``."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ORCHD_")}
    return env | {"PYTHONPATH": str(TOP)} | ({"ORCHD_FAILPOINT": failpoint} if failpoint else {})


def python(code: str, *arguments: str, failpoint: str = "") -> subprocess.Popen[str]:
    """Start an interpreter that runs ``code`` with ``arguments``; its three streams are pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment(failpoint),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(child: subprocess.Popen[str], seconds: float = 30.0) -> str:
    """Wait for a child to end well and return what it printed."""
    stdout, stderr = child.communicate(timeout=seconds)
    assert child.returncode == 0, stderr
    return stdout


@contextmanager
def living(*, group: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that does nothing until it is killed; ``group``: its process group, 0 for one of its own."""
    with subprocess.Popen(["sleep", "600"], process_group=group) as child:
        try:
            yield child
        finally:
            child.kill()


def dead() -> int:
    """Return the pid of a process that has ended and was waited for."""
    with subprocess.Popen(["true"]) as child:
        return child.pid


def state(pid: int) -> str:
    """Return the state letter of a process as the kernel tells it; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_stopped(pid: int) -> bool:
    """Tell whether a process is stopped by a signal."""
    return state(pid) == "T"


def kill(child: subprocess.Popen[str]) -> None:
    """End a child at once, stopped or not, and wait for it."""
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=10)
