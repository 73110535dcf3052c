"""Every system call of every operation on a claim fails, kills or stops it in turn."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from tests.processes import TOP, environment

FAULTS = ("kill", "stop", "ENOSPC", "EIO", "EMFILE", "EACCES", "EROFS")
MEMORY = "/dev/shm"  # a file system in memory, where a thousand trials take seconds


@pytest.fixture
def place() -> Iterator[str]:
    """A folder on a fast file system where there is one."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield folder


@pytest.mark.parametrize("act", ["first claim", "claim", "take-over", "release", "reap", "break_", "list"])
def test_state_before_or_after_never_between(place: str, act: str) -> None:
    """The lock is the old or the new one, whole; a claim that was refused took nothing; of two claimants one wins.

    Afterwards the track can be freed and had again, with a greater fence, and a sweep leaves nothing lying about.
    """
    words = [sys.executable, "-W", "error", "-m", "tests.faults.calls", place, act, *FAULTS]
    done = subprocess.run(words, env=environment(), cwd=TOP, capture_output=True, text=True, timeout=100, check=True)
    trials = dict(re.findall(r"^(\w+): (\d+) trials$", done.stdout, re.MULTILINE))
    assert len(done.stdout.splitlines()) == len(FAULTS), done.stdout
    assert set(trials) == set(FAULTS)
    assert min(map(int, trials.values())) >= 10
