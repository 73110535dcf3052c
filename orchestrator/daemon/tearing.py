"""Tearing a worktree down: the commands that are run in it before it goes, as set-up commands are when it is new.

What they do to files is kept like anybody's work. One that fails or does not end is told, and keeps nothing.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from orchestrator.core.run import GitOptions, RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.daemon import tracklog, watched
from orchestrator.errors import AgentUnavailable
from orchestrator.host import files, logfile
from orchestrator.state.layout import Layout
from orchestrator.state.status import prepare
from orchestrator.worker import environment

_PHASE: Final = "teardown:{agent}"  # no phase of an attempt can be called that
_LONGEST: Final = 120


def down(layout: Layout, record: RunRecord, track: RunTrack) -> str:
    """Run the commands in the track's worktree, all of them, if it is there; return what went wrong, or nothing.

    After a crash they may be run once more. Their output goes to the track's log.
    """
    options = record.options.git
    if not options.teardown or not os.path.isdir(track.worktree):
        return ""
    prepare(layout.run(record.run))
    return "; ".join(_failures(layout, record, track, options))


def _failures(layout: Layout, record: RunRecord, track: RunTrack, options: GitOptions) -> Iterator[str]:
    log = f"{layout.run(record.run).private}/{track.agent_id}.teardown.log"
    for argv in options.teardown:
        what = visible(shlex.join(argv), _LONGEST)
        marks = watched.marks(layout.root, record.run, _PHASE.format(agent=track.agent_id))
        env = {**environment.of_nobody(os.environ), **_names(record, track)}
        grace = record.options.grace_seconds
        command = watched.Command(argv, track.worktree, env, marks, log, options.teardown_timeout_seconds, grace)
        error = _error(command)
        tracklog.say(layout, track.track, f"tear-down `{what}`: {error or 'passed'}", logfile.end_of(log))
        if error:
            yield f"tear-down `{what}` {error}"
    files.remove(log)


def _names(record: RunRecord, track: RunTrack) -> Mapping[str, str]:
    return {
        "MASTER_ISSUE": record.run,
        "SUB_ISSUE": track.track,
        "ORCHD_TRACK": track.track,
        "BRANCH_NAME": track.branch,
        "WORKING_DIR": track.worktree,
    }


def _error(command: watched.Command) -> str:
    try:
        _, code, error = watched.carry_out(command, lambda: False)
    except AgentUnavailable as refused:
        return f"could not be started: {refused.message}"
    if code is None:
        return f"was ended: {error.partition(': ')[2]}"
    return watched.how(code) if code else ""
