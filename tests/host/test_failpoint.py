"""Named places where a test makes a crash happen."""

import re
import signal
from pathlib import Path

import pytest

from orchestrator.host import failpoint
from tests.processes import TOP, ended, is_stopped, kill, python
from tests.waiting import wait_for

REACHED = re.compile(r"\breach\(\"([^\"]+)\"\)")
CODE = """
import errno, sys
from orchestrator.errors import BadSettings
from orchestrator.host.failpoint import reach
try:
    reach("claim.guarded")
    reach("claim.linked")
    print("through")
except OSError as error:
    print(errno.errorcode[error.errno], error.strerror)
except BadSettings as error:
    print(error.message, "|", error.hint)
"""


def test_without_the_setting_nothing_happens() -> None:
    """The points are passed, and cost nothing: the function that is called is empty."""
    assert ended(python(CODE)) == "through\n"
    failpoint.reach("claim.linked")


@pytest.mark.parametrize("setting", [",", " , ", "claim.fenced:error", "claim.fenced:kill,remove.kept:stop"])
def test_only_the_named_point_acts(setting: str) -> None:
    """Other points are passed."""
    assert ended(python(CODE, failpoint=setting)) == "through\n"


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("claim.linked:error", "EIO Input/output error (failpoint claim.linked)\n"),
        (" claim.linked : error=ENOSPC ", "ENOSPC No space left on device (failpoint claim.linked)\n"),
        ("claim.fenced:kill,claim.linked:error=EROFS", "EROFS Read-only file system (failpoint claim.linked)\n"),
    ],
)
def test_error_raises_what_the_machine_would(setting: str, line: str) -> None:
    """An error is an OSError with the number that was asked for."""
    assert ended(python(CODE, failpoint=setting)) == line


def test_kill_ends_the_process_at_once() -> None:
    """Nothing of the process runs after the point."""
    child = python(CODE, failpoint="claim.linked:kill")
    stdout, _ = child.communicate(timeout=30)
    assert (child.returncode, stdout) == (-signal.SIGKILL, "")


def test_stop_pauses_the_process_until_it_is_continued() -> None:
    """A stopped process goes on from where it was."""
    child = python(CODE, failpoint="claim.linked:stop")
    try:
        wait_for(lambda: is_stopped(child.pid))
        child.send_signal(signal.SIGCONT)
        assert ended(child) == "through\n"
    finally:
        kill(child)


@pytest.mark.parametrize(
    "setting",
    ["claim.linkd:kill", "claim.linked", "claim.linked:", "claim.linked:explode", "claim.linked:error=EVERYTHING",
     "claim.linked:kill=ENOSPC", ":kill", "claim.linked:error,\x1b[2J:kill"],
)  # fmt: skip
def test_a_setting_that_names_nothing_is_refused(setting: str) -> None:
    """A typing error does not make a test that tests nothing: the first point says so in one line."""
    line = ended(python(CODE, failpoint=setting))
    assert "which is no failpoint | write ORCHD_FAILPOINT=name:kill" in line
    assert line.rstrip("\n").isprintable()


def test_every_point_in_the_code_is_listed() -> None:
    """A name that is reached and not listed could never be armed."""
    reached = {
        name for path in Path(TOP, "orchestrator").rglob("*.py") for name in REACHED.findall(path.read_text("utf-8"))
    }
    assert reached
    assert reached - failpoint.POINTS == set()
