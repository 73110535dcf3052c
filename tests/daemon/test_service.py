"""The daemon as a service: one a root, its socket, its requests, its end."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from orchestrator.wire import codec
from orchestrator.wire.client import call
from orchestrator.wire.messages import Ping, Status, Stop
from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import Daemon, answers, environment, running
from tests.waiting import wait_for


def ask(root: Path, line: bytes) -> dict[str, object]:
    """Send raw bytes to the daemon and return its one answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as speaker:
        speaker.settimeout(10)
        speaker.connect(str(root / "runtime" / "orchd.sock"))
        speaker.sendall(line)
        answer = b""
        while not answer.endswith(b"\n") and (piece := speaker.recv(65536)):
            answer += piece
    loaded = json.loads(answer)
    assert isinstance(loaded, dict)
    return loaded


def test_of_two_started_at_once_exactly_one_stays(tmp_path: Path) -> None:
    """Whoever comes second ends with a reason; stale files never prevent a start."""
    (tmp_path / "runtime").mkdir(mode=0o700)
    (tmp_path / "runtime" / "orchd.pidlock").write_text("1")
    (tmp_path / "runtime" / "orchd.sock").write_text("stale")
    for _ in range(3):
        pair = [Daemon(tmp_path), Daemon(tmp_path)]
        wait_for(lambda: answers(tmp_path), 15)
        wait_for(lambda: sum(each.process.poll() is None for each in pair) == 1, 15)  # noqa: B023  # used at once
        (second,) = [each for each in pair if each.process.poll() is not None]
        assert second.process.returncode == 9
        assert second.process.stderr is not None
        assert b"already running" in second.process.stderr.read()
        for each in pair:
            each.kill()


def test_says_who_it_is(tmp_path: Path) -> None:
    """Ping and status answer with pid, socket and version."""
    with running(tmp_path) as daemon:
        about = call(str(tmp_path), Ping())
        assert about["pid"] == daemon.process.pid
        assert about["socket"] == str(tmp_path / "runtime" / "orchd.sock")
        status = call(str(tmp_path), Status())
        assert status["runs"] == status["problems"] == []


def test_socket_and_folders_are_private(tmp_path: Path) -> None:
    """0600 and 0700, whatever the umask of the starter."""
    before = os.umask(0)
    try:
        with running(tmp_path):
            assert stat.S_IMODE((tmp_path / "runtime" / "orchd.sock").stat().st_mode) == 0o600
            assert stat.S_IMODE((tmp_path / "runtime").stat().st_mode) == 0o700
            assert stat.S_IMODE((tmp_path / ".orchestrator_locks").stat().st_mode) == 0o700
            assert stat.S_IMODE((tmp_path / "runtime" / "orchd.log").stat().st_mode) == 0o600
    finally:
        os.umask(before)


HOSTILE = (
    b"\n",
    b"{\n",
    b"[1]\n",
    b"\xff\xfe\n",
    b'{"jsonrpc":"2.0","id":1,"method":"__class__"}\n',
    b'{"jsonrpc":"2.0","id":1,"method":"adopt","params":{"run":"../../etc"}}\n',
    b'{"jsonrpc":"2.0","id":1,"method":"stop","params":{"workers":"yes"}}\n',
    b'{"jsonrpc":"2.0","id":1,"method":"run","params":{"argv":["sh"]}}\n',
    b"[" * 100_000 + b"\n",
    b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * 2_000_000 + b'"}\n',
)


def test_refuses_what_is_no_request(tmp_path: Path) -> None:
    """A hostile line gets an error, and the daemon goes on; so it does when a caller just goes."""
    with running(tmp_path):
        for line in HOSTILE:
            try:
                assert "error" in ask(tmp_path, line)
            except ConnectionError:
                assert len(line) > codec.LARGEST
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
                caller.connect(str(tmp_path / "runtime" / "orchd.sock"))
                with suppress(ConnectionError):
                    caller.sendall(line[:-1])
        assert answers(tmp_path)
        assert "bug" not in (tmp_path / "runtime" / "orchd.log").read_text()


