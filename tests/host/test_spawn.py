"""Children that stay ours."""

import os
import signal
from pathlib import Path

import pytest

from orchestrator.errors import AgentUnavailable
from orchestrator.host.spawn import Streams, has_children, reap, spawn
from tests.processes import ended, python, state
from tests.waiting import wait_for


def handed_on() -> set[str]:
    """The descriptors that whoever started the tests wants every child to have."""
    return {
        each
        for each in os.listdir("/proc/self/fd")
        if Path(f"/proc/self/fd/{each}").exists() and os.get_inheritable(int(each))
    }


def run(argv: list[str], tmp_path: Path, **env: str) -> tuple[int, str]:
    """Run a program to its end in ``tmp_path``; return its code and what it printed."""
    with (tmp_path / "out").open("wb") as out:
        streams = Streams(os.open(os.devnull, os.O_RDONLY), out.fileno(), out.fileno())
        pid = spawn(argv, cwd=str(tmp_path), env={"PATH": os.environ["PATH"], **env}, streams=streams)
        os.close(streams.stdin)
    mine = wait_for(lambda: [each for each in reap() if each.pid == pid])
    return mine[0].code, (tmp_path / "out").read_text(encoding="utf-8")


def test_folder_environment_and_streams(tmp_path: Path) -> None:
    """The child has what it was given, in our group, and nothing else of ours."""
    code, out = run(["sh", "-c", "pwd; echo $A; ps -o pgid= -p $$; ls /proc/self/fd; exit 3"], tmp_path, A="b")
    lines = [line.strip() for line in out.splitlines()]
    assert code == 3
    assert lines[:3] == [str(tmp_path), "b", str(os.getpgrp())]
    assert set(lines[3:]) - {"0", "1", "2", "3"} <= handed_on()


def test_signals_are_as_new(tmp_path: Path) -> None:
    """Nothing is blocked or ignored, Python's own SIGPIPE included."""
    _, out = run(["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"], tmp_path)
    assert [line.split()[1] for line in out.splitlines()] == ["0" * 16, "0" * 16]


def test_streams_may_be_in_each_others_places(tmp_path: Path) -> None:
    """Streams whose descriptors are the places of others arrive where they should."""
    code = """
import os, sys
from orchestrator.host.spawn import Streams, reap, spawn
os.dup2(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600), 0)
report = os.dup(1)
os.dup2(os.open(os.devnull, os.O_RDWR), 1)
spawn(["sh", "-c", "cat; echo out"], cwd=None, env=os.environ, streams=Streams(stdin=1, stdout=0, stderr=0))
while not reap():
    pass
"""
    target = tmp_path / "target"
    assert ended(python(code, str(target))) == ""
    assert target.read_text(encoding="ascii") == "out\n"


@pytest.mark.parametrize(
    ("argv", "cwd", "cause"),
    [
        (["no-such-program"], None, FileNotFoundError),
        (["/dev/null"], None, PermissionError),
        (["true"], "/no/such/folder", FileNotFoundError),
        (["tr\0ue"], None, OSError),
        (["true", "x" * (1 << 22)], None, OSError),
    ],
)
def test_what_cannot_be_started(argv: list[str], cwd: str | None, cause: type[OSError]) -> None:
    """It is an error in one line with its cause, and no child is left."""
    with pytest.raises(AgentUnavailable) as caught:
        spawn(argv, cwd=cwd, env=os.environ, streams=Streams())
    assert isinstance(caught.value.__cause__, cause)
    assert ("/no/such/folder" in caught.value.message) == (cwd is not None)
    assert not has_children()


def test_costs_are_counted(tmp_path: Path) -> None:
    """The kernel's account of time and memory comes with the ending.

    Its peak counts what a child held between fork and exec, so the parent here is as small as a worker.
    """
    code = """
import os, signal, sys
from orchestrator.host.spawn import Streams, reap, spawn
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
busy = "import time; block = bytearray(48 << 20)\\nwhile time.process_time() < 0.2: pass"
spawn([sys.executable, "-c", busy], cwd=None, env=os.environ, streams=Streams())
signal.sigwait({signal.SIGCHLD})
(ended,) = reap()
open(sys.argv[1], "w").write(f"{ended.cpu_seconds} {ended.peak_memory_bytes}")
"""
    told = tmp_path / "told"
    assert ended(python(code, str(told))) == ""
    cpu_seconds, peak_memory_bytes = (float(each) for each in told.read_text(encoding="ascii").split())
    assert 0.2 <= cpu_seconds < 5
    assert 48 << 20 <= peak_memory_bytes < 128 << 20


def test_a_signal_is_told(tmp_path: Path) -> None:
    """A child that a signal ended has its number, negative."""
    assert run(["sh", "-c", "kill -ABRT $$"], tmp_path)[0] == -signal.SIGABRT


def test_it_dies_with_us(tmp_path: Path) -> None:
    """When its parent is killed, the kernel kills the child."""
    code = """
import os, signal, sys
from orchestrator.host.spawn import Streams, spawn
pid = spawn(["sleep", "60"], cwd=None, env=os.environ, streams=Streams())
open(sys.argv[1], "w").write(str(pid))
os.kill(os.getpid(), signal.SIGKILL)
"""
    with python(code, str(tmp_path / "pid")) as parent:
        parent.communicate()
    pid = int((tmp_path / "pid").read_text(encoding="ascii"))
    wait_for(lambda: state(pid) in ("", "Z"))


def test_children_are_known(tmp_path: Path) -> None:
    """Whether there are any is told exactly, those not yet collected included."""
    assert reap() == []
    assert not has_children()
    pid = spawn(["true"], cwd=str(tmp_path), env=os.environ, streams=Streams())
    wait_for(lambda: state(pid) == "Z")
    assert has_children()
    assert [each.pid for each in reap()] == [pid]
    assert not has_children()
