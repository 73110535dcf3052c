"""From a track of a run to the job of its worker: work and review by the agent, commit by orchd."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Final

from orchestrator.agents import kinds
from orchestrator.agents.kinds import Task
from orchestrator.agents.prompt import prompt
from orchestrator.core.actions import StartWorker
from orchestrator.core.phase import Job, Phase
from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.host import files
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import prepare, temp

COMMIT_SECONDS: Final = 600.0
"""How long the commit phase may take, the user's hooks included."""

_MOST_LINES: Final = 40

_WHERE_PYTHON_LOOKS: Final = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX")


def job(layout: Layout, record: RunRecord, track: RunTrack, action: StartWorker, base: str) -> Job:
    """Return the job of one attempt; writes the prompts and the commit's specification beside it.

    ``base`` is the commit that the worktree stands on. Raises ``AgentUnavailable``.
    """
    paths = layout.run(record.run)
    prepare(paths)
    return Job(
        root=layout.root,
        run=record.run,
        agent_id=track.agent_id,
        track=track.track,
        attempt=action.attempt,
        owner=f"{record.agent.kind}:{track.agent_id}",
        working_dir=track.worktree,
        branch_name=track.branch,
        phases=(
            _agent(paths, record, track, "work"),
            _agent(paths, record, track, "review"),
            _commit(paths, record, track, base),
        ),
        env={"MASTER_ISSUE": record.run, "SUB_ISSUE": track.track},
        grace_seconds=record.options.grace_seconds,
        heartbeat_seconds=record.options.heartbeat_seconds,
        stale_seconds=record.options.stale_seconds,
        cause=action.cause,
        toolset=action.toolset,
    )


def _agent(paths: RunLayout, record: RunRecord, track: RunTrack, name: str) -> Phase:
    text = prompt(record, track, name)
    path = paths.prompt(track.agent_id, name)
    files.publish(path, text.encode("utf-8", "backslashreplace"), temp(paths))
    return kinds.phase(record.agent, Task(track, name, text, path), record.options.timeout_seconds)


def _commit(paths: RunLayout, record: RunRecord, track: RunTrack, base: str) -> Phase:
    """The commit phase runs in the worker, under its claim, so that it happens with or without a daemon."""
    where = f" - Group {track.group}, Track {track.number}" if track.group and track.number else ""
    what = [visible(line.strip().lstrip("-*+ "), 300) for line in track.body.splitlines() if line.strip()]
    theirs = {name: os.environ[name] for name in _WHERE_PYTHON_LOOKS if os.environ.get(name)}
    spec = {
        "v": 1,
        "branch": track.branch,
        "base": base,
        "subject": f"Implement {visible(track.title, 120)}{where}",
        "what": what[:_MOST_LINES],
        "trailers": {"Orchd-Track": track.track, "Orchd-Run": record.run},
        "env": theirs,
    }
    path = f"{paths.private}/{track.agent_id}.commit.json"
    files.publish(path, json.dumps(spec, indent=1).encode("ascii") + b"\n", temp(paths))
    argv = (sys.executable, "-P", "-m", "orchestrator.git.commit", path)
    return Phase("commit", argv, COMMIT_SECONDS, env=_from_here(theirs))


def _from_here(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return where Python looks as seen from here: in the worktree, ``.`` would be the agent's own code."""
    return {
        name: os.pathsep.join(os.path.abspath(each) for each in value.split(os.pathsep))
        for name, value in given.items()
    }
