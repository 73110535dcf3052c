"""Carrying out what was decided about runs. Every action may be done again after a crash at any point.

These functions block (git, disks) and are run outside the loop's thread; they touch nothing of the
loop and hand back what happened.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.claims import FileClaims
from orchestrator.core import isolation
from orchestrator.core.actions import EndTrack, Integrate, StartWorker
from orchestrator.core.listing import some
from orchestrator.core.refusal import Refusal
from orchestrator.core.run import Outcome, RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.daemon import (
    checking,
    destination,
    jobs,
    marks,
    outcomes,
    refusing,
    sharing,
    tearing,
    tracklog,
    whereabouts,
    without_git,
)
from orchestrator.daemon.launch import Launch
from orchestrator.daemon.workers import Started, place
from orchestrator.errors import CommandFailed, OrchdError
from orchestrator.git import (
    adopt,
    backup,
    branches,
    ignored,
    include,
    integrate,
    merge,
    refs,
    repository,
    submodules,
    worktree,
)
from orchestrator.git.backup import State
from orchestrator.git.command import Git
from orchestrator.git.integrate import AlreadyIn, Conflict, Integration, Merged, Nothing, Red
from orchestrator.git.repository import Repository
from orchestrator.host import clock, others
from orchestrator.host.failpoint import reach
from orchestrator.state import refusals, results
from orchestrator.state.layout import Layout, own_folders

SHOWN: Final = 5
"""So many files are named in a line; what is not shown is on disk."""


def start_worker(layout: Layout, record: RunRecord, action: StartWorker, launch: Launch) -> Started:
    """Make the worktree and the job, and start a worker on it.

    Raises an :class:`orchestrator.errors.OrchdError` where that cannot be; nothing was started then.
    """
    make_ready(layout, record, action)
    paths = layout.run(record.run)
    child = launch.worker(paths.job(action.agent_id), f"{paths.private}/{action.agent_id}.worker.log")
    reach("run.worker_spawned")
    return child


def make_ready(layout: Layout, record: RunRecord, action: StartWorker) -> None:
    """Make the worktree and the job of an attempt. What a former one left uncommitted is kept first."""
    track = record.find(action.agent_id)
    base = _with_place(layout, record, track, action.attempt)
    reach("run.worktree_made")
    results.write_job(layout.run(record.run), jobs.job(layout, record, track, action, base))
    reach("run.job_written")


def _with_place(layout: Layout, record: RunRecord, track: RunTrack, attempt: int) -> str:
    """Have the place that the track is worked on in; return the commit that the work is compared with."""
    base, repo = "", None
    if record.options.git.isolation != "none":
        repo = repository.survey(layout.root, record.target_branch, remote=False)
        base = integrate.base_of(repo, record.run, record.target_branch, _needed(record, track), record.options.git)
        destination.note(layout.run(record.run), lambda: repository.survey(layout.root, record.target_branch))
    if attempt > 1:
        _clear(layout, record, track)
    if repo is not None and record.options.git.isolation == "shared":
        sharing.begin(layout, record, track, base, attempt)
    elif repo is not None:
        _with_worktree(layout, record, track, attempt, (repo, base))
    return base


def _with_worktree(
    layout: Layout, record: RunRecord, track: RunTrack, attempt: int, on: tuple[Repository, str]
) -> None:
    if attempt > 1 or os.path.isdir(track.worktree):
        _backed_up(layout, record, track, attempt - 1)
    repo, base = on
    worktree.add(repo, track.worktree, track.branch, base)
    filled = submodules.fill(repo.top, track.worktree)
    copied = include.copy(repo.top, track.worktree, own_folders(layout, record.options.git.worktrees))
    if filled or copied:
        tracklog.say(layout, track.track, "\n".join(each for each in (filled, copied) if each))


def _needed(record: RunRecord, track: RunTrack) -> list[str]:
    """Return the branches that a track builds on where it does not wait for their merges."""
    if record.options.start_on == "merged":
        return []
    return [each.branch for each in record.tracks if each.track in track.depends_on]


def _clear(layout: Layout, record: RunRecord, track: RunTrack) -> None:
    """End whatever a worker of the track left behind."""
    traces = place(layout, record.run, track).marks
    others.end(lambda: others.carrying(traces), record.options.grace_seconds)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A track that is merged, and what is known of its outcome. ``own``: it came in by the merge ``outcome.commit``."""

    repo: Repository
    outcome: Outcome
    own: bool


