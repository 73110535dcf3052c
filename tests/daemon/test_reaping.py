"""The daemon frees what the dead held, and nothing else."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.core.claim import Claim, encode
from orchestrator.daemon.reaper import AT_ONCE
from orchestrator.wire.client import call
from orchestrator.wire.messages import Ping
from tests.daemon.daemons import answers, environment, running
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


def held(pid: int) -> int:
    """Return how many processes a daemon holds by a descriptor."""
    found = 0
    for each in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            found += "pidfd" in os.readlink(f"/proc/{pid}/fd/{each}")
    return found


def test_frees_the_track_of_a_killed_owner(tmp_path: Path, owners: Owners) -> None:
    """kill -9 of an owner: its lock goes, without a rescan; the journal says why, a living neighbour keeps his."""
    with running(tmp_path, environment(ORCHD_DAEMON_RESCAN="600")):
        one, two = owners(), owners()
        claim(tmp_path, "one", one)
        claim(tmp_path, "two", two)
        one.kill()
        wait_for(lambda: not lock(tmp_path, "one").exists(), 20)
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
        wait_for(lambda: not lock(tmp_path, "one").exists(), 20)


def test_leaves_paused_and_orphaned_owners_alone(tmp_path: Path, owners: Owners) -> None:
    """A stopped owner keeps its claim; a dead leader's living group keeps it until the group ends."""
    paused, leader = owners(), owners("sh", "-c", "sleep 600 & sleep 600")
    with running(tmp_path):
        claim(tmp_path, "paused", paused)
        claim(tmp_path, "orphan", leader)
        wait_for(lambda: len(Path(f"/proc/{leader.pid}/task/{leader.pid}/children").read_text().split()) == 2)
        paused.send_signal(signal.SIGSTOP)
        end(leader)
        wait_for(lambda: events(tmp_path, "lock.orphaned"), 20)
        assert lock(tmp_path, "paused").exists()
        assert lock(tmp_path, "orphan").exists()
        os.killpg(leader.pid, signal.SIGKILL)
        wait_for(lambda: not lock(tmp_path, "orphan").exists(), 20)
        assert lock(tmp_path, "paused").exists()


def test_reports_shell_locks_and_frees_them_when_their_writer_is_gone(tmp_path: Path) -> None:
    """A lock of a shell script is honoured like any other."""
    with running(tmp_path):
        script = "echo $$ > tmp; ln tmp .orchestrator_locks/shell.lock; rm tmp; exec sleep 600"
        shell = subprocess.Popen(["sh", "-c", script], cwd=tmp_path)
        try:
            wait_for(lambda: events(tmp_path, "lock.appeared"), 20)
            assert FileClaims(str(tmp_path)).list()[0].verdict.state == "alive"
        finally:
            end(shell)
        wait_for(lambda: not lock(tmp_path, "shell").exists(), 20)


def test_empty_and_foreign_locks_stay(tmp_path: Path) -> None:
    """What cannot be judged is held, and told."""
    with running(tmp_path):
        lock(tmp_path, "empty").write_bytes(b"")
        lock(tmp_path, "other").write_text('{"pid": 1, "tool": "x"}')
        wait_for(lambda: len(events(tmp_path, "lock.appeared")) == 2, 20)
        assert {each.verdict.state for each in FileClaims(str(tmp_path)).list()} == {"unreadable", "unknown"}


def test_goes_on_when_the_folder_is_deleted_and_made_again(tmp_path: Path, owners: Owners) -> None:
    """rm -rf of the locks: the daemon watches the new folder as it did the old one."""
    with running(tmp_path) as daemon:
        shutil.rmtree(tmp_path / ".orchestrator_locks")
        owner = owners()
        claim(tmp_path, "again", owner)
        end(owner)
        wait_for(lambda: not lock(tmp_path, "again").exists(), 20)
        assert daemon.process.poll() is None


