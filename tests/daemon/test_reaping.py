"""The daemon frees what the dead held, and nothing else."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.core.claim import Claim
from tests.daemon.daemons import running
from tests.waiting import wait_for

Owners = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def owners() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Makes processes that would live for long; none outlives the test."""
    made: list[subprocess.Popen[bytes]] = []

    def make(*argv: str) -> subprocess.Popen[bytes]:
        made.append(subprocess.Popen(argv or ("sleep", "600"), start_new_session=True))
        return made[-1]

    yield make
    for each in made:
        with suppress(ProcessLookupError):
            os.killpg(each.pid, signal.SIGKILL)
        each.wait(10)


def end(process: subprocess.Popen[bytes]) -> None:
    """kill -9 and wait."""
    process.kill()
    process.wait(10)


def claim(root: Path, track: str, process: subprocess.Popen[bytes]) -> Claim:
    """Claim ``track`` for a process."""
    won = FileClaims(str(root)).claim(Wanted(track, "test", process.pid))
    assert isinstance(won, Won)
    return won.claim


def lock(root: Path, track: str) -> Path:
    """Return the path of a track's lock."""
    return root / ".orchestrator_locks" / f"{track}.lock"


def events(root: Path, name: str) -> list[dict[str, object]]:
    """Return the journal's entries of one kind."""
    path = root / "runtime" / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [entry for entry in map(json.loads, lines) if entry["event"] == name]


def test_frees_the_track_of_a_killed_owner(tmp_path: Path, owners: Owners) -> None:
    """kill -9 of an owner: its lock goes, the journal says why, a living neighbour keeps his."""
    with running(tmp_path):
        one, two = owners(), owners()
        claim(tmp_path, "one", one)
        claim(tmp_path, "two", two)
        one.kill()
        wait_for(lambda: not lock(tmp_path, "one").exists(), 5)
        assert lock(tmp_path, "two").exists()
        (event,) = wait_for(lambda: events(tmp_path, "claim.reaped"))
        assert event["track"] == "one"
        assert str(one.pid) in str(event["why"])


def test_frees_what_died_while_no_daemon_ran(tmp_path: Path, owners: Owners) -> None:
    """With the daemon stopped a dead owner's lock stays; the next start frees it."""
    owner = owners()
    claim(tmp_path, "one", owner)
    end(owner)
    assert FileClaims(str(tmp_path)).list()[0].verdict.state == "dead"
    with running(tmp_path):
        wait_for(lambda: not lock(tmp_path, "one").exists(), 5)


def test_leaves_paused_and_orphaned_owners_alone(tmp_path: Path, owners: Owners) -> None:
    """A stopped owner keeps its claim; a dead leader's living group keeps it until the group ends."""
    paused, leader = owners(), owners("sh", "-c", "sleep 600 & sleep 600")
    with running(tmp_path):
        claim(tmp_path, "paused", paused)
        claim(tmp_path, "orphan", leader)
        wait_for(lambda: len(Path(f"/proc/{leader.pid}/task/{leader.pid}/children").read_text().split()) == 2)
        paused.send_signal(signal.SIGSTOP)
        end(leader)
        wait_for(lambda: events(tmp_path, "lock.orphaned"), 5)
        assert lock(tmp_path, "paused").exists()
        assert lock(tmp_path, "orphan").exists()
        os.killpg(leader.pid, signal.SIGKILL)
        wait_for(lambda: not lock(tmp_path, "orphan").exists(), 5)
        assert lock(tmp_path, "paused").exists()


def test_reports_shell_locks_and_frees_them_when_their_writer_is_gone(tmp_path: Path) -> None:
    """A lock of a shell script is honoured like any other."""
    with running(tmp_path):
        script = "echo $$ > tmp; ln tmp .orchestrator_locks/shell.lock; rm tmp; exec sleep 600"
        shell = subprocess.Popen(["sh", "-c", script], cwd=tmp_path)
        try:
            wait_for(lambda: events(tmp_path, "lock.appeared"), 5)
            assert FileClaims(str(tmp_path)).list()[0].verdict.state == "alive"
        finally:
            end(shell)
        wait_for(lambda: not lock(tmp_path, "shell").exists(), 10)


def test_empty_and_foreign_locks_stay(tmp_path: Path) -> None:
    """What cannot be judged is held, and told."""
    with running(tmp_path):
        lock(tmp_path, "empty").write_bytes(b"")
        lock(tmp_path, "other").write_text('{"pid": 1, "tool": "x"}')
        wait_for(lambda: len(events(tmp_path, "lock.appeared")) == 2, 10)
        assert {each.verdict.state for each in FileClaims(str(tmp_path)).list()} == {"unreadable", "unknown"}


def test_goes_on_when_the_folder_is_deleted_and_made_again(tmp_path: Path, owners: Owners) -> None:
    """rm -rf of the locks: the daemon watches the new folder as it did the old one."""
    with running(tmp_path) as daemon:
        shutil.rmtree(tmp_path / ".orchestrator_locks")
        owner = owners()
        claim(tmp_path, "again", owner)
        end(owner)
        wait_for(lambda: not lock(tmp_path, "again").exists(), 10)
        assert daemon.process.poll() is None


def test_misses_nothing_while_it_was_paused(tmp_path: Path, owners: Owners) -> None:
    """A daemon stopped while owners die in great number frees all of them once it goes on."""
    owner = owners()
    with running(tmp_path) as daemon:
        claim(tmp_path, "track-0", owner)
        daemon.process.send_signal(signal.SIGSTOP)
        record = lock(tmp_path, "track-0").read_bytes()
        for number in range(1, 1500):
            lock(tmp_path, f"track-{number}").write_bytes(record.replace(b'"track-0"', b'"track-%d"' % number))
        end(owner)
        daemon.process.send_signal(signal.SIGCONT)
        wait_for(lambda: not list((tmp_path / ".orchestrator_locks").glob("*.lock")), 20, "every lock freed")


def test_one_stopped_process_delays_no_other_track(tmp_path: Path, owners: Owners) -> None:
    """A guard held by a paused process blocks its own track only."""
    workers = [owners() for _ in range(8)]
    with running(tmp_path):
        for number, worker in enumerate(workers):
            claim(tmp_path, f"t{number}", worker)
        guard = tmp_path / ".orchestrator_locks" / ".d" / "guards" / "t0"
        holder = owners("flock", str(guard), "sleep", "600")
        wait_for(lambda: subprocess.run(["flock", "-n", str(guard), "true"], check=False).returncode == 1)
        for worker in workers:
            end(worker)
        wait_for(lambda: [path.name for path in (tmp_path / ".orchestrator_locks").glob("*.lock")] == ["t0.lock"], 5)
        os.killpg(holder.pid, signal.SIGKILL)
        wait_for(lambda: not lock(tmp_path, "t0").exists(), 10)
