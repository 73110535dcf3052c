"""Workers that die, that leave something behind, or that never were ours."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.daemon.workers import place
from orchestrator.wire.client import call
from orchestrator.wire.messages import Cancel, Status, Stop
from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import environment, running
from tests.processes import is_stopped, living, state
from tests.projects import script, waits_for, writes
from tests.waiting import wait_for


def background(command: str) -> str:
    """Return a step that leaves a process of its own behind: in its group, or in a session elsewhere."""
    return f'run = ["sh", "-c", "{command} >/dev/null 2>&1 &"]'


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """Where a file lets waiting agents go on; they do in the end."""
    path = tmp_path / "go"
    yield path
    path.touch()


def test_killed_at_work(tmp_path: Path, gate: Path) -> None:
    """kill -9 of workers: their tracks fail with the reason, what they wrote is kept, the others are merged.

    One had children in its group, which kept its claim; one had sent a process elsewhere: neither lives on.
    """
    leaves = {
        1: (),
        2: ('run = ["sh", "-c", "sleep 600 & exec sleep 0.1"]', background("sleep 600"), background("sleep 600")),
        3: ('escape = ["sleep", "600"]',),
    }
    scripts = [script(*steps, writes("half.txt"), 'print = "ready"', "hang = true") for steps in leaves.values()]
    site = Accepted(tmp_path, [*scripts, makes(4, waits_for(gate))])
    with running(site.root):
        for number in leaves:
            site.wait_for_log(site.tracks[number - 1], "ready")
        before = site.descendants()
        for number in leaves:
            os.kill(site.wait_for_owner(number), signal.SIGKILL)
        wait_for(lambda: site.outcomes() == ["failed"] * 3, 15, "the ends of three tracks")
        survivors = wait_for(lambda: site.owner(4)) or 0
        gate.touch()
        site.wait_for_end()
    assert state(survivors) == ""
    assert len(before) >= 7
    assert site.outcomes() == ["failed"] * 3 + ["merged"]
    for number in leaves:
        ended = site.outcome(number)
        assert ended is not None
        assert "the worker died (signal 9) before it could say" in ended.error
        ref = f"refs/orchd/backup/roadmap/{site.tracks[number - 1]}/1"
        assert ref in ended.kept
        assert site.git("show", f"{ref}:half.txt") == "made"
    assert site.tracks[1] in {each["track"] for each in site.events("lock.orphaned")}
    site.is_sound()


def test_a_daemon_that_an_agent_started(tmp_path: Path, gate: Path) -> None:
    """It has that agent's variables and hands them to nobody: what is ended with the agent's track is that alone."""
    site = Accepted(tmp_path, [makes(1, waits_for(gate)), makes(2, waits_for(gate))])
    marks = place(site.layout, "roadmap", site.record.tracks[0]).marks
    with running(site.root, environment(**marks)):
        pid = site.wait_for_owner(1)
        site.wait_for_log(site.tracks[1], "begun")
        assert not set(marks.items()) & set(psutil.Process(pid).environ().items())
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: site.outcomes() == ["failed"], 20)
        gate.touch()
        site.wait_for_end()
    assert site.outcomes() == ["failed", "merged"]
    site.is_sound()


def test_nothing_lives_on_after_stop_with_workers(tmp_path: Path) -> None:
    """Agents that ignore it, that escape, that are paused: all gone."""
    scripts = [
        script("ignore_term = true", 'escape = ["sleep", "600"]', 'print = "ready"', "hang = true"),
        script(background("sleep 600"), 'print = "ready"', "hang = true"),
        script('print = "ready"', "hang = true"),
        script('print = "ready"', "hang = true"),
    ]
    site = Accepted(tmp_path, scripts, {"agents": 4})
    with running(site.root) as daemon:
        for track in site.tracks[:4]:
            site.wait_for_log(track, "ready")
        os.kill(site.wait_for_owner(3), signal.SIGSTOP)
        os.kill(site.wait_for_owner(4), signal.SIGKILL)
        answer = call(str(site.root), Stop(workers=True))
        workers = answer["workers"]
        assert isinstance(workers, list)
        assert set(site.tracks[:3]) <= set(workers)
        assert daemon.process.wait(30) == 0
        wait_for(lambda: site.descendants() == set(), 20)
    assert not Path(site.paths.metrics).exists()


def test_a_worker_that_cannot_be_asked_is_killed(tmp_path: Path) -> None:
    """Cancelled while it is stopped by somebody who stops it again and again: it is ended all the same."""
    site = Accepted(tmp_path, [script("ignore_term = true", 'print = "ready"', "hang = true")])
    with running(site.root):
        site.wait_for_log(site.tracks[0], "ready")
        pid = site.wait_for_owner(1)
        call(str(site.root), Cancel("roadmap"))

        def stopped_for_good() -> bool:
            if state(pid) not in ("", "Z", "T"):
                os.kill(pid, signal.SIGSTOP)
            return Path(site.paths.metrics).exists()

        wait_for(stopped_for_good, 20, "the end of the run")
    assert site.outcomes() == ["cancelled"]
    site.is_sound()


@contextmanager
def living_as(argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process of that command line, which is ended afterwards."""
    with subprocess.Popen(argv) as child:
        try:
            yield child
        finally:
            child.kill()


