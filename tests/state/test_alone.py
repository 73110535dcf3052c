"""One of a kind at a time."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import Held, UnsafeFolder
from orchestrator.state.alone import alone
from tests.processes import kill, python
from tests.waiting import wait_for

HOLD = """\
import sys
from orchestrator.state.alone import alone
with alone(sys.argv[1], "it"):
    print(1, flush=True)
    input()
"""


def test_a_second_one_is_told_who_is_there(tmp_path: Path) -> None:
    """The one in the way is named; a killed one is not in the way; one after the other is fine."""
    path = str(tmp_path / "locks" / "a.lock")
    child = python(HOLD, path)
    assert child.stdout is not None
    assert child.stdout.readline() == "1\n"
    with pytest.raises(Held, match=f"process {child.pid} is at it already") as found, alone(path, "it"):
        pass
    assert found.value.holder == {"pid": child.pid}
    kill(child)
    for _ in range(2):
        with alone(path, "it"):
            assert Path(path).read_bytes() == b"%d\n" % os.getpid()
    with alone(path, "it"), alone(f"{path}.other", "that"):
        pass


def test_a_holder_that_has_not_said_who_it_is(tmp_path: Path) -> None:
    """Between lock and word the holder has no number, and is in the way all the same."""
    path = tmp_path / "a.lock"
    child = python(HOLD, str(path))
    assert child.stdout is not None
    child.stdout.readline()
    path.write_bytes(b"")
    with pytest.raises(Held, match="another process is at it already"), alone(str(path), "it"):
        pass
    kill(child)
    wait_for(lambda: child.poll() is not None)


def test_what_is_in_the_way_of_the_lock(tmp_path: Path) -> None:
    """A link is not followed."""
    (tmp_path / "a.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFolder), alone(str(tmp_path / "a.lock"), "it"):
        pass
    assert not (tmp_path / "elsewhere").exists()
