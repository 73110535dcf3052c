"""``orchd start``, ``stop``, ``restart``, ``status``: the daemon as a background service."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.orchd import ARGV, Orchd
from tests.waiting import wait_for


@pytest.fixture
def orchd(tmp_path: Path) -> Iterator[Orchd]:
    """A root in which no daemon runs, and none is left."""
    own = Orchd(tmp_path)
    yield own
    own("stop", "--workers")


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_start_stop_and_what_is_said(orchd: Orchd) -> None:
    """It answers when the command returns; twice is harmless both ways; afterwards it is gone."""
    first = orchd("start", "--json")
    assert first.status == 0, first.err
    pid = first.document["pid"]
    assert first.document == {"pid": pid, "socket": f"{orchd.root}/runtime/orchd.sock", "already": False}
    assert orchd("start", "--json").document == first.document | {"already": True}
    assert f"already running: process {pid}" in orchd("start").out
    status = orchd("status", "--json")
    assert status.status == 0
    daemon = status.document["daemon"]
    assert {"running": True, "pid": pid, "socket": first.document["socket"]}.items() <= daemon.items()
    assert {"since", "version"} <= set(daemon)
    assert set(status.document) == {"daemon", "runs", "problems"}
    assert orchd("stop", "--json").document == {"stopped": True}
    wait_for(lambda: _gone(pid))
    ended = orchd("stop")
    assert (ended.status, ended.out) == (0, "no daemon is running\n")


def test_restart_is_another_one(orchd: Orchd) -> None:
    """With or without one before, there is a new one afterwards; the claims are as they were."""
    first = orchd("restart", "--json").document["pid"]
    claim = orchd.claim("t")
    second = orchd("restart", "--json").document
    assert second["pid"] != first
    assert not second["already"]
    wait_for(lambda: _gone(first))
    (lock,) = orchd("locks", "--json").document["locks"]
    assert lock["token"] == claim.token


def test_the_daemon_outlives_its_starter(orchd: Orchd) -> None:
    """It has a session of its own and none of our streams: nobody waits for it, no hang-up reaches it."""
    command = " ".join(ARGV)
    ended = subprocess.run(
        ["sh", "-c", f"{command} start"], cwd=orchd.root, env=orchd.env, capture_output=True, timeout=30, check=True
    )
    assert b"is running: process" in ended.stdout
    pid = orchd("status", "--json").document["daemon"]["pid"]
    assert os.getsid(pid) == pid
    streams = {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
    assert streams == {"/dev/null", f"{orchd.root}/runtime/orchd.log"}


def test_a_daemon_that_cannot_start_says_why(orchd: Orchd) -> None:
    """Settings that cannot be: exit code 9, and the daemon's own last words."""
    (orchd.root / "orchestrator.toml").write_text("[daemon]\nrescan = 0\n")
    ended = orchd("start")
    assert (ended.status, ended.out) == (9, "")
    assert "daemon.rescan" in ended.err
    assert ended.tame
    assert len(ended.err.splitlines()) == 2


def test_a_daemon_that_does_not_answer_is_said_to_be_there(orchd: Orchd) -> None:
    """A stopped daemon is neither taken for gone nor for running well."""
    pid = orchd("start", "--json").document["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        ended = orchd("status", "--json")
        assert ended.status == 3
        assert ended.document["daemon"]["running"] is False
    finally:
        os.kill(pid, signal.SIGCONT)
    assert orchd("status").status == 0


def test_after_kill_9_it_starts_again(orchd: Orchd) -> None:
    """What a dead daemon left, socket and lock file, is in nobody's way."""
    pid = orchd("start", "--json").document["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: _gone(pid))
    assert orchd("status").status == 3
    again = orchd("start", "--json")
    assert again.status == 0, again.err
    assert again.document["pid"] != pid


def test_foreground_stays_in_front(orchd: Orchd) -> None:
    """``--foreground`` is the daemon itself: it ends with SIGTERM, exit code 0, and talks on stderr."""
    with orchd.running("start", "--foreground") as child:
        wait_for(lambda: orchd("status").status == 0, 20)
        assert orchd("status", "--json").document["daemon"]["pid"] == child.pid
        second = orchd("start", "--foreground")
        assert second.status == 9
        assert "already running" in second.err
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=15)
    assert child.returncode == 0
    assert "listens on" in err
    assert "Traceback" not in err


def test_status_without_a_daemon(tmp_path: Path) -> None:
    """Exit code 3, and what the files say all the same; nothing is made."""
    orchd = Orchd(tmp_path)
    ended = orchd("status", "--json")
    assert ended.status == 3
    assert ended.document == {
        "daemon": {
            "running": False,
            "pid": None,
            "socket": f"{tmp_path}/runtime/orchd.sock",
            "since": None,
            "version": None,
        },
        "runs": [],
        "problems": [],
    }
    assert orchd("status").out.startswith("daemon: none answers")
    assert orchd.files() == {}
    orchd.write_lock("t\x1b[31m", b"\x1b")
    words = orchd("status")
    assert words.tame
    assert "problems:" in words.out


def test_a_root_with_a_long_path(tmp_path: Path) -> None:
    """Deeper than a socket's address is long, the daemon starts, answers and stops like anywhere else."""
    root = tmp_path / ("deep" * 20) / ("deeper" * 20)
    root.mkdir(parents=True)
    orchd = Orchd(root)
    started = orchd("start", "--json")
    assert started.status == 0, started.err
    assert orchd("status").status == 0
    assert orchd("stop", "--json").document == {"stopped": True}
