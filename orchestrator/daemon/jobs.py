"""From a track of a run to the job of its worker: what the agent does, what validators say, what orchd commits."""

import json
from collections.abc import Mapping
from typing import Final

from orchestrator.agents.prompt import Role
from orchestrator.core.actions import StartWorker
from orchestrator.core.phase import Job, Phase
from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.daemon import former, judging, python_path, sharing
from orchestrator.daemon.assignment import Assignment
from orchestrator.git import message
from orchestrator.state.layout import Layout
from orchestrator.state.status import prepare

COMMIT_SECONDS: Final = 600.0
"""How long the commit phase may take, the user's hooks included."""

_MOST_LINES: Final = 40


def job(layout: Layout, record: RunRecord, track: RunTrack, action: StartWorker, base: str) -> Job:
    """Return the job of one attempt; writes the prompts and specifications that it names.

    ``base`` is the commit that the work is compared with. Raises ``AgentUnavailable``.
    """
    paths = layout.run(record.run)
    prepare(paths)
    assignment = Assignment(layout, record, track, action, base, former.read(layout, paths, track, action.attempt))
    return Job(
        root=layout.root,
        run=record.run,
        agent_id=track.agent_id,
        track=track.track,
        attempt=action.attempt,
        owner=f"{record.agent.kind}:{track.agent_id}",
        working_dir=track.worktree,
        branch_name=track.branch,
        phases=(*_setup(assignment), *_work(assignment), *_commit(assignment), *judging.phases(assignment, "commit")),
        env={"MASTER_ISSUE": record.run, "SUB_ISSUE": track.track, "ORCHD_PROFILE": track.profile},
        grace_seconds=record.options.grace_seconds,
        heartbeat_seconds=record.options.heartbeat_seconds,
        stale_seconds=record.options.stale_seconds,
        cause=action.cause,
        toolset=action.toolset,
    )


def _setup(assignment: Assignment) -> list[Phase]:
    """Return what makes a new worktree ready; nothing where an attempt before has come through it."""
    git = assignment.record.options.git
    if git.isolation != "worktree":
        return []
    phases = [
        Phase(f"setup-{number}", argv, git.setup_timeout_seconds, kind="setup")
        for number, argv in enumerate(git.setup, 1)
    ]
    return phases if phases and not assignment.former.has_passed(phases[-1].name) else []


def _work(assignment: Assignment) -> list[Phase]:
    """Return what comes before the commit. A clean-up stands for work and review, and is judged by all who judge these.

    So does an attempt that is to resolve the conflict which kept the one before from being merged.

    Every other attempt begins with the work again, in the same worktree: what is done there is seen and not done twice.
    """
    resolves = assignment.former.conflict
    role: Role | None = "cleanup" if assignment.action.cause == "cleanup" else "resolve" if resolves else None
    if role is not None:
        asked = assignment.ask(role, role, assignment.agent, assignment.seconds)
        return [asked, *judging.phases(assignment, "work"), *judging.phases(assignment, "review")]
    return [
        assignment.ask("work", "work", assignment.agent, assignment.seconds),
        *judging.phases(assignment, "work"),
        assignment.ask("review", "review", assignment.agent, assignment.seconds),
        *judging.phases(assignment, "review"),
    ]


def _commit(assignment: Assignment) -> list[Phase]:
    """The commit phase runs in the worker, under its claim, so that it happens with or without a daemon.

    In the user's checkout it is another one, and where there is no repository, there is none.
    """
    track, git = assignment.track, assignment.record.options.git
    if git.isolation == "none":
        return []
    where = f" - Group {track.group}, Track {track.number}" if track.group and track.number else ""
    what = [visible(line.strip().lstrip("-*+ "), 300) for line in track.body.splitlines() if line.strip()]
    spec = {
        "v": 1,
        "branch": track.branch,
        "base": assignment.base,
        "subject": f"Implement {visible(track.title, 120)}{where}",
        "what": what[:_MOST_LINES],
        "trailers": message.beside({"Orchd-Track": track.track, "Orchd-Run": assignment.record.run}, git.trailers),
        "author": git.author,
        "sign": git.sign,
        "hooks": git.hooks,
        "env": python_path.theirs(),
        **_shared(assignment),
    }
    path = assignment.put("commit.json", json.dumps(spec, indent=1).encode("ascii") + b"\n")
    module = "orchestrator.git.commit_shared" if git.isolation == "shared" else "orchestrator.git.commit"
    argv = python_path.command(module, path)
    return [Phase("commit", argv, COMMIT_SECONDS, env=python_path.from_here(), kind="commit")]


def _shared(assignment: Assignment) -> Mapping[str, object]:
    """Return what the commit phase has to know in the user's checkout: its branch, and whose files are whose."""
    record = assignment.record
    if record.options.git.isolation != "shared":
        return {}
    mine = sharing.own_of(assignment.layout, record, assignment.track)
    return {"target": record.target_branch, "paths": mine.paths, "left_out": mine.left_out}
