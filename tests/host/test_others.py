"""Processes that are not our children: found by what they were started with, and signalled exactly."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.host import identity, others
from tests.processes import dead, is_stopped, living
from tests.waiting import wait_for

# Starts what its last argument says in a session of its own, and then waits with it.
FAMILY = "sleep 600 & setsid sleep 600 & (setsid sh -c 'sleep 600 & exec sleep 600' &) ; exec sleep 600"


@contextmanager
def family(mark: str, shell: str = FAMILY) -> Iterator[subprocess.Popen[bytes]]:
    """A process with children, escaped ones too, that all carry MARK=``mark``; gone afterwards."""
    env = {**os.environ, "MARK": mark}
    with subprocess.Popen(["sh", "-c", shell], env=env, start_new_session=True) as leader:
        try:
            yield leader
        finally:
            for pid in others.carrying({"MARK": mark}):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def carriers(mark: str) -> set[int]:
    """Return who carries a mark."""
    return set(others.carrying({"MARK": mark}))


def test_found_by_the_environment(tmp_path: Path) -> None:
    """Everybody who was started with all of the variables, wherever they are; we ourselves never."""
    mark = str(tmp_path)
    with family(mark) as leader:
        wait_for(lambda: len(carriers(mark)) == 5)
        assert leader.pid in carriers(mark)
        assert others.carrying({"MARK": mark, "OTHER": "x"}) == {}
    wait_for(lambda: carriers(mark) == set())
    assert os.getpid() not in others.carrying({"PATH": os.environ["PATH"]})
    assert others.carrying({}) == {}


def test_found_by_the_module_they_run(tmp_path: Path) -> None:
    """``python -m MODULE ARGUMENT`` is found by its argument; what only mentions the module is not."""
    package = tmp_path / "sleeper"
    package.mkdir()
    (package / "__main__.py").write_text("import signal; signal.pause()")
    argv = [sys.executable, "-m", "sleeper", f"{tmp_path}/job"]
    with subprocess.Popen(argv, cwd=tmp_path) as child, subprocess.Popen(["sleep", "600"]) as stranger:
        found = wait_for(lambda: others.running("sleeper"))
        assert found == {f"{tmp_path}/job": (child.pid, identity.start_ticks(child.pid))}
        assert others.command_line(child.pid) == argv
        child.kill()
        stranger.kill()
    assert others.running("sleeper") == {}
    assert others.command_line(dead()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_arguments_of_another_user_prove_nothing() -> None:
    """Who pretends to be one of ours by his command line is not found by it."""
    argv = ["sh", "-c", "echo; sleep 600", "-m", "sleeper", "/job"]
    with subprocess.Popen(argv, cwd="/", user=65534, process_group=0, stdout=subprocess.PIPE) as stranger:
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == b"\n"
        assert others.command_line(stranger.pid) == []
        assert "/job" not in others.running("sleeper")
        os.killpg(stranger.pid, signal.SIGKILL)


def test_a_tree_is_the_session_and_all_descendants(tmp_path: Path) -> None:
    """Children, and those of other sessions as long as their parents live."""
    with family(str(tmp_path), "sleep 600 & setsid sh -c 'sleep 600 & exec sleep 600' & exec sleep 600") as leader:
        wait_for(lambda: len(others.tree_of(leader.pid)) == 4)
        assert set(others.tree_of(leader.pid)) == carriers(str(tmp_path))


def test_a_signal_goes_to_exactly_one() -> None:
    """Another start is another process: it gets nothing."""
    with living() as child:
        ticks = identity.start_ticks(child.pid)
        assert ticks is not None
        assert not others.tell(child.pid, ticks + 1, signal.SIGKILL)
        assert child.poll() is None
        assert others.tell(child.pid, ticks, signal.SIGTERM)
        assert child.wait(10) == -signal.SIGTERM
        assert not others.tell(child.pid, ticks, signal.SIGTERM)


def test_asked_although_stopped(tmp_path: Path) -> None:
    """What is paused goes on, to hear that it is to end."""
    with family(str(tmp_path), "exec sleep 600") as child:
        wait_for(lambda: carriers(str(tmp_path)))
        child.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(child.pid))
        others.ask(others.carrying({"MARK": str(tmp_path)}))
        assert child.wait(10) == -signal.SIGTERM


def test_killed_with_everything_that_is_started_meanwhile(tmp_path: Path) -> None:
    """A process that starts others all the time is ended with all of them."""
    mark = str(tmp_path)
    with family(mark, "while :; do setsid sleep 600 & sleep 0.005; done") as leader:
        wait_for(lambda: len(carriers(mark)) > 5)
        killed = others.kill(lambda: others.carrying({"MARK": mark}))
        assert leader.wait(10) == -signal.SIGKILL
        assert leader.pid in killed
        wait_for(lambda: carriers(mark) == set())


def test_ended_gently_then_not(tmp_path: Path) -> None:
    """Who hears ends by itself, who ignores it is killed after the grace; nobody found is no trouble."""
    mark = str(tmp_path)
    shell = f"trap '' TERM; exec {sys.executable} -c 'import signal; signal.pause()'"
    with family(mark, f"({shell}) & exec sleep 600") as leader:
        wait_for(lambda: any("signal" in str(others.command_line(pid)) for pid in carriers(mark)))
        found = others.end(lambda: others.carrying({"MARK": mark}), 0.3)
        assert len(found) == 2
        assert leader.wait(10) == -signal.SIGTERM
        wait_for(lambda: carriers(mark) == set())
    assert others.end(lambda: others.carrying({"MARK": mark}), 5) == {}