def merge_track(layout: Layout, record: RunRecord, action: Integrate) -> TakenIn | Outcome | Refusal | None:
    """Merge the track's branch and mark it done in its source; what is left to do then needs nobody to wait for it.

    A worker whose claim was followed by a later one may not integrate. An :class:`Outcome` is that of a track which
    was not merged; a :class:`Refusal` gives it back to its agent; None: a person asked for its end while its merge was
    checked.
    """
    track = record.find(action.agent_id)
    latest = FileClaims(layout.root).last_fence(track.track)
    if latest > action.fence:
        error = f"FILE_CONFLICT: superseded: fence {latest} was given after {action.fence}"
        return end_track(layout, record, EndTrack(record.run, track.agent_id, "failed", error, action.attempt))
    if record.options.git.isolation == "none":
        return _record(layout, record, track, without_git.finished(layout, record, track, action.attempt))
    repo = repository.survey(layout.root, record.target_branch, remote=False)
    mark = marks.for_commit(repo, record, track)
    is_shared = record.options.git.isolation == "shared"
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
            options=record.options.git,
            check=checking.of_track(layout, record, track, repo),
            settle=sharing.settling(layout, record, track, repo) if is_shared else None,
        ),
    )
    if isinstance(answer, Red):
        return refusing.of_check(layout, record, track, action.attempt, answer) if answer.error else None
    if isinstance(answer, Nothing):
        error = f"VALIDATION_ERROR: the branch has nothing of its own to merge: {answer.why}"
        return end_track(layout, record, EndTrack(record.run, track.agent_id, "failed", error, action.attempt))
    ended = Outcome(track.agent_id, track.track, "merged", clock.iso(), action.attempt)
    if isinstance(answer, Conflict):
        given = refusing.of_conflict(layout, record, track, action.attempt, answer)
        if given is not None:
            return given
        outcome = _keep(layout, record, track, _conflict(ended, answer))
        return _record(layout, record, track, outcome, repo)
    return _taken_in(repo, record, track, ended, answer)


def wind_up(layout: Layout, record: RunRecord, taken: TakenIn) -> Outcome:
    """Record the outcome of a merged track, with what its worktree holds beyond the merge kept, and tidy up."""
    track = record.find(taken.outcome.agent_id)
    outcome, seen = _with_rest(layout, record, track, _counted(record, taken), taken.repo)
    return _record(layout, record, track, outcome, taken.repo, seen)


def _conflict(ended: Outcome, answer: Conflict) -> Outcome:
    return replace(ended, ended="conflict", files=answer.files, error=refusing.conflict_error(answer))


def _taken_in(
    repo: Repository, record: RunRecord, track: RunTrack, ended: Outcome, answer: Merged | AlreadyIn
) -> TakenIn:
    note = marks.on_disk(repo, record, track, answer.commit if isinstance(answer, Merged) else "")
    own = isinstance(answer, Merged) or answer.commit == _merge_of(repo, record, track)
    notes = "; ".join(each for each in (note, answer.note) if each)
    return TakenIn(repo, replace(ended, commit=answer.commit, note=notes), own)


def _counted(record: RunRecord, taken: TakenIn) -> Outcome:
    """Return the outcome of a track that is in. Its own lines are counted, where it came in by a merge of its own."""
    if not taken.own:
        return taken.outcome
    source = marks.relative(taken.repo, record)
    added, removed = integrate.line_counts(taken.repo, taken.outcome.commit, record.options.git, source)
    return replace(taken.outcome, lines_added=added, lines_removed=removed)


