"""Who a process is, by facts that survive a moved clock and a recycled pid."""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.core.machine import Sight
from orchestrator.host import clock, identity
from tests.processes import TOP, dead, ended, environment, is_stopped, living, python
from tests.waiting import wait_for

HEADLESS = """
import ctypes, platform, threading, time
number = {"x86_64": 60, "aarch64": 93, "i686": 1, "armv7l": 1}[platform.machine()]
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).syscall(number, 0)  # exit(2) of the first thread; the other lives on
"""


def test_machine_is_the_same_every_time() -> None:
    """Host, boot and namespace do not change while the machine is up."""
    here = identity.machine()
    assert here == identity.machine()
    assert here.host
    assert here.host_id
    assert here.boot_id is not None
    assert re.fullmatch(r"[0-9a-f-]{36}", here.boot_id)
    assert here.pidns == os.stat("/proc/self/ns/pid").st_ino


def test_machine_is_the_same_in_another_process() -> None:
    """Two processes on one machine agree on where they are."""
    line = ended(python("from orchestrator.host import identity; print(identity.machine())"))
    assert line.strip() == str(identity.machine())


def test_we_are_running_and_began_before_now() -> None:
    """A look at ourselves tells a start on both clocks."""
    sight = identity.look(os.getpid())
    assert sight.seen == "running"
    assert sight.start_ticks == identity.start_ticks(os.getpid())
    assert sight.started_ns is not None
    assert clock.wall_ns() - 3600 * 24 * 10**9 < sight.started_ns <= clock.wall_ns()


def test_the_start_is_the_kernel_s() -> None:
    """The ticks are field 22 of /proc/<pid>/stat, whatever the program calls itself."""
    with subprocess.Popen(["bash", "-c", "exec -a ') Z 1 (' sleep 600"]) as child:
        name = Path(f"/proc/{child.pid}/comm")
        wait_for(lambda: name.read_text("ascii").startswith("sleep"))
        fields = Path(f"/proc/{child.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        assert identity.look(child.pid).start_ticks == int(fields[19])
        child.kill()


def test_a_hostile_program_name_changes_nothing() -> None:
    """A process may call itself anything, line breaks and parentheses included."""
    code = "import sys; open('/proc/self/comm', 'w').write(') Z 0 0\\n('); print('named', flush=True); sys.stdin.read()"
    child = python(code)
    assert child.stdout is not None
    assert child.stdout.readline() == "named\n"
    sight = identity.look(child.pid)
    assert (sight.seen, sight.start_ticks) == ("running", identity.processes()[child.pid][3])
    ended(child)


def test_stopped() -> None:
    """A process that was sent SIGSTOP is stopped, and the same process."""
    with living() as child:
        ticks = identity.start_ticks(child.pid)
        child.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(child.pid))
        assert identity.look(child.pid).seen == "stopped"
        assert identity.start_ticks(child.pid) == ticks


def test_zombie() -> None:
    """What has ended and was not waited for is a zombie with the start it had, and no living process."""
    with living() as child:
        ticks = identity.start_ticks(child.pid)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        sight = identity.look(child.pid, group=True)
        assert (sight.seen, sight.start_ticks, sight.group) == ("zombie", ticks, False)
        assert child.pid not in identity.processes()


def test_a_process_whose_first_thread_has_ended_lives() -> None:
    """The kernel shows it as a zombie, but its other threads work on: it is not dead, and not left out."""
    child = python(HEADLESS)
    try:
        wait_for(lambda: Path(f"/proc/{child.pid}/status").read_text("utf-8").count("State:\tZ"))
        assert identity.look(child.pid).seen == "running"
        assert child.pid in identity.processes()
    finally:
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert identity.look(child.pid).seen == "zombie"
        child.communicate(timeout=10)


@pytest.mark.parametrize("pid", [0, -1, -4, 2**22 + 5, 2**31, 2**62])
def test_what_cannot_be_a_process_is_gone(pid: int) -> None:
    """Numbers that name groups, everybody or nobody are no process."""
    assert identity.look(pid, group=True).seen == "gone"
    assert identity.start_ticks(pid) is None


