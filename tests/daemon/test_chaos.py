"""Whoever drives a run is killed at random instants, and so are its workers; benchmarks/chaos.py does it 50 times."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import TOP, environment

MEMORY = "/dev/shm"


@pytest.mark.soak
def test_kill_9_at_any_moment_changes_no_result(tmp_path: Path) -> None:
    """Each run ends with the same tree; no two agents on one track at once, nothing lost, nothing left lying about."""
    folder = MEMORY if os.access(MEMORY, os.W_OK) else str(tmp_path)
    words = ["--json", "--runs=2", "--kills=6", "--tracks=3", "--seed=7", "--folder", folder]
    done = subprocess.run(
        [sys.executable, str(TOP / "benchmarks" / "chaos.py"), *words],
        env=environment(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    figures = json.loads(done.stdout)
    assert (done.stderr.decode(), done.returncode) == ("", 0), figures
    assert (figures["runs"], figures["stuck"]) == (2, 0)
    assert figures["kills"] >= 6, figures
    assert figures["phases_begun"] >= 12, figures