def test_misses_nothing_while_it_was_paused(tmp_path: Path, owners: Owners) -> None:
    """More happens while it is stopped than the kernel keeps: once it goes on, every dead owner's track is freed."""
    owner = owners()
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with running(tmp_path) as daemon:
        claim(tmp_path, "track-0", owner)
        daemon.process.send_signal(signal.SIGSTOP)
        for number in range(most // 2 + 100):
            junk = lock(tmp_path, f"junk-{number % 7}")
            junk.touch()
            junk.unlink()
        record = lock(tmp_path, "track-0").read_bytes()
        for number in range(1, 1500):
            lock(tmp_path, f"track-{number}").write_bytes(record.replace(b'"track-0"', b'"track-%d"' % number))
        end(owner)
        daemon.process.send_signal(signal.SIGCONT)
        wait_for(lambda: not list((tmp_path / ".orchestrator_locks").glob("*.lock")), 20, "every lock freed")


def test_lives_by_rescans_where_the_kernel_tells_nothing(tmp_path: Path, owners: Owners) -> None:
    """With no watches to be had it says so, and frees what the dead held all the same."""
    (tmp_path / "orchestrator.toml").write_text("[daemon]\nrescan = 0.5\n")
    setting = 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"'
    argv = ["unshare", "-Ur", "sh", "-c", setting, "sh", sys.executable, "-P", "-m", "orchestrator.daemon", "--root"]
    with subprocess.Popen([*argv, str(tmp_path)], env=environment(), stderr=subprocess.DEVNULL) as daemon:
        try:
            wait_for(lambda: daemon.poll() is not None or answers(tmp_path), 20)
            if daemon.poll() is not None:
                pytest.skip("no user namespaces here")
            about = call(str(tmp_path), Ping())
            assert about["degraded"] == dict.fromkeys(
                (str(lock(tmp_path, "x").parent), str(tmp_path / "runtime" / "parallel")),
                "cannot be watched (No space left on device); rescanning",
            )
            assert len(events(tmp_path, "watch.degraded")) == 2
            owner = owners()
            claim(tmp_path, "one", owner)
            wait_for(lambda: held(daemon.pid) == 1, 20)
            end(owner)
            wait_for(lambda: not lock(tmp_path, "one").exists(), 20)
        finally:
            daemon.terminate()


def test_a_lock_that_is_removed_by_hand_is_told(tmp_path: Path, owners: Owners) -> None:
    """A claim that went without a word is journaled; one that was given back is not told twice."""
    owner = owners()
    with running(tmp_path) as daemon:
        claim(tmp_path, "removed", owner)
        released = claim(tmp_path, "released", owner)
        wait_for(lambda: held(daemon.process.pid) == 2, 20)
        FileClaims(str(tmp_path)).release("released", released.token)
        wait_for(lambda: held(daemon.process.pid) == 1, 20)
        lock(tmp_path, "removed").unlink()
        wait_for(lambda: events(tmp_path, "lock.vanished"), 20)
    assert [each["track"] for each in events(tmp_path, "lock.vanished")] == ["removed"]


def test_frees_a_crowd_and_listens_again(tmp_path: Path, owners: Owners) -> None:
    """More tracks of the dead than one turn frees: all go, each in the journal; the next death is seen too."""
    owner, crowd = owners(), 3 * AT_ONCE
    with running(tmp_path) as daemon:
        record = encode(claim(tmp_path, "t0", owner))
        for number in range(1, crowd):
            lock(tmp_path, f"t{number}").write_bytes(record.replace(b'"t0"', b'"t%d"' % number))
        wait_for(lambda: held(daemon.process.pid) == crowd, 20)
        end(owner)
        wait_for(lambda: len(events(tmp_path, "claim.reaped")) == crowd, 20)
        last = owners()
        claim(tmp_path, "last", last)
        wait_for(lambda: held(daemon.process.pid) == 1, 20)
        end(last)
        wait_for(lambda: not lock(tmp_path, "last").exists(), 20)
    assert list((tmp_path / ".orchestrator_locks").glob("*.lock")) == []


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
        wait_for(lambda: [path.name for path in (tmp_path / ".orchestrator_locks").glob("*.lock")] == ["t0.lock"], 20)
        os.killpg(holder.pid, signal.SIGKILL)
        wait_for(lambda: not lock(tmp_path, "t0").exists(), 20)
