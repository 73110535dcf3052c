"""Records on the way to the disk: killed or refused at any step, the file is the old one, the new one, or not there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.state import results
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import sweep, temp
from tests.state.records import JOB, OUTCOME, RUN
from tests.state.writer import PACKAGE

SCRIPT = """
import sys
from dataclasses import replace
from orchestrator.errors import OrchdError
from orchestrator.state import results
from orchestrator.state.layout import RunLayout
from tests.state.records import JOB, OUTCOME, RUN

paths = RunLayout(sys.argv[1])
record = {"run": RUN, "outcome": OUTCOME, "job": replace(JOB, attempt=2)}
try:
    getattr(results, f"write_{sys.argv[2]}")(paths, record[sys.argv[2]])
except OrchdError as error:
    print(error.message)
    sys.exit(9)
"""
POINTS = ("publish.written", "publish.synced", "publish.renamed")


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """A run with an earlier job of the agent."""
    run = Layout(str(tmp_path)).run("1783")
    results.write_job(run, JOB)
    return run


def _write(paths: RunLayout, what: str, failpoint: str) -> subprocess.CompletedProcess[bytes]:
    """Write one record in a process that meets a failpoint on the way."""
    env = {name: os.environ[name] for name in os.environ if not name.startswith("ORCHD_")}
    env |= {"PYTHONPATH": str(PACKAGE), "ORCHD_FAILPOINT": failpoint}
    words = [sys.executable, "-c", SCRIPT, paths.folder, what]
    return subprocess.run(words, env=env, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("action", ["kill", "error"])
def test_what_is_written_once_is_there_or_not(paths: RunLayout, point: str, action: str) -> None:
    """A run or an outcome is whole or missing; the writer that comes next completes what is missing."""
    for what, path in (("run", paths.record), ("outcome", paths.outcome("agent-1"))):
        ended = _write(paths, what, f"{point}:{action}")
        assert ended.returncode == (-signal.SIGKILL if action == "kill" else 9)
        assert os.path.exists(path) == (point == "publish.renamed")
    assert results.write_run(paths, RUN) == results.write_outcome(paths, OUTCOME) == (point != "publish.renamed")
    assert (results.read_run(paths), results.read_outcome(paths.outcome("agent-1"))) == (RUN, OUTCOME)
    sweep(paths)
    assert os.listdir(temp(paths)) == []


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("action", ["kill", "error=ENOSPC"])
def test_what_is_replaced_is_old_or_new(paths: RunLayout, point: str, action: str) -> None:
    """A job is that of the attempt before or that of the next one."""
    _write(paths, "job", f"{point}:{action}")
    job = results.read_job(paths.job("agent-1"))
    assert job is not None
    assert job.attempt == (2 if point == "publish.renamed" else 1)
    sweep(paths)
    assert os.listdir(temp(paths)) == []
