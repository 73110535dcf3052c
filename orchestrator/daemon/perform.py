"""Carrying out what was decided about runs. Every action may be done again after a crash at any point.

These functions block (git, disks) and are run outside the loop's thread; they touch nothing of the
loop and hand back what happened.
"""

import os
import sys
from typing import Final

from orchestrator.claims import FileClaims
from orchestrator.core.actions import EndTrack, Integrate, StartWorker
from orchestrator.core.run import Outcome, RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.daemon import jobs, marks
from orchestrator.errors import GitRefused
from orchestrator.git import backup, integrate, repository, worktree
from orchestrator.git.integrate import AlreadyIn, Conflict, Integration, Merged
from orchestrator.git.repository import Repository
from orchestrator.host import children, clock
from orchestrator.host.failpoint import reach
from orchestrator.state import results
from orchestrator.state.layout import Layout

BACKUPS: Final = "refs/orchd/backup"


def start_worker(layout: Layout, record: RunRecord, action: StartWorker) -> children.Detached:
    """Make the worktree and the job, and start a worker on it.

    Raises an :class:`orchestrator.errors.OrchdError` where that cannot be; nothing was started then.
    """
    paths = layout.run(record.run)
    track = record.find(action.agent_id)
    repo = repository.survey(layout.root, record.target_branch)
    base = integrate.tip(repo, record.run, record.target_branch)
    worktree.add(repo, track.worktree, track.branch, base)
    reach("run.worktree_made")
    results.write_job(paths, jobs.job(layout, record, track, action.attempt, base))
    reach("run.job_written")
    child = children.detach(
        [sys.executable, "-P", "-m", "orchestrator.worker", paths.job(track.agent_id)],
        cwd=layout.root,
        env=dict(os.environ),
        output=f"{paths.private}/{track.agent_id}.worker.log",
    )
    reach("run.worker_spawned")
    return child


def merge_track(layout: Layout, record: RunRecord, action: Integrate) -> Outcome:
    """Merge the track's branch, mark it done in its source, record the outcome, and tidy up.

    A worker whose claim was followed by a later one may not integrate.
    """
    track = record.find(action.agent_id)
    latest = FileClaims(layout.root).last_fence(track.track)
    if latest > action.fence:
        error = f"FILE_CONFLICT: superseded: fence {latest} was given after {action.fence}"
        return end_track(layout, record, EndTrack(record.run, track.agent_id, "failed", error, action.attempt))
    repo = repository.survey(layout.root, record.target_branch)
    mark = marks.for_commit(repo, record, track)
    answer = integrate.integrate(
        repo,
        Integration(
            run=record.run,
            track=track.track,
            title=track.title,
            branch=track.branch,
            target=record.target_branch,
            path=mark.path if mark else None,
            edit=mark.edit if mark else None,
        ),
    )
    if isinstance(answer, Conflict):
        outcome = _conflict(repo, record, track, action, answer)
    else:
        outcome = _merged(repo, record, track, action, answer)
    results.write_outcome(layout.run(record.run), outcome)
    reach("run.outcome_written")
    if outcome.ended == "merged":
        worktree.forget(repo, track.worktree, track.branch)
    return outcome


def _conflict(repo: Repository, record: RunRecord, track: RunTrack, action: Integrate, answer: Conflict) -> Outcome:
    kept = _keep(repo, record, track, action.attempt)
    others = f" with {', '.join(visible(each) for each in answer.with_branches)}" if answer.with_branches else ""
    error = f"FILE_CONFLICT: {', '.join(visible(each) for each in answer.files[:5])}{others}"
    return Outcome(
        track.agent_id,
        track.track,
        "conflict",
        clock.iso(),
        action.attempt,
        files=tuple(answer.files),
        error=error,
        kept=kept,
    )


def _merged(
    repo: Repository, record: RunRecord, track: RunTrack, action: Integrate, answer: Merged | AlreadyIn
) -> Outcome:
    note = marks.on_disk(repo, record, track)
    added, removed = integrate.line_counts(repo, answer.commit) if isinstance(answer, Merged) else (0, 0)
    notes = [each for each in (note, answer.note) if each]
    return Outcome(
        track.agent_id,
        track.track,
        "merged",
        clock.iso(),
        action.attempt,
        commit=answer.commit,
        note="; ".join(notes),
        lines_added=added,
        lines_removed=removed,
    )


def end_track(layout: Layout, record: RunRecord, action: EndTrack) -> Outcome:
    """Record that a track ended unmerged; what stands in its worktree is kept under a backup ref first."""
    track = record.find(action.agent_id)
    kept = ""
    if action.attempt:
        kept = _keep(repository.survey(layout.root, record.target_branch), record, track, action.attempt)
    outcome = Outcome(
        track.agent_id,
        track.track,
        action.ended,
        clock.iso(),
        action.attempt,
        error=visible(action.error, 500),
        kept=kept,
    )
    results.write_outcome(layout.run(record.run), outcome)
    reach("run.outcome_written")
    return outcome


def _keep(repo: Repository, record: RunRecord, track: RunTrack, attempt: int) -> str:
    """Record what is dirty or untracked, and say where everything of the track stands."""
    if not os.path.isdir(track.worktree):
        return ""
    where = f"worktree {os.path.relpath(track.worktree, repo.top)}, branch {track.branch}"
    ref = f"{BACKUPS}/{record.run}/{track.track}/{attempt}"
    try:
        commit = backup.keep(track.worktree, ref)
    except GitRefused as error:
        return f"{where} (not backed up: {error.message})"
    return f"{where}; uncommitted work as {ref}: git show --stat {commit[:10]}" if commit else where