def _hidden(track: RunTrack) -> str:
    """Say what stands in the worktree and could not be merged, because somebody had it ignored meanwhile."""
    if not os.path.isdir(track.worktree):
        return ""
    with suppress(CommandFailed):
        names = ignored.since(Git(track.worktree, hooks=False))
        if names:
            return f"not merged: {some(names, SHOWN)}, ignored only since its worktree was made"
    return ""


def _merge_of(repo: Repository, record: RunRecord, track: RunTrack) -> str | None:
    """Return the merge that took in the track's branch, if there is one."""
    git = Git(repo.top)
    branch = refs.resolve(git, refs.head(track.branch))
    since = integrate.tip(repo, record.run, record.target_branch)
    return merge.of_branch(git, track.branch, branch, since) if branch is not None else None


def end_track(layout: Layout, record: RunRecord, action: EndTrack) -> Outcome:
    """Record that a track ended unmerged; what stands in its worktree is kept under a backup ref first.

    Nothing that its worker started goes on. A merge that was made and not yet recorded counts as one.
    """
    track = record.find(action.agent_id)
    error, files = visible(action.error, 500), tuple[str, ...]()
    if action.ended == "conflict":
        given = refusals.known(layout.run(record.run), track.agent_id, track.track).conflict()
        error, files = (f"{given.error}; {error}", given.files) if given is not None else (error, files)
    outcome = Outcome(track.agent_id, track.track, action.ended, clock.iso(), action.attempt, files=files, error=error)
    if action.attempt:
        _clear(layout, record, track)
        came_in = _came_in(layout, record, track, outcome)
        if came_in is None:
            outcome = _keep(layout, record, track, outcome)
        else:
            outcome, _ = _with_rest(layout, record, track, came_in, None)
    return _record(layout, record, track, outcome)


def _came_in(layout: Layout, record: RunRecord, track: RunTrack, outcome: Outcome) -> Outcome | None:
    """Return the outcome of a track that was merged in spite of what happened then, None where it was not."""
    if record.options.git.isolation == "none":
        return None
    with suppress(CommandFailed):
        repo = repository.survey(layout.root, record.target_branch)
        commit = _merge_of(repo, record, track)
        if commit is not None:
            git = Git(repo.top)
            behind = not refs.is_ancestor(git, commit, refs.tip(git, record.target_branch))
            mend = f"`git merge --ff-only {refs.integrated(record.run)}` brings {record.target_branch} forward"
            answer = AlreadyIn(commit, note=f"{outcome.error}; {mend}" if behind else "")
            ended = replace(outcome, ended="merged", error="")
            return _counted(record, _taken_in(repo, record, track, ended, answer))
    return None


def _keep(layout: Layout, record: RunRecord, track: RunTrack, outcome: Outcome) -> Outcome:
    """Record what is dirty, untracked or on no branch, and say where everything of the track stands."""
    if record.options.git.isolation == "none":
        return replace(outcome, kept=without_git.WHERE)
    if record.options.git.isolation == "shared":
        where, kept_on = sharing.put_back(layout, record, track, outcome.attempt)
        return replace(outcome, kept=where, kept_on=kept_on)
    backed_up, _ = _backed_up(layout, record, track, outcome.attempt)
    where, kept_on = whereabouts.of_track(layout, record, track)
    return replace(outcome, kept=f"{where}{backed_up}".removeprefix("; "), kept_on=kept_on)


