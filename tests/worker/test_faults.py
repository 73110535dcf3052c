"""A crash or an error at each step: the state is the one before or the one after, and nobody is left behind."""

import json
import os
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Wanted, Won
from tests.processes import is_stopped, kill, python
from tests.waiting import wait_for
from tests.worker.scene import AGENT, TRACK, Scene, gone, shell

POINTS = ("worker.claimed", "worker.started", "worker.phase_ended", "worker.result_written", "worker.status_final")
PUBLISHED = ("status.guarded", "publish.written", "publish.renamed")


def prepared(scene: Scene) -> None:
    """Have the track claimed and released once, so that its folders are there."""
    store = FileClaims(str(scene.root))
    won = store.claim(Wanted(TRACK, "before", os.getpid()))
    assert isinstance(won, Won)
    store.release(TRACK, won.claim.token)


def whole(scene: Scene) -> None:
    """Assert that every file which is there can be read."""
    for path in (scene.paths.status(AGENT), scene.paths.result(AGENT)):
        if Path(path).exists():
            assert json.loads(Path(path).read_bytes())


@pytest.mark.parametrize("point", [*POINTS, *PUBLISHED])
def test_killed_at_each_step(scene: Scene, point: str) -> None:
    """After kill -9 at any step files are whole, the agent is gone, and the next attempt succeeds."""
    prepared(scene)
    scene.job(shell("work", "echo $$ > pid; sleep 0.2"))
    assert scene.start(f"{point}:kill").wait(20) == -9
    pid = scene.tree / "pid"
    wait_for(lambda: not pid.exists() or gone(int(pid.read_text(encoding="ascii") or 0)))
    whole(scene)
    finished = Path(scene.paths.result(AGENT)).exists() and scene.attempt().finished
    assert finished == (point in {"worker.result_written", "worker.status_final"})
    wait_for(lambda: scene.owner() in ("", "dead"))
    scene.job(shell("work", "true"), attempt=2)
    assert scene.start().wait(20) == 0
    assert scene.attempt(2).passed
    assert scene.status()["status"] == "completed"
    assert scene.lock() is None


@pytest.mark.parametrize(("point", "status"), list(zip(POINTS, (1, 1, 1, 0, 0), strict=True)))
def test_an_error_at_each_step(scene: Scene, point: str, status: int) -> None:
    """What the machine refuses ends the attempt with a reason; the result says so and the track is free."""
    assert scene.run(shell("work", "echo $$ > pid; sleep 0.2"), failpoint=f"{point}:error=ENOSPC") == status
    attempt = scene.attempt()
    assert attempt.finished
    assert attempt.passed == (status == 0)
    if status:
        assert attempt.error == "RESOURCE_ERROR: No space left on device"
        assert scene.status()["status"] == "failed"
    assert scene.lock() is None


@pytest.mark.parametrize("point", ["worker.result_written", "worker.status_final"])
def test_the_result_comes_first(scene: Scene, point: str) -> None:
    """Where the status says completed, the result had said passed; the claim goes last."""
    scene.job(shell("work", "true"))
    worker = scene.start(f"{point}:stop")
    wait_for(lambda: is_stopped(worker.pid))
    assert scene.attempt().passed
    assert scene.status()["status"] == ("in_progress" if point == "worker.result_written" else "completed")
    assert scene.lock() is not None


def test_a_full_disk_from_the_start(scene: Scene) -> None:
    """Where not even the first status can be written, the agent is not started and the track is freed."""
    prepared(scene)
    assert scene.run(shell("work", "touch ran"), failpoint="publish.written:error=ENOSPC") == 1
    assert not (scene.tree / "ran").exists()
    assert scene.lock() is None
    assert "No space left on device" in scene.log()


def test_a_disk_that_fills_up(scene: Scene) -> None:
    """Where the result cannot be written in the end, the worker fails, frees the track and leaves nobody."""
    prepared(scene)
    failpoint = "publish.synced:error=ENOSPC"
    assert scene.run(shell("work", "sleep 60 & echo $! > pid"), failpoint=failpoint) == 1
    assert gone(scene.started())
    assert not scene.attempt().finished
    assert scene.lock() is None


@pytest.mark.parametrize(("what", "status"), [("runtime", 0), ("orchestrator_logs", 0), (".orchestrator_locks", 76)])
def test_a_folder_vanishes(scene: Scene, what: str, status: int) -> None:
    """A worker whose folder is taken away ends its agent and leaves."""
    script = f"sleep 60 & echo $! > pid; rm -rf ../{what}"
    scene.job(shell("work", script), heartbeat=0.1)
    assert scene.start().wait(20) == status
    assert gone(scene.started())


def test_the_whole_root_vanishes(scene: Scene) -> None:
    """Without any of its files the worker still ends its agent and leaves; its claim is lost."""
    scene.job(shell("work", "sleep 60 & echo $! > pid; cp pid ../../kept; rm -rf ../* ../.orch*"))
    kept = scene.root.parent / "kept"
    assert scene.start().wait(20) == 76
    assert gone(int(kept.read_text(encoding="ascii")))
    kept.unlink()


def test_a_bug_is_not_lost(scene: Scene) -> None:
    """An exception that nobody expects is in the log and on stderr; the agent's track is freed all the same."""
    job = scene.job(shell("work", "true"))
    text = Path(scene.paths.job(AGENT)).read_text(encoding="ascii")
    Path(scene.paths.job(AGENT)).write_text(text.replace('"stdin": null', '"stdin": "/\\ud800"'), encoding="ascii")
    assert job.phases[0].stdin is None
    assert scene.start().wait(10) == 70
    assert "UnicodeEncodeError" in scene.log()
    assert "UnicodeEncodeError" in scene.errors.read_text(encoding="utf-8")
    assert scene.attempt().error.startswith("UNKNOWN: a bug in the worker")
    assert scene.status()["status"] == "failed"
    assert scene.lock() is None


HOLDS = """
import sys
from orchestrator.host import files
with files.guard(sys.argv[1], 5, "a test"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_writer_that_is_stuck(scene: Scene) -> None:
    """Somebody stuck in writing the status delays the agent's deadline by a second or two, not for ever."""
    Path(scene.paths.private).mkdir(mode=0o700)
    holder = python(HOLDS, f"{scene.paths.private}/{AGENT}.guard")
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        scene.job(shell("work", "sleep 60", timeout=0.2), heartbeat=0.1)
        assert scene.start().wait(20) == 1
        assert scene.attempt().phases[0].ending == "timed_out"
        assert scene.attempt().phases[0].seconds < 4
        assert f"is inside an operation on the status of {AGENT}" in scene.log()
    finally:
        kill(holder)
