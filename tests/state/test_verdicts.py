"""What those said who judged the whole run."""

from pathlib import Path

import pytest

from orchestrator.errors import Unreadable
from orchestrator.state import verdicts
from orchestrator.state.layout import Layout
from orchestrator.state.verdicts import Verdicts
from tests.core import runs

GOOD = runs.phase("good", kind="validator", verdict="ACCEPT", report="fine")
BAD = runs.phase("bad", 1, kind="validator", verdict="REVISE", error="VALIDATION_ERROR: bad: no")


def test_it_survives_being_written(tmp_path: Path) -> None:
    """What is read is what was written last; before, nobody judged."""
    paths = Layout(str(tmp_path)).run("r")
    assert verdicts.read(paths) is None
    for said in (Verdicts("c" * 40, (GOOD,)), Verdicts("d" * 40, (GOOD, BAD))):
        verdicts.write(paths, said)
        assert verdicts.read(paths) == said


def test_what_lets_a_run_pass() -> None:
    """ACCEPT by all; one that could not judge does not count as such."""
    silent = runs.phase("silent", kind="validator")
    assert Verdicts("c", ()).refusal is None
    assert Verdicts("c", (GOOD, GOOD)).refusal is None
    assert Verdicts("c", (GOOD, BAD, silent)).refusal == BAD
    assert Verdicts("c", (silent,)).refusal == silent


def test_what_is_no_such_file(tmp_path: Path) -> None:
    """It is refused with its reason."""
    paths = Layout(str(tmp_path)).run("r")
    verdicts.write(paths, Verdicts("c", ()))
    Path(f"{paths.private}/validators.json").write_text('{"v": 2}')
    with pytest.raises(Unreadable, match="version 1"):
        verdicts.read(paths)