def test_gone() -> None:
    """A process that was waited for is gone, without a start."""
    assert identity.look(dead(), group=True) == Sight("gone")


def test_the_first_process_is_seen() -> None:
    """Another user's process is looked at like our own."""
    assert identity.look(1).seen in {"running", "stopped"}


def test_a_group_lives_as_long_as_one_member() -> None:
    """The leader's death is not the group's; zombies do not count."""
    with living(group=0) as leader, living(group=leader.pid) as member:
        assert sorted(identity.group_members(leader.pid)) == sorted([leader.pid, member.pid])
        leader.kill()
        os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
        assert identity.look(leader.pid, group=True).group
        assert not identity.look(leader.pid).group
        leader.wait()
        assert identity.look(leader.pid, group=True) == Sight("gone", group=True)
        member.kill()
        os.waitid(os.P_PID, member.pid, os.WEXITED | os.WNOWAIT)
        assert not identity.group_lives(leader.pid)
        assert identity.look(leader.pid, group=True) == Sight("gone")


def test_group_numbers_that_mean_everybody() -> None:
    """Zero is our own group and one is everybody to the kernel's call; here they are only numbers."""
    assert identity.group_lives(0) == bool(identity.group_members(0))
    assert identity.group_lives(1) == bool(identity.group_members(1))
    assert not identity.group_lives(2**40)


def test_processes_tells_parent_group_and_session() -> None:
    """A child stands in the list with its parent, group, session and start."""
    with living(group=0) as child:
        parent, group, session, ticks = identity.processes()[child.pid]
        assert (parent, group, session) == (os.getpid(), child.pid, os.getsid(0))
        assert ticks == identity.start_ticks(child.pid)


def test_a_look_says_when_there_is_no_descriptor_left() -> None:
    """Running out of descriptors is no proof of anything: it is an error, not a death."""
    code = """
import os, resource
from orchestrator.host import identity
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
try:
    print(identity.look(os.getppid()))
except OSError as error:
    print(error.strerror)
"""
    assert ended(python(code)) == "Too many open files\n"


def _unshared(*options: str) -> subprocess.CompletedProcess[str]:
    """Run a look from new namespaces; what it prints is the machine, and looks at itself, a child, the dead."""
    code = """
import os, subprocess
from orchestrator.host import identity
child = subprocess.Popen(["sleep", "600"])
print(identity.machine().pidns, identity.machine().ticks_comparable)
print(os.getpid(), identity.look(os.getpid()).seen, identity.start_ticks(os.getpid()))
print(identity.look(child.pid).seen, identity.look(child.pid).start_ticks, identity.processes() == {})
child.kill(); child.wait()
print(identity.look(child.pid, group=True).seen)
"""
    words = ["unshare", "--fork", *options, sys.executable, "-c", code]
    return subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=30, check=False, cwd=TOP)


def test_a_proc_of_another_namespace_is_not_believed() -> None:
    """In `unshare --pid` /proc may number processes otherwise: only ourselves and the dead are certain then."""
    done = _unshared("--pid")
    if done.returncode:
        pytest.skip(f"no new pid namespace here: {done.stderr.strip()}")
    here, ourselves, child, gone = done.stdout.splitlines()
    assert here.split()[0] not in {str(identity.machine().pidns), "None"}
    assert re.fullmatch(r"1 running \d+", ourselves)
    assert child == "hidden None True"
    assert gone == "gone"


def test_shifted_ticks_are_not_comparable() -> None:
    """In a time namespace the start of a process is another number than outside."""
    done = _unshared("--time", "--boottime", "1000")
    if done.returncode:
        pytest.skip(f"no new time namespace here: {done.stderr.strip()}")
    assert done.stdout.splitlines()[0].split()[1] == "False"


def test_looking_signals_nobody() -> None:
    """However often a process is looked at, it gets no signal."""
    code = """
import signal, sys
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, lambda number, _: print("got", number))
print("ready", flush=True)
sys.stdin.read()
"""
    with ExitStack() as stack:
        child = stack.enter_context(python(code))
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        for _ in range(50):
            identity.look(child.pid, group=True)
            identity.group_lives(child.pid)
        assert ended(child) == ""
