"""Processes that outlive their starter."""

import os
import signal
from pathlib import Path

import pytest

from orchestrator.errors import AgentUnavailable
from orchestrator.host.children import Detached, detach
from tests.processes import ended, living, python, state
from tests.waiting import wait_for

STARTS = """
import sys
from orchestrator.host.children import detach
child = detach(["sh", "-c", "echo $$; exec sleep 60"], cwd="/", env={"PATH": "/bin:/usr/bin"}, output=sys.argv[1])
print(child.pid)
"""


def test_it_lives_on(tmp_path: Path) -> None:
    """The process goes on in a session of its own after its starter, which leaves without a complaint."""
    output = tmp_path / "out"
    pid = int(ended(python(STARTS, str(output))))
    try:
        assert wait_for(lambda: output.read_text(encoding="ascii")) == f"{pid}\n"
        assert os.getsid(pid) == pid
        assert output.stat().st_mode & 0o777 == 0o600
    finally:
        os.kill(pid, signal.SIGKILL)


def test_nothing_of_ours_goes_along(tmp_path: Path) -> None:
    """The child has the folder and environment it was given, nothing to read, and no descriptor of ours."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)  # noqa: FBT003  # it takes no name
    output = tmp_path / "out"
    script = "pwd; cat; env; ls /proc/self/fd"
    child = detach(
        ["sh", "-c", script], cwd=str(tmp_path), env={"PATH": os.environ["PATH"], "A": "b"}, output=str(output)
    )
    assert wait_for(lambda: child.poll() is not None)
    os.close(reader)
    os.close(writer)
    lines = output.read_text(encoding="ascii").splitlines()
    assert lines[0] == str(tmp_path)
    assert "A=b" in lines
    assert set(lines[lines.index("0") :]) == {"0", "1", "2", "3"}  # 3 is the folder that ls reads


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9)])
def test_how_it_ended(script: str, status: int) -> None:
    """``poll`` tells None, then the exit status or the signal, again and again."""
    child = detach(["sh", "-c", f"read x < /dev/null; sleep 0.1; {script}"], cwd="/", env=os.environ, output=None)
    assert child.poll() is None
    assert wait_for(lambda: child.poll() is not None)
    assert (child.poll(), child.poll()) == (status, status)


def test_somebody_elses_child() -> None:
    """A process that we cannot wait for has ended with a status nobody knows."""
    with living() as child:
        grandchild = Detached(os.getppid())
        assert grandchild.poll() == 255
        assert state(child.pid) != "Z"


def test_output_is_appended(tmp_path: Path) -> None:
    """What was there before stays."""
    output = tmp_path / "out"
    output.write_text("before\n", encoding="ascii")
    child = detach(["echo", "after"], cwd="/", env=os.environ, output=str(output))
    assert wait_for(lambda: child.poll() is not None) is not None
    assert output.read_text(encoding="ascii") == "before\nafter\n"


@pytest.mark.parametrize("argv", [["no-such-program"], ["/dev/null"]])
def test_what_cannot_be_started(argv: list[str]) -> None:
    """It is an error in one line."""
    with pytest.raises(AgentUnavailable, match="cannot be started: "):
        detach(argv, cwd="/", env=os.environ, output=None)


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """An output that is a link is refused, and what it points to stays as it is."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "out").symlink_to(victim)
    with pytest.raises(AgentUnavailable):
        detach(["echo", "x"], cwd="/", env=os.environ, output=str(tmp_path / "out"))
    assert victim.read_bytes() == b"mine"
