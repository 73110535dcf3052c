"""Owners are killed at random instants, often; benchmarks/soak.py does the same for as long as one likes."""

import json
import os
import subprocess
import sys

import pytest

from tests.processes import TOP, environment

KILLS = 100
MEMORY = "/dev/shm"


@pytest.mark.soak
def test_kill_9_at_any_moment_lets_nobody_else_in() -> None:
    """No two owners at once, no track stuck, no fence again, no half lock, nothing left lying about."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    words = [
        sys.executable,
        str(TOP / "benchmarks" / "soak.py"),
        "--json",
        "--kills",
        str(KILLS),
        "--seconds",
        "80",
    ]
    done = subprocess.run(
        [*words, *(["--folder", place] if place else [])],
        env=environment(),
        stdout=subprocess.PIPE,
        timeout=110,
        check=False,
    )
    figures = json.loads(done.stdout)
    wrong = ("overlaps", "fences_not_rising", "locks_half_written", "workers_with_errors", "stuck", "leftover_temps")
    assert {name: figures[name] for name in wrong} == dict.fromkeys(wrong, 0), figures
    assert done.returncode == 0
    assert figures["kills"] == KILLS, figures
    assert min(figures["killed_holding"], figures["killed_claiming"], figures["freed_from_the_dead"]) >= 10, figures
    assert figures["holds"] >= KILLS, figures
