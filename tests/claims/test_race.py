"""Eight processes race for the same tracks: each has exactly one owner at a time, and every fence is new."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims
from tests.claims.owners import debris
from tests.processes import TOP, environment

RACERS = 8
MEMORY = "/dev/shm"  # a fast file system makes for a narrow race


@pytest.fixture(params=["memory", "disk"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A root in memory, where there is such a file system, and one on disk."""
    if request.param == "disk" or not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


def race(root: Path, mode: str, *words: str) -> Iterator[list[tuple[int, int]]]:
    """Let all racers start at once; yield what each has won, while all of them still live."""
    commands = [
        [sys.executable, "-m", "tests.claims.racer", mode, str(root), str(seed), *words] for seed in range(RACERS)
    ]
    racers = [
        subprocess.Popen(each, cwd=TOP, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for each in commands
    ]
    try:
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        for racer in racers:
            assert racer.stdout is not None
            yield _lines(racer)
    finally:
        for racer in racers:
            racer.communicate("\n", timeout=60)
    assert [racer.returncode for racer in racers] == [0] * RACERS


def _lines(racer: subprocess.Popen[str]) -> list[tuple[int, int]]:
    """Return what a racer says, up to the empty line at its end."""
    assert racer.stdout is not None
    won = []
    for line in iter(racer.stdout.readline, "\n"):
        assert line, "the racer has failed"
        number, _, fence = line.partition(" ")
        won.append((int(number), int(fence)))
    return won


def test_every_track_has_exactly_one_owner(root: Path) -> None:
    """Eight processes claim the same tracks, each in its own order: each track is won once, with the first fence."""
    tracks = 1000 if root.is_relative_to(MEMORY) else 300
    won = [each for wins in race(root, "all", str(tracks)) for each in wins]
    assert sorted(won) == [(number, 1) for number in range(tracks)]
    assert len(FileClaims(str(root)).list()) == tracks
    assert debris(root) == []


def test_nobody_is_ever_inside_with_another(root: Path) -> None:
    """Claim, hold, release, thousands of times: no two holds overlap, and fences rise one by one."""
    holds = 250 if root.is_relative_to(MEMORY) else 40
    won = [each for wins in race(root, "again", "6", str(holds)) for each in wins]
    assert len(won) == RACERS * holds
    for number in range(6):
        fences = [int(line) for line in (root / f"t{number}.fences").read_text("ascii").split()]
        assert all(later == former + 1 for former, later in pairwise([0, *fences]))
        assert sorted(fences) == sorted(fence for track, fence in won if track == number)
    assert FileClaims(str(root)).list() == []
    assert debris(root) == []
