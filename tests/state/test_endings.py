"""Whether a run has ended: its report says so, and no other file of that name."""

import json
import os
from dataclasses import replace
from pathlib import Path

from orchestrator.core.run import Outcome
from orchestrator.state import results
from orchestrator.state.endings import Endings
from orchestrator.state.layout import Layout, RunLayout
from tests.state import records

AT = "2026-01-31T12:00:07.000Z"


def report(paths: RunLayout, count: int) -> None:
    """Put a report in its place, as another file."""
    draft = Path(paths.folder) / "draft"
    draft.write_text(json.dumps({"run": "r", "total_sub_tasks": count}))
    draft.replace(paths.metrics)


def test_a_report_and_what_is_none(tmp_path: Path) -> None:
    """An agent's file ends no run; the report does, once there are all outcomes; what is removed is forgotten."""
    paths, endings = Layout(str(tmp_path)).run("r"), Endings()
    assert not endings.has_ended(paths)
    Path(paths.folder).mkdir(parents=True)
    Path(paths.metrics).write_text("{}")
    assert not endings.has_ended(paths)
    report(paths, 1)
    assert not endings.has_ended(paths)
    results.write_outcome(paths, Outcome("agent-1", "t", "failed", AT, 1))
    report(paths, 1)
    assert endings.has_ended(paths)
    os.unlink(paths.metrics)
    assert not endings.has_ended(paths)


def test_read_once(tmp_path: Path) -> None:
    """Who has seen the report believes it, also where an outcome is missing afterwards."""
    paths, endings = Layout(str(tmp_path)).run("r"), Endings()
    results.write_outcome(paths, Outcome("agent-1", "t", "failed", AT, 1))
    report(paths, 1)
    assert endings.has_ended(paths)
    Path(paths.outcome("agent-1")).unlink()
    assert endings.has_ended(paths)
    assert not results.has_ended(paths)


def test_a_report_about_less_than_was_accepted(tmp_path: Path) -> None:
    """An agent may say that there was nothing to do; what was accepted is on record."""
    paths = Layout(str(tmp_path)).run("r")
    record = replace(records.RUN, run="r")
    assert results.write_run(paths, record)
    report(paths, 0)
    assert not results.has_ended(paths)
    for track in record.tracks:
        results.write_outcome(paths, Outcome(track.agent_id, track.track, "failed", AT, 1))
    report(paths, len(record.tracks))
    assert results.has_ended(paths)
