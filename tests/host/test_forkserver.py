"""Processes forked from one that has loaded their program: they are what a started one would be, and outlive it."""

import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import AgentUnavailable
from orchestrator.host import identity, others
from orchestrator.host.children import UNKNOWN
from orchestrator.host.forking import ROOM
from orchestrator.host.forkserver import Forked, ForkServer
from tests.processes import environment, state
from tests.waiting import wait_for

SERVED = """
import json, os, signal, sys
from orchestrator.host import forking

def program(word):
    if word == "facts":
        leads = os.getsid(0) == os.getpid()
        print(json.dumps([word, leads, os.listdir("/proc/self/fd"), os.environ["MARK"], os.getcwd()]))
        return 3
    if word == "raise":
        raise ValueError("a bug")
    signal.pause()
    return 0

forking.serve(int(sys.argv[1]), "served", program)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ForkServer]:
    """A server of that program, in a folder of its own."""
    (tmp_path / "served.py").write_text(SERVED)
    env = environment() | {"MARK": "yes"}
    env["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
    served = ForkServer("served", cwd=str(tmp_path), env=env)
    yield served
    served.close()
    for pid, _ in others.running(str(tmp_path)).values():
        os.kill(pid, signal.SIGKILL)


def shown(word: str, folder: Path) -> list[str]:
    """Return the command line that a forked process shows: that of no other test."""
    return [sys.executable, "-P", "-m", str(folder), word]


def forked(server: ForkServer, word: str, folder: Path) -> Forked:
    """Fork a process, which there must be."""
    found = server.fork(shown(word, folder), str(folder / "out"))
    assert found is not None
    return found


def end(process: Forked) -> int:
    """Wait for the status of a process."""
    wait_for(lambda: process.poll() is not None, what="the status")
    status = process.poll()
    assert status is not None
    return status


def test_it_is_like_a_process_that_was_started(server: ForkServer, tmp_path: Path) -> None:
    """Its argument, its session, its environment, its folder, its output, its status; and nothing of the server's."""
    assert end(forked(server, "facts", tmp_path)) == 3
    out = (tmp_path / "out").read_text()
    assert out == f'["facts", true, ["0", "1", "2", "3"], "yes", "{tmp_path}"]\n'


def test_it_shows_its_own_command_line(server: ForkServer, tmp_path: Path) -> None:
    """Others see what it became, and find it by that; the server shows what it is, too."""
    process = forked(server, "wait", tmp_path)
    wait_for(lambda: others.command_line(process.pid) == shown("wait", tmp_path), what="its command line")
    assert others.running(str(tmp_path)) == {"wait": (process.pid, process.start_ticks)}
    os.kill(process.pid, signal.SIGTERM)
    assert end(process) == -signal.SIGTERM


def test_what_goes_wrong_in_it_is_told_in_its_output(server: ForkServer, tmp_path: Path) -> None:
    """A bug is told whole, and its status is that of a bug; the server goes on."""
    assert end(forked(server, "raise", tmp_path)) == 70
    assert "ValueError: a bug" in (tmp_path / "out").read_text()
    assert end(forked(server, "facts", tmp_path)) == 3


def test_many_at_once_each_have_their_status(server: ForkServer, tmp_path: Path) -> None:
    """Whatever order they end in."""
    waiting = [forked(server, "wait", tmp_path) for _ in range(5)]
    assert [end(forked(server, "facts", tmp_path)) for _ in range(5)] == [3] * 5
    for number, process in enumerate(reversed(waiting)):
        os.kill(process.pid, signal.SIGKILL if number % 2 else signal.SIGTERM)
    assert [end(each) for each in waiting] == [-15, -9, -15, -9, -15]


@pytest.mark.parametrize("violently", [False, True])
def test_it_outlives_its_server(server: ForkServer, tmp_path: Path, *, violently: bool) -> None:
    """It lives on, is known to live, and its status is nobody's to know when it ends. There are no more forks."""
    process = forked(server, "wait", tmp_path)
    if violently:
        os.kill(parent_of(process.pid), signal.SIGKILL)
        wait_for(
            lambda: server.fork(shown("wait", tmp_path), str(tmp_path / "out")) is None, what="the end of the server"
        )
    else:
        server.close()
    assert server.gone
    assert server.fork(shown("facts", tmp_path), str(tmp_path / "out")) is None
    assert process.poll() is None
    assert state(process.pid) not in ("", "Z")
    os.kill(process.pid, signal.SIGKILL)
    assert end(process) == UNKNOWN


def parent_of(pid: int) -> int:
    """Return the parent of a process."""
    return identity.processes()[pid][0]


def test_the_server_ends_with_its_client(server: ForkServer, tmp_path: Path) -> None:
    """Whoever has gone needs no server."""
    parent = parent_of(forked(server, "wait", tmp_path).pid)
    server.close()
    assert state(parent) == ""


def test_no_server_no_fork(tmp_path: Path) -> None:
    """A program that cannot be loaded, or a command line for which there is no room: it has to be started otherwise."""
    broken = ForkServer("no_such_module", cwd=str(tmp_path), env=environment())
    assert broken.fork(shown("facts", tmp_path), str(tmp_path / "out")) is None
    broken.close()
    nowhere = ForkServer("served", cwd=str(tmp_path / "nowhere"), env=environment())
    assert nowhere.fork(shown("facts", tmp_path), str(tmp_path / "out")) is None
    nowhere.close()


def test_a_command_line_too_long_to_be_shown(server: ForkServer, tmp_path: Path) -> None:
    """It is not forked, and the server goes on."""
    assert server.fork(shown("x" * ROOM, tmp_path), str(tmp_path / "out")) is None
    assert end(forked(server, "facts", tmp_path)) == 3


def test_a_server_that_does_not_answer(server: ForkServer, tmp_path: Path) -> None:
    """One that somebody stopped is ended with its client, which does not wait long."""
    process = forked(server, "wait", tmp_path)
    parent = parent_of(process.pid)
    os.kill(parent, signal.SIGSTOP)
    wait_for(lambda: state(parent) == "T", what="its stop")
    server.close()
    assert state(parent) == ""
    assert state(process.pid) not in ("", "Z")


def test_no_descriptors_left(server: ForkServer, tmp_path: Path) -> None:
    """Where a process could not be watched it is not there: the machine's refusal is told, and later it goes on."""
    process = forked(server, "wait", tmp_path)
    parent = parent_of(process.pid)
    held = set(map(int, os.listdir(f"/proc/{parent}/fd")))
    second_free = [number for number in range(len(held) + 2) if number not in held][1]
    usual = resource.prlimit(parent, resource.RLIMIT_NOFILE)
    resource.prlimit(
        parent, resource.RLIMIT_NOFILE, (second_free, usual[1])
    )  # the first is for what comes with a request
    with pytest.raises(AgentUnavailable, match="no process can be started"):
        server.fork(shown("wait", tmp_path), str(tmp_path / "out"))
    assert set(others.running(str(tmp_path)).values()) == {(process.pid, process.start_ticks)}
    resource.prlimit(parent, resource.RLIMIT_NOFILE, usual)
    assert end(forked(server, "facts", tmp_path)) == 3
