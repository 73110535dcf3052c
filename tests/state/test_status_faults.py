"""Crashes on the way of a status update: the old file or the new one, and nobody else is delayed."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import GuardBusy
from orchestrator.state.door import read_status
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import WAIT, sweep, temp, update
from tests.core.statuses import FULL
from tests.state.writer import start
from tests.waiting import wait_for

POINTS = ("status.guarded", "publish.written", "publish.synced", "publish.renamed")
PUBLISHED = "publish.renamed"


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """A run with two agents, both at 45 per cent."""
    run = Layout(str(tmp_path)).run("1783")
    for agent_id in ("agent-1", "agent-2"):
        update(run, agent_id, lambda now: FULL | now, fence=7)
    return run


def _percent(paths: RunLayout, agent_id: str = "agent-1") -> int | None:
    """Return what the file says; it must be whole."""
    return read_status(paths.status(agent_id), Path(paths.status(agent_id)).read_bytes()).progress_percentage


@contextmanager
def _stopped(paths: RunLayout, point: str) -> Iterator[psutil.Process]:
    """A writer of 90 per cent that is stopped at a failpoint."""
    with start(paths, "agent-1", "completed", 90, f"{point}:stop") as child:
        process = psutil.Process(child.pid)
        try:
            wait_for(lambda: process.status() == psutil.STATUS_STOPPED)
            yield process
        finally:
            child.kill()


@pytest.mark.parametrize("point", POINTS)
def test_killed_it_leaves_the_old_file_or_the_new_one(paths: RunLayout, point: str) -> None:
    """After SIGKILL at any step the file is whole, the next update works, and a sweep leaves no debris."""
    with start(paths, "agent-1", "completed", 90, f"{point}:kill") as child:
        assert child.wait(30) == -signal.SIGKILL
    assert _percent(paths) == (90 if point == PUBLISHED else 45)
    sweep(paths)
    assert os.listdir(temp(paths)) == []
    update(paths, "agent-1", lambda now: now | {"progress_percentage": 91}, fence=7)
    assert _percent(paths) == 91


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("number", ["EIO", "ENOSPC"])
def test_refused_it_says_so_and_leaves_no_half(paths: RunLayout, point: str, number: str) -> None:
    """An error of the machine at any step is one line; the file is whole and no temporary file stays."""
    with start(paths, "agent-1", "completed", 90, f"{point}:error={number}") as child:
        said, _ = child.communicate(timeout=30)
    assert child.returncode == 9
    assert said.count(b"\n") == 1
    assert b"cannot write" in said
    assert _percent(paths) == (90 if point == PUBLISHED else 45)
    assert os.listdir(temp(paths)) == []


@pytest.mark.parametrize("point", POINTS)
def test_stopped_it_delays_its_own_agent_only(paths: RunLayout, point: str) -> None:
    """While a writer is stopped others write at once, its own file is whole, and it goes on when continued."""
    with _stopped(paths, point) as process:
        started = time.monotonic()
        update(paths, "agent-2", lambda now: now | {"progress_percentage": 50}, fence=7)
        assert time.monotonic() - started < WAIT
        assert _percent(paths, "agent-2") == 50
        assert _percent(paths) == (90 if point == PUBLISHED else 45)
        with pytest.raises(GuardBusy):
            update(paths, "agent-1", lambda now: now, fence=7, wait=0.05)
        process.resume()
        wait_for(lambda: _percent(paths) == 90)
        update(paths, "agent-1", lambda now: now | {"progress_percentage": 95}, fence=7)
    assert _percent(paths) == 95


def test_a_storm_of_kills_never_shows_half_a_file(paths: RunLayout) -> None:
    """A reader that looks all the time while writers are killed at random sees whole files only."""
    for round_ in range(12):
        with start(paths, "agent-1", "completed", 50 + round_) as child:
            until = time.monotonic() + 0.04 + round_ / 150
            while time.monotonic() < until:
                json.loads(Path(paths.status("agent-1")).read_bytes())
            child.kill()
    assert _percent(paths) in range(45, 70)
    sweep(paths)
    assert os.listdir(temp(paths)) == []
