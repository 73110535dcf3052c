"""Giving a track back: its work passed and was not merged, and its agent is told why."""

from dataclasses import replace
from typing import Final

from orchestrator.core.refusal import Refusal
from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.git import refs
from orchestrator.git.command import Git
from orchestrator.git.integrate import Conflict, Red
from orchestrator.host import clock
from orchestrator.host.failpoint import reach
from orchestrator.state import refusals
from orchestrator.state.layout import Layout

SHOWN: Final = 5
"""So many files of a conflict are named in its error; the outcome has all of them."""


def conflict_error(answer: Conflict) -> str:
    """Return a conflict in one line, as the error of an attempt or an outcome."""
    files = ", ".join(visible(each) for each in answer.files[:SHOWN])
    sides = f" with {', '.join(visible(each) for each in answer.with_branches)}" if answer.with_branches else ""
    return f"FILE_CONFLICT: {files}{sides}"


def of_check(layout: Layout, record: RunRecord, track: RunTrack, attempt: int, red: Red) -> Refusal:
    """Record that the check does not pass on the merge of an attempt."""
    return _said(layout, record, track, Refusal(attempt, "check", red.error, clock.iso(), output=red.output))


def of_conflict(layout: Layout, record: RunRecord, track: RunTrack, attempt: int, answer: Conflict) -> Refusal | None:
    """Give a conflict to the agent where that is asked for, once a track; None: it is to be reported."""
    before = refusals.known(layout.run(record.run), track.agent_id, track.track)
    if not record.options.git.resolve or before.conflict() is not None:
        return None
    theirs = {each.branch: each for each in record.tracks}
    lines = [f"in conflict: {visible(each)}" for each in answer.files]
    for branch in answer.with_branches:
        other = theirs.get(branch)
        lines.append(
            f"merged before: {visible(branch)}" + (f" ({other.track}: {visible(other.title)})" if other else "")
        )
    error = conflict_error(answer)
    said = Refusal(attempt, "conflict", error, clock.iso(), output=tuple(lines), files=answer.files)
    return _said(layout, record, track, said)


def _said(layout: Layout, record: RunRecord, track: RunTrack, said: Refusal) -> Refusal:
    paths = layout.run(record.run)
    whole = replace(said, tip=refs.resolve(Git(layout.root), refs.head(track.branch)) or "")
    refusals.add(paths, refusals.known(paths, track.agent_id, track.track), whole)
    reach("run.refusal_written")
    return whole