def _with_rest(
    layout: Layout, record: RunRecord, track: RunTrack, outcome: Outcome, repo: Repository | None
) -> tuple[Outcome, State | None]:
    """Keep what a merged track leaves that is in no commit of its branch, and say so: its worktree goes.

    What was seen there, if it is there, is returned, too. In the user's checkout all stays as it is.
    """
    if record.options.git.isolation == "shared":
        left = sharing.strays(layout, record, repo or repository.survey(layout.root, record.target_branch))
        return replace(outcome, note="; ".join(each for each in (outcome.note, left) if each)), None
    said, seen = _backed_up(layout, record, track, outcome.attempt)
    hidden = "" if seen is not None and seen.clean else _hidden(track)
    notes = (outcome.note, hidden, said.removeprefix("; ").strip())
    return replace(outcome, note="; ".join(each for each in notes if each)), seen


def _backed_up(layout: Layout, record: RunRecord, track: RunTrack, attempt: int) -> tuple[str, State | None]:
    """Back up what stands in a track's worktree, or is left of it.

    Return what is to be said of that, or nothing, and what was seen in the worktree.
    """
    ref = f"{refs.BACKUPS}/{record.run}/{track.track}/{attempt}"
    seen = None
    try:
        worktree.reconnect(layout.root, track.worktree)
        if attempt and adopt.is_orphan(track.worktree):
            adopt.adopt(repository.survey(layout.root, record.target_branch), track.worktree, track.branch)
        if os.path.isdir(track.worktree):
            seen = backup.look(track.worktree, ignored=record.options.git.keep_ignored)
            commit = backup.record(track.worktree, seen, ref)
        else:
            commit = worktree.keep_gone(repository.survey(layout.root, record.target_branch), track.worktree, ref)
        if commit is None:
            return "", seen
        lacking = backup.missing(Git(layout.root), commit)
    except OrchdError as error:
        return f" (not backed up: {error.message})", None
    without = f", without {some(lacking, SHOWN)}, which cannot be read" if lacking else ""
    return f"; uncommitted work as {ref}{without}: `{backup.way_back(ref)}`", seen


def _record(
    layout: Layout,
    record: RunRecord,
    track: RunTrack,
    outcome: Outcome,
    repo: Repository | None = None,
    seen: State | None = None,
) -> Outcome:
    """Write how the track ended, and remove what nobody needs then. What cannot go stays: the run ends all the same."""
    if isolation.together(record.options):
        return _recorded(layout, record, track, outcome)
    if record.options.git.teardown and _goes(track, outcome):
        outcome, seen = _torn_down(layout, record, track, outcome)
    said = outcomes.say(layout.run(record.run), outcome)
    reach("run.outcome_written")
    if _goes(track, said):
        with suppress(CommandFailed):
            where = repo or repository.survey(layout.root, record.target_branch)
            ignored_too = record.options.git.keep_ignored
            known = None if ignored_too else seen  # git does not look at what it ignores once more
            worktree.forget(where, track.worktree, track.branch, keep_ignored=ignored_too, seen=known)
    return said


def _recorded(layout: Layout, record: RunRecord, track: RunTrack, outcome: Outcome) -> Outcome:
    """Write how a track ended that had no worktree of its own; its branch goes where nobody needs it."""
    said = outcomes.say(layout.run(record.run), outcome)
    reach("run.outcome_written")
    if record.options.git.isolation == "shared":
        with suppress(CommandFailed):
            branches.forget(repository.survey(layout.root, record.target_branch), track.branch)
    return said


def _goes(track: RunTrack, outcome: Outcome) -> bool:
    """Tell whether nobody needs the track's worktree any more."""
    return outcome.ended == "merged" or (outcome.attempt == 0 and os.path.isdir(track.worktree))


def _torn_down(layout: Layout, record: RunRecord, track: RunTrack, outcome: Outcome) -> tuple[Outcome, State | None]:
    """Tear the worktree down; what that left in it is kept, too. Return the outcome with what is to be said."""
    failed = tearing.down(layout, record, track)
    kept, seen = _backed_up(layout, record, track, outcome.attempt)
    kept = kept.removeprefix("; ").strip()
    notes = (outcome.note, failed, "" if kept in outcome.note else kept)
    return replace(outcome, note="; ".join(each for each in notes if each)), seen
