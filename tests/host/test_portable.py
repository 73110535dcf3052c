"""The look at a process without /proc agrees with the one through it."""

import os
import signal

import pytest

from orchestrator.host import identity, portable
from tests.processes import dead, is_stopped, living
from tests.waiting import wait_for


def test_a_running_process() -> None:
    """Running, and started when /proc says."""
    with living() as child:
        here, there = identity.look(child.pid), portable.look(child.pid)
        assert there.seen == here.seen == "running"
        assert here.started_ns is not None
        assert there.started_ns is not None
        assert abs(here.started_ns - there.started_ns) < 2_000_000_000


def test_a_start_that_follows_the_clock_is_not_told() -> None:
    """Here psutil tells the start by the wall clock of the moment: no proof, so it is left out."""
    with living() as child:
        assert portable.look(child.pid).start_ticks is None


def test_a_stopped_process() -> None:
    """Stopped is told apart from running."""
    with living() as child:
        child.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(child.pid))
        assert portable.look(child.pid).seen == identity.look(child.pid).seen == "stopped"


def test_a_zombie() -> None:
    """What has ended and was not waited for is a zombie."""
    with living() as child:
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert portable.look(child.pid).seen == identity.look(child.pid).seen == "zombie"


@pytest.mark.parametrize("pid", [0, -1, -5, 2**31, 2**40])
def test_no_such_process(pid: int) -> None:
    """What cannot be a process is gone; nothing is signalled to find out."""
    assert portable.look(pid) == identity.look(pid)
    assert portable.look(pid).seen == "gone"


def test_a_process_that_is_gone() -> None:
    """A pid that nobody has is gone."""
    pid = dead()
    assert portable.look(pid, group=True) == identity.look(pid, group=True)


def test_a_dead_leader_with_a_living_group() -> None:
    """The group of a dead leader lives as long as one member does; zombies do not count."""
    with living(group=0) as leader, living(group=leader.pid) as member:
        leader.kill()
        leader.wait()
        assert portable.look(leader.pid, group=True).group
        assert identity.look(leader.pid, group=True).group
        member.kill()
        os.waitid(os.P_PID, member.pid, os.WEXITED | os.WNOWAIT)
        assert not portable.look(leader.pid, group=True).group
        assert not identity.look(leader.pid, group=True).group
