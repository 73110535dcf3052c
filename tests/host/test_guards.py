"""The flock that keeps two processes, and two threads, out of one operation."""

import os
import threading
from pathlib import Path

import pytest

from orchestrator.errors import GuardBusy, UnsafeFolder
from orchestrator.host import clock, files
from tests.processes import ended, is_stopped, kill, python
from tests.waiting import wait_for

HOLD = """
import sys
from orchestrator.host import files
with files.guard(sys.argv[1], 5, "track t"):
    print("held", flush=True)
    sys.stdin.readline()
print("left", flush=True)
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    """While one process holds the guard another waits its bound and says for whom and for what."""
    path = str(tmp_path / "g")
    child = python(HOLD, path)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    start = clock.steady()
    with pytest.raises(GuardBusy) as caught, files.guard(path, 0.1, "track t"):
        pytest.fail("two are inside")
    assert 0.1 <= clock.steady() - start < 5
    assert caught.value.message == f"process {child.pid} is inside an operation on track t and does not come out"
    ended(child)
    with files.guard(path, 0, "track t"):
        pass


def test_a_stopped_holder_is_named_and_a_killed_one_is_gone(tmp_path: Path) -> None:
    """SIGSTOP keeps the guard; SIGKILL frees it at once."""
    path = str(tmp_path / "g")
    child = python(HOLD, path)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(19)
    wait_for(lambda: is_stopped(child.pid))
    with pytest.raises(GuardBusy, match=f"process {child.pid} is"), files.guard(path, 0, "track t"):
        pytest.fail("two are inside")
    kill(child)
    with files.guard(path, 0, "track t"):
        pass


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    """Two threads of one process are as much two as two processes."""
    path, inside, most = str(tmp_path / "g"), [0], []

    def work() -> None:
        for _ in range(50):
            with files.guard(path, 10, "x"):
                inside[0] += 1
                most.append(inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 200
    assert max(most) == 1


def test_a_forked_child_does_not_prolong_the_hold(tmp_path: Path) -> None:
    """A child that was forked inside the hold has the descriptor too; the hold ends with the block all the same."""
    code = """
import os, sys
from orchestrator.host import files
with files.guard(sys.argv[1], 0, "x"):
    child = os.fork()
    if not child:
        sys.stdin.read()
        os._exit(0)
with files.guard(sys.argv[1], 0, "x"):
    print("again", flush=True)
sys.stdin.close()
os.waitpid(child, 0)
"""
    assert ended(python(code, str(tmp_path / "g"))) == "again\n"


def test_a_guard_that_was_removed_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    """Who waited for a file that is gone by then waits for the one that others see."""
    path = tmp_path / "g"
    child = python(HOLD, str(path))
    assert child.stdout is not None
    child.stdout.readline()
    done = []

    def wait() -> None:
        with files.guard(str(path), 10, "x") as fd:
            done.append(os.fstat(fd).st_ino == path.stat().st_ino)

    thread = threading.Thread(target=wait)
    thread.start()
    path.unlink()
    ended(child)
    thread.join()
    assert done == [True]


@pytest.mark.parametrize("kind", ["folder", "FIFO", "link", "device"])
def test_something_else_in_the_place_of_a_guard_is_refused(tmp_path: Path, kind: str) -> None:
    """Only a plain file is a guard: a link is not followed and a pipe not waited for."""
    path = tmp_path / "g"
    match kind:
        case "folder":
            path.mkdir()
        case "FIFO":
            os.mkfifo(path)
        case "link":
            path.symlink_to("elsewhere")
        case "device":
            path = Path("/dev/null")
    with pytest.raises(UnsafeFolder, match="it is not a file"), files.guard(str(path), 0, "x"):
        pytest.fail("inside")
    assert not (tmp_path / "elsewhere").exists()


def test_two_openings_exclude_each_other(tmp_path: Path) -> None:
    """The self-test sees that flock works here."""
    fd = files.create(str(tmp_path / "a"), b"")
    try:
        assert files.lock_excludes(fd, str(tmp_path / "a"))
    finally:
        os.close(fd)
