"""Children that may take so long and print so much."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import CommandFailed
from orchestrator.host import bounded
from orchestrator.host.bounded import KEPT, MOST, Bounds
from orchestrator.host.process import Finished
from tests.processes import state
from tests.waiting import wait_for

LONG = Bounds(60.0)


def run(script: str, bounds: Bounds = LONG) -> Finished:
    """Run a shell script."""
    return bounded.run(["sh", "-c", script], cwd="/", env=os.environ, bounds=bounds)


def test_status_and_both_streams() -> None:
    """As they are, where they are short; there is nothing to read."""
    assert run("cat; echo out; echo err >&2; exit 3") == Finished(3, b"out\n", b"err\n")
    assert run("kill -9 $$").status == -9


def test_of_much_output_the_ends_are_kept() -> None:
    """It is let finish."""
    ended = run("echo first; head -c 3000000 /dev/zero; echo; echo last")
    assert (ended.status, len(ended.stdout)) == (0, 2 * KEPT + 7)
    assert ended.stdout.startswith(b"first\n")
    assert ended.stdout.endswith(b"\nlast\n")


def test_endless_output_is_ended() -> None:
    """Long before its time."""
    with pytest.raises(CommandFailed, match=f"sh printed more than {MOST >> 20} MB and was ended"):
        run("exec cat /dev/zero")


def test_a_deadline() -> None:
    """It is told."""
    with pytest.raises(CommandFailed, match=r"sh did not end within 0\.2 s and was ended"):
        run("exec sleep 60", Bounds(0.2))


def test_the_whole_group_is_ended(tmp_path: Path) -> None:
    """Those that do not listen, too; what it had printed comes with the error."""
    script = (
        f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/pid; echo waiting; echo so >&2; touch {tmp_path}/begun; wait"
    )
    with pytest.raises(CommandFailed) as caught:
        run(f"{script}; sleep 60", Bounds(60.0, (tmp_path / "begun").exists))
    assert (caught.value.stdout, caught.value.stderr) == ("waiting\n", "so\n")
    pid = int((tmp_path / "pid").read_text(encoding="ascii"))
    wait_for(lambda: state(pid) in ("", "Z"))


def test_it_may_tidy_up(tmp_path: Path) -> None:
    """It is asked first."""
    script = f"trap 'echo gone > {tmp_path}/said; exit' TERM; touch {tmp_path}/begun; while :; do sleep 0.01; done"
    with pytest.raises(CommandFailed):
        run(script, Bounds(60.0, (tmp_path / "begun").exists))
    assert (tmp_path / "said").read_text() == "gone\n"


def test_nobody_waits_for_it(tmp_path: Path) -> None:
    """Somebody says so while it runs."""
    with pytest.raises(CommandFailed, match="was no longer waited for"):
        run(f"touch {tmp_path}/begun; sleep 60", Bounds(60.0, (tmp_path / "begun").exists))


def test_what_it_leaves_behind_is_not_waited_for() -> None:
    """Although that holds its output."""
    assert run("sleep 5 & echo done") == Finished(0, b"done\n", b"")


def test_what_cannot_be_started() -> None:
    """It is an error with a next step."""
    with pytest.raises(CommandFailed, match="cannot be started"):
        bounded.run(["no-such-program"], cwd="/", env=os.environ, bounds=LONG)
