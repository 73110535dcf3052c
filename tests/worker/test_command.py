"""A command and everything that descends from it: nothing of it outlives its phase."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.processes import state
from tests.waiting import wait_for
from tests.worker.scene import Scene, gone, number_in, python, shell

# Ignores TERM, and leaves a twice forked grandchild in a session of its own that does so too.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("escaped", "w").write(str(os.getpid()))
        time.sleep(60)
    os._exit(0)
os.wait()
open("pid", "w").write(str(os.getpid()))
time.sleep(60)
"""

# Twelve lines of descent, each process of which forks, moves to a session of its own and ends at once.
HYDRA = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end = time.monotonic() + 30
for _ in range(12):
    if os.fork() == 0:
        while time.monotonic() < end:
            if os.fork():
                os._exit(0)
            os.setsid()
        os._exit(0)
open("pid", "w").write(str(os.getpid()))
time.sleep(30)
"""


def marked(marker: str) -> list[int]:
    """Return the living processes with ``marker`` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                holds = marker.encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if holds and state(int(entry.name)) not in ("", "Z"):
                found.append(int(entry.name))
    return found


def test_a_deadline_ends_everything(scene: Scene) -> None:
    """An agent that ignores TERM and its escaped grandchild are gone after deadline and grace."""
    start = time.monotonic()
    assert scene.run(python("work", STUBBORN, timeout=0.6), shell("review", "true"), MARKER="stubborn") == 1
    assert time.monotonic() - start < 8
    (phase,) = scene.attempt().phases
    assert (phase.ending, phase.signal) == ("timed_out", 9)
    assert scene.attempt().error == "TIMEOUT: phase work took longer than 0.6 s"
    assert scene.status()["error"] == "TIMEOUT: phase work took longer than 0.6 s"
    assert gone(number_in(scene.tree / "escaped"))
    assert marked("MARKER=stubborn") == []


def test_a_gentle_end(scene: Scene) -> None:
    """An agent that heeds TERM has its grace, and its exit status is known."""
    script = "trap 'echo sorry; exit 7' TERM; echo $$ > pid; sleep 20 & wait"
    scene.job(shell("work", script, timeout=0.5), grace=10.0)
    start = time.monotonic()
    assert scene.start().wait(20) == 1
    assert time.monotonic() - start < 8
    (phase,) = scene.attempt().phases
    assert (phase.ending, phase.status) == ("timed_out", 7)
    assert "sorry" in scene.log()


def test_a_stopped_agent_ends_too(scene: Scene) -> None:
    """An agent that was stopped gets to hear TERM."""
    assert scene.run(shell("work", "trap 'exit 5' TERM; kill -STOP $$; sleep 1", timeout=0.5)) == 1
    assert scene.attempt().phases[0].ending == "timed_out"


def test_leftovers_are_ended_and_counted(scene: Scene) -> None:
    """What a phase leaves behind in any session is ended before the next one begins."""
    leave = "sleep 60 & setsid sleep 61 & (setsid sh -c 'echo $$ > escaped; exec sleep 62' &); sleep 0.2"
    assert scene.run(shell("work", leave), shell("review", "true"), MARKER="left") == 0
    work, review = scene.attempt().phases
    assert (work.leftovers, review.leftovers) == (3, 0)
    assert gone(number_in(scene.tree / "escaped"))
    assert marked("MARKER=left") == []


def test_a_hydra_is_ended(scene: Scene) -> None:
    """Descendants that fork and leave faster than they can be looked at are ended within the bound."""
    scene.job(python("work", HYDRA), grace=0.1)
    worker = scene.start(MARKER="hydra")
    scene.started()
    start = time.monotonic()
    worker.terminate()
    assert worker.wait(15) == 143
    assert time.monotonic() - start < 8
    assert marked("MARKER=hydra") == []
    assert scene.attempt().error == "UNKNOWN: cancelled (SIGTERM)"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_to_the_worker(scene: Scene, number: signal.Signals, status: int) -> None:
    """The phase ends gently, the result is cancelled, the claim is released."""
    scene.job(shell("work", "trap 'exit 0' TERM; echo $$ > pid; sleep 30 & wait"), shell("review", "touch reviewed"))
    worker = scene.start()
    scene.started()
    worker.send_signal(number)
    assert worker.wait(10) == status
    attempt = scene.attempt()
    assert [each.ending for each in attempt.phases] == ["cancelled"]
    assert attempt.error == f"UNKNOWN: cancelled ({number.name})"
    assert (scene.status()["status"], scene.status()["error"]) == ("failed", attempt.error)
    assert scene.lock() is None
    assert not (scene.tree / "reviewed").exists()


def test_a_second_signal_ends_the_grace(scene: Scene) -> None:
    """Who asks in another way does not wait; who asks in the same way again does."""
    scene.job(shell("work", "trap 'echo asked >> heard' TERM; echo $$ > pid; while :; do sleep 1; done"), grace=60.0)
    worker = scene.start()
    agent = scene.started()
    worker.terminate()
    wait_for((scene.tree / "heard").exists)
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.5)
    worker.send_signal(signal.SIGINT)
    assert worker.wait(10) == 143
    assert gone(agent)
    assert scene.attempt().phases[0].signal == signal.SIGKILL


def test_a_signal_to_the_whole_group(scene: Scene) -> None:
    """TERM to worker and agent at once is a cancellation, not a crash of the agent."""
    scene.job(shell("work", "echo $$ > pid; sleep 30"))
    worker = scene.start()
    scene.started()
    wait_for(lambda: scene.status().get("current_stage") == "work")
    os.killpg(worker.pid, signal.SIGTERM)
    assert worker.wait(10) == 143
    assert scene.attempt().phases[0].ending == "cancelled"


def test_a_killed_worker_takes_its_agent_along(scene: Scene) -> None:
    """After kill -9 of the worker the agent dies by the kernel's hand and the track can be taken."""
    scene.job(shell("work", "echo $$ > pid; exec sleep 60"))
    worker = scene.start()
    agent = scene.started()
    worker.kill()
    worker.wait(10)
    wait_for(lambda: gone(agent))
    assert scene.owner() == "dead"
    scene.job(shell("work", "true"), attempt=2)
    assert scene.start().wait(10) == 0


def test_a_killed_worker_leaves_no_silently_free_track(scene: Scene) -> None:
    """While a grandchild of the agent lives on in the group, the claim is orphaned; afterwards it is dead."""
    scene.job(shell("work", "sleep 60 & echo $! > grandchild; echo $$ > pid; wait"))
    worker = scene.start()
    agent, grandchild = scene.started(), number_in(scene.tree / "grandchild")
    worker.kill()
    worker.wait(10)
    wait_for(lambda: gone(agent))
    assert scene.owner() == "orphaned"
    scene.job(shell("work", "true"), attempt=2)
    assert scene.start().wait(10) == 75
    os.kill(grandchild, signal.SIGKILL)
    wait_for(lambda: scene.owner() == "dead")
    assert scene.start().wait(10) == 0


def test_waiting_costs_nothing(scene: Scene) -> None:
    """A worker whose agent sleeps does not turn in circles."""
    scene.job(shell("work", "echo $$ > pid; exec sleep 60"))
    worker = scene.start()
    scene.started()
    wait_for(lambda: scene.status().get("current_stage") == "work")
    switches = ticks(worker.pid)
    start = time.monotonic()
    wait_for(lambda: time.monotonic() > start + 1.5)
    assert ticks(worker.pid) - switches < 10
    worker.terminate()
    assert worker.wait(10) == 143


def ticks(pid: int) -> int:
    """Return how often a process gave up the processor by itself."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("voluntary")))
