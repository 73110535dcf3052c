"""Children that stay ours. Each test is the parent in a process of its own, which has one thread, as a worker has."""

import errno
import json
import os
import signal
from pathlib import Path

import pytest

from tests.processes import ended, python, state
from tests.waiting import wait_for

RUN = """
import json, os, signal, sys
from orchestrator.host.spawn import Streams, reap, spawn
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
argv, cwd, env = json.loads(sys.argv[1])
streams = Streams(os.open(os.devnull, os.O_RDONLY), os.open(cwd + "/out", os.O_CREAT | os.O_WRONLY, 0o600), 2)
pid = spawn(argv, cwd=cwd, env={"PATH": os.environ["PATH"], **env}, streams=streams)
signal.sigwait({signal.SIGCHLD})
(ended,) = reap()
assert ended.pid == pid
print(ended.code)
"""


def run(argv: list[str], tmp_path: Path, **env: str) -> tuple[int, str]:
    """Run a program to its end in ``tmp_path``; return its code and what it printed."""
    code = ended(python(RUN, json.dumps([argv, str(tmp_path), env])))
    return int(code), (tmp_path / "out").read_text(encoding="utf-8")


def test_folder_environment_and_streams(tmp_path: Path) -> None:
    """The child has what it was given, in our group, and nothing else of ours."""
    code, out = run(["sh", "-c", "pwd; echo $A; ps -o pgid= -p $$; ls /proc/self/fd; exit 3"], tmp_path, A="b")
    lines = [line.strip() for line in out.splitlines()]
    assert code == 3
    assert lines[:3] == [str(tmp_path), "b", str(os.getpgrp())]
    assert set(lines[3:]) <= {"0", "1", "2", "3"}


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


REFUSED = """
import os
from orchestrator.errors import AgentUnavailable
from orchestrator.host.spawn import Streams, has_children, spawn
for argv, cwd, cause in [
    (["no-such-program"], None, FileNotFoundError),
    (["/dev/null"], None, PermissionError),
    (["true"], "/no/such/folder", FileNotFoundError),
    (["tr\\0ue"], None, OSError),
    (["true", "x" * (1 << 22)], None, OSError),
]:
    try:
        spawn(argv, cwd=cwd, env=os.environ, streams=Streams())
    except AgentUnavailable as error:
        print(isinstance(error.__cause__, cause), has_children(), error.message)
"""


def test_what_cannot_be_started() -> None:
    """It is an error in one line with its cause, and no child is left."""
    assert ended(python(REFUSED)).splitlines() == [
        "True False no-such-program cannot be started: No such file or directory",
        "True False /dev/null cannot be started: Permission denied",
        "True False the working directory /no/such/folder cannot be used: No such file or directory",
        "True False tr\\x00ue cannot be started: Invalid argument",
        f"True False true cannot be started: {os.strerror(errno.E2BIG)}",
    ]


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


KNOWN = """
import os, signal
from orchestrator.host.spawn import Streams, has_children, reap, spawn
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
assert reap() == []
assert not has_children()
pid = spawn(["true"], cwd=None, env=os.environ, streams=Streams())
signal.sigwait({signal.SIGCHLD})
assert has_children()
assert [each.pid for each in reap()] == [pid]
assert not has_children()
"""


def test_children_are_known() -> None:
    """Whether there are any is told exactly, those not yet collected included."""
    assert ended(python(KNOWN)) == ""


CALL = """
import os, signal, sys
from orchestrator.host.spawn import Streams, reap, spawn
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
signal.signal(signal.SIGTERM, lambda *_: None)
held = os.open("/etc/passwd", os.O_RDONLY)
os.set_blocking(held, False)
signal.set_wakeup_fd(held)

def call():
    assert signal.set_wakeup_fd(-1) == -1
    print(os.getcwd(), sorted(os.environ), os.listdir("/proc/self/fd"), signal.getsignal(signal.SIGTERM).name)
    if "RAISE" in os.environ:
        raise ValueError("a bug")
    return 5

streams = Streams(os.open(os.devnull, os.O_RDONLY), os.open("out", os.O_CREAT | os.O_WRONLY, 0o600), 2)
pid = spawn(["never started"], cwd=sys.argv[1], env=dict.fromkeys(sys.argv[2:], "1"), streams=streams, call=call)
signal.sigwait({signal.SIGCHLD})
(ended,) = reap()
assert ended.pid == pid
print(ended.code)
"""


def test_a_program_that_is_loaded_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the folder, the environment and the streams that it was given, the signals as new, and nothing else."""
    monkeypatch.chdir(tmp_path)
    assert ended(python(CALL, "/", "ONE", "TWO")) == "5\n"
    assert (tmp_path / "out").read_text() == "/ ['ONE', 'TWO'] ['0', '1', '2', '3'] SIG_DFL\n"


def test_a_bug_in_a_program_that_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with the status of a bug and tells it whole; its parent goes on."""
    monkeypatch.chdir(tmp_path)
    child = python(CALL, "/", "RAISE")
    out, err = child.communicate(timeout=30)
    assert out == "70\n"
    assert "ValueError: a bug" in err


def test_a_folder_that_is_not_there_is_told_before_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a program that has to be started."""
    monkeypatch.chdir(tmp_path)
    child = python(CALL, "/nowhere")
    assert "the working directory /nowhere cannot be used" in child.communicate(timeout=30)[1]