def test_a_crowd_of_callers(tmp_path: Path) -> None:
    """However many say however much without an end: memory is bounded, and whoever asks properly is answered."""
    with running(tmp_path) as daemon, ExitStack() as crowd:
        patient = crowd.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        patient.settimeout(10)
        patient.connect(str(tmp_path / "runtime" / "orchd.sock"))
        for number in range(300):
            caller = crowd.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            caller.connect(str(tmp_path / "runtime" / "orchd.sock"))
            caller.settimeout(0.02)
            with suppress(ConnectionError, TimeoutError):
                caller.sendall(b"x" * 1_000_000)
            if number % 20 == 0:
                patient.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
                assert patient.recv(65536)
        assert answers(tmp_path)
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        (peak,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        assert peak < 100_000  # KiB
        assert len(os.listdir(f"/proc/{daemon.process.pid}/fd")) < 100


def test_stops_on_request_and_on_term(tmp_path: Path) -> None:
    """Stop and SIGTERM end it with status 0, its socket removed, its lock free."""
    with running(tmp_path) as daemon:
        call(str(tmp_path), Stop())
        assert daemon.process.wait(10) == 0
        assert not (tmp_path / "runtime" / "orchd.sock").exists()
    with running(tmp_path) as daemon:
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(10) == 0


@pytest.mark.parametrize("what", ["runtime", "runtime/orchd.pidlock"])
def test_ends_when_its_lock_was_removed(tmp_path: Path, what: str) -> None:
    """Then another one can start, and is left in peace: exactly one stays, and answers."""
    with running(tmp_path) as first:
        (tmp_path / what).rename(tmp_path / "removed")
        with running(tmp_path) as second:
            assert first.process.wait(10) == 0
            second.ready()
            assert call(str(tmp_path), Ping())["pid"] == second.process.pid


def test_a_caller_that_stays_is_no_bug(tmp_path: Path) -> None:
    """Who is still connected when the daemon ends is let go without a word in its log."""
    with running(tmp_path) as daemon, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect(str(tmp_path / "runtime" / "orchd.sock"))
        caller.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        assert caller.recv(65536)
        daemon.process.terminate()
        assert daemon.process.wait(10) == 0
    assert '"error"' not in (tmp_path / "runtime" / "orchd.log").read_text()


def test_says_ready_to_a_service_manager(tmp_path: Path) -> None:
    """With NOTIFY_SOCKET set, READY=1 arrives once it answers."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(15)
        with running(tmp_path, environment(NOTIFY_SOCKET=str(path))):
            assert listener.recv(4096).startswith(b"READY=1")


def test_works_below_a_very_long_path(tmp_path: Path) -> None:
    """A root whose socket path is longer than the kernel takes is served all the same."""
    root = tmp_path / ("d" * 100) / ("e" * 100)
    root.mkdir(parents=True)
    with running(root):
        assert answers(root)


def test_ends_with_a_clear_line_where_it_cannot_be(tmp_path: Path) -> None:
    """A file in the way of a folder: one line, exit 9, nothing else."""
    (tmp_path / "runtime").write_text("in the way")
    ended = started(tmp_path, "--root", str(tmp_path))
    assert (ended.returncode, ended.stderr.count(b"\n")) == (9, 1)
    assert b"not a folder" in ended.stderr


def test_a_log_that_is_bounded_and_tells_no_secret(tmp_path: Path) -> None:
    """One line of JSON an event, nothing raw, no value of a secret; full files are set aside, and few are kept."""
    root = tmp_path / "a\x1b[2Jb\nc"
    runtime, locks = root / "runtime", root / ".orchestrator_locks"
    for folder in (root, runtime, locks):
        folder.mkdir(mode=0o700)
    (root / "orchestrator.toml").write_text("[daemon]\nlog_max_mb = 1\n")
    secret = "s3cr3t-f0r-nobody"  # noqa: S105  # made for this test
    for name in ("orchd.log", "orchd.log.1", "orchd.log.2", "orchd.log.3"):
        (runtime / name).write_text('{"level": "info", "message": "old"}\n' * 27_770)
    with subprocess.Popen(["true"]) as ended:
        pass
    for number in range(20):
        (locks / f"{secret}.{number}.lock").write_text(f"{ended.pid}\n")
    with running(root, environment(SERVICE_TOKEN=secret)):
        wait_for(lambda: not any(name.endswith(".lock") for name in os.listdir(locks)), 20, "every lock freed")
    assert sorted(path.name for path in runtime.glob("orchd.log*")) == ["orchd.log", *(f"orchd.log.{n}" for n in "123")]
    for path in runtime.glob("orchd.log*"):
        data = path.read_bytes()
        assert len(data) <= 1_000_000
        assert secret.encode() not in data
        assert b"\x1b" not in data
        assert all(json.loads(line)["level"] for line in data.splitlines())
    assert b"freed ***." in (runtime / "orchd.log").read_bytes()


def test_a_log_that_cannot_be_opened(tmp_path: Path) -> None:
    """A link in its place: one line, exit 9, and nothing was written through it."""
    (tmp_path / "runtime").mkdir(mode=0o700)
    (tmp_path / "runtime" / "orchd.log").symlink_to(tmp_path / "elsewhere")
    ended = started(tmp_path, "--root", str(tmp_path))
    assert (ended.returncode, ended.stderr.count(b"\n")) == (9, 1)
    assert b"cannot open" in ended.stderr
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("words", [[], ["--root"], ["--root", "a", "b"], ["a", "--root"]])
def test_wrong_words(tmp_path: Path, words: list[str]) -> None:
    """The entry of the background service takes a root and nothing else."""
    ended = started(tmp_path, *words)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (64, 1)
    assert ended.stderr.startswith(b"usage:")


def started(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the daemon where it cannot be, to its end."""
    argv = [sys.executable, "-P", "-m", "orchestrator.daemon", *words]
    return subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, check=False, timeout=30)


def test_stop_waits_for_nobody_s_network(tmp_path: Path) -> None:
    """A push that hangs keeps no daemon from its end; the next one pushes, once, and the run is over."""
    site = Accepted(tmp_path, [makes(1)])
    hook = site.write(".git/hooks/pre-push", f"#!/bin/sh\necho $$ > {tmp_path}/pushing\nexec sleep 600\n")
    hook.chmod(0o755)
    pushing = tmp_path / "pushing"
    with running(site.root) as daemon:
        wait_for(lambda: pushing.exists() and pushing.read_text(), 30)
        call(str(site.root), Stop())
        assert daemon.process.wait(10) == 0
    assert site.events("daemon.stopped")
    hook.unlink()
    os.kill(int(pushing.read_text()), signal.SIGKILL)
    with running(site.root):
        site.wait_for_end()
    site.is_done_once()
