"""One of each record of a run, and a run that is over."""

import json
import os
from pathlib import Path

from orchestrator.core.phase import Job, Phase
from orchestrator.core.result import Attempt, Result
from orchestrator.core.run import Agent, Options, Outcome, RunRecord, RunTrack
from orchestrator.state import results
from orchestrator.state.layout import RunLayout
from tests.core import runs

JOB = Job("/r", "1783", "agent-1", "t", 1, "me", "/r/w", "b", (Phase("work", ("true",), 9.0),))
RESULT = Result("agent-1", "t", (Attempt(1, 7, "0" * 32, "2026-01-31T12:00:00.000Z"),))
OUTCOME = Outcome("agent-1", "t", "merged", "2026-01-31T12:00:00.000Z", 1, "c" * 40)
TRACK = RunTrack("agent-1", "t", "A title", "b", "/r/w")
RUN = RunRecord(
    run="1783",
    orchestration_id="orch-1",
    source="/r/R.md",
    source_kind="roadmap",
    created_at="2026-01-31T12:00:00.000Z",
    target_branch="main",
    base="c" * 40,
    remote=None,
    agent=Agent("scripted"),
    options=Options(),
    tracks=(TRACK,),
)


def begun(paths: RunLayout, number: int) -> None:
    """Give track ``t<number>`` a job: nothing can have become of it without one."""
    phases = (Phase("work", ("true",), 1.0),)
    run = os.path.basename(paths.folder)
    job = Job("/project", run, f"agent-{number}", f"t{number}", 1, "o", "/project/w", "b", phases)
    results.write_job(paths, job)


def end(paths: RunLayout, tracks: int) -> None:
    """Give a run an outcome of each track, ``t1`` and so on, and its report."""
    for number in range(1, tracks + 1):
        results.write_outcome(paths, runs.outcome(number))
    Path(paths.metrics).write_text(json.dumps({"run": os.path.basename(paths.folder), "total_sub_tasks": tracks}))
