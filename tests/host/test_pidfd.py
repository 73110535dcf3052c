"""A hold on exactly one process."""

import os
import select
import signal
import subprocess

from orchestrator.host import identity, pidfd
from tests.processes import dead, ended, living, python


def ticks(pid: int) -> int:
    """Return when a living process started."""
    found = identity.start_ticks(pid)
    assert found is not None
    return found


def test_a_hold_tells_of_the_end() -> None:
    """The descriptor becomes readable when the process ends, and not before."""
    with living() as child:
        fd = pidfd.pin(child.pid, ticks(child.pid))
        assert fd is not None
        try:
            assert select.select([fd], [], [], 0)[0] == []
            child.kill()
            assert select.select([fd], [], [], 10)[0] == [fd]
        finally:
            os.close(fd)


def test_only_that_process_is_held() -> None:
    """One that started at another time, one that is gone, a zombie and what is no process are not held."""
    with living() as child:
        assert pidfd.pin(child.pid, ticks(child.pid) + 1) is None
    assert pidfd.pin(dead(), 1) is None
    assert pidfd.pin(0, 1) is None
    with subprocess.Popen(["true"]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert pidfd.pin(zombie.pid, ticks(zombie.pid)) is None


def test_a_signal_goes_to_the_held_process_only() -> None:
    """It arrives; once the process was waited for, nobody gets it, and that is told."""
    with living() as child:
        fd = pidfd.pin(child.pid, ticks(child.pid))
        assert fd is not None
        assert pidfd.send(fd, signal.SIGTERM)
        assert child.wait(10) == -signal.SIGTERM
        assert not pidfd.send(fd, signal.SIGTERM)
        os.close(fd)


FEW = """
import os, resource, sys
from orchestrator.host import pidfd, identity
ticks = identity.start_ticks(os.getppid())
highest = max(map(int, os.listdir("/proc/self/fd")))
resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, highest + 1))
for _ in range(5):
    try:
        fd = pidfd.pin(os.getppid(), ticks)
        print("held", fd)
    except OSError as error:
        print(error.errno)
"""


def test_a_hold_that_fails_half_way_keeps_no_descriptor() -> None:
    """With one descriptor left the hold itself fits, but not the look at the process: both are given back."""
    assert ended(python(FEW)).split() == ["24"] * 5