def forged(site: Accepted, number: int, pid: int, **fields: object) -> None:
    """Write a lock that says that a process is the worker of a track."""
    root = site.root.parent / f"other-{number}"
    root.mkdir()
    won = FileClaims(str(root)).claim(Wanted(site.tracks[number - 1], "forger", pid, "roadmap", 1))
    assert isinstance(won, Won)
    record = json.loads(Path(won.path).read_bytes()) | fields
    site.write_lock(site.tracks[number - 1], json.dumps(record).encode() + b"\n")


def test_a_stranger_is_never_signalled(tmp_path: Path, gate: Path) -> None:
    """A lock written by hand names a process that is none of ours: neither cancel nor stop touches it."""
    site = Accepted(tmp_path, [makes(1), makes(2, waits_for(gate))])
    look_alike = [sys.executable, "-c", "import signal; signal.pause()", "-m", "orchestrator.worker", "other.json"]
    with living(group=0) as stranger, living_as(look_alike) as another, running(site.root) as daemon:
        site.wait_for_owner(2)
        wait_for(lambda: site.outcome(1), 20)
        os.kill(site.wait_for_owner(2), signal.SIGKILL)
        wait_for(lambda: site.owner(2) is None)
        forged(site, 1, stranger.pid)
        forged(site, 2, another.pid)
        call(str(site.root), Cancel("roadmap"))
        call(str(site.root), Status())
        call(str(site.root), Stop(workers=True))
        assert daemon.process.wait(20) == 0
        assert stranger.poll() is None
        assert another.poll() is None


def test_a_forged_claim_keeps_no_run_from_its_end(tmp_path: Path, gate: Path) -> None:
    """The run's own worker is gone and the lock names a stranger: cancelled, the run ends and says so."""
    site = Accepted(tmp_path, [makes(1, waits_for(gate))])
    with living() as stranger, running(site.root):
        pid = site.wait_for_owner(1)
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: is_stopped(pid))
        forged(site, 1, stranger.pid)
        os.kill(pid, signal.SIGKILL)
        call(str(site.root), Cancel("roadmap", site.tracks[0]))
        site.wait_for_end()
        assert stranger.poll() is None
        ended = site.outcome(1)
        assert ended is not None
        assert ended.ended == "cancelled"
        assert "could not be ended" in ended.error


def test_superseded_work_is_not_merged(tmp_path: Path) -> None:
    """Somebody claimed the track after its worker: what that worker finished stays on its branch."""
    site = Accepted(tmp_path, [makes(1, "sleep = 0.5")])
    with running(site.root) as daemon:
        site.wait_for_owner(1)
        daemon.kill()
    wait_for(lambda: site.owner(1) is None, 20, "the worker's end")
    store = FileClaims(str(site.root))
    won = store.claim(Wanted(site.tracks[0], "somebody", os.getpid()))
    assert isinstance(won, Won)
    with running(site.root):
        site.wait_for_end()
    store.release(site.tracks[0], won.claim.token)
    ended = site.outcome(1)
    assert ended is not None
    assert (ended.ended, ended.error) == (
        "failed",
        f"FILE_CONFLICT: superseded: fence {won.claim.fence} was given after {won.claim.fence - 1}",
    )
    assert site.subjects() == ["start"]
    assert site.git("show", "feat/t1:1.txt") == "made"


def test_a_restart_of_the_machine_supersedes_nobody(tmp_path: Path) -> None:
    """What was finished before it is merged after it, though fences go on from a greater number then."""
    site = Accepted(tmp_path, [makes(1, "sleep = 0.5")])
    with running(site.root) as daemon:
        site.wait_for_owner(1)
        daemon.kill()
    wait_for(lambda: site.owner(1) is None, 20, "the worker's end")
    guard = site.root / ".orchestrator_locks" / ".d" / "guards" / site.tracks[0]
    last, bound, _boot = guard.read_text().split()
    guard.write_text(f"{last} {bound} {'another':<40}\n")
    with running(site.root):
        site.wait_for_end()
    assert site.outcomes() == ["merged"]
