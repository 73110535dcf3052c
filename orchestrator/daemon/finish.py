"""The end of a run: one push for everything that was merged, then the report."""

import os
import shlex
from collections.abc import Sequence
from contextlib import suppress

from orchestrator.claims import FileClaims
from orchestrator.core.run import Outcome, Publication, RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.daemon import checking, destination, outcomes, reporting, run_validators
from orchestrator.errors import CommandFailed, GuardBusy, OrchdError, Unreadable
from orchestrator.git import publish, repository, worktree
from orchestrator.git.publish import Published
from orchestrator.git.repository import Repository
from orchestrator.host import clock, files
from orchestrator.reports.metrics import Ending
from orchestrator.state import approvals, cancel
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import prepare, sweep, temp


def finish(layout: Layout, record: RunRecord) -> Publication:
    """Push once and write the report; ``metrics.json`` comes last and says that the run is over."""
    paths = layout.run(record.run)
    prepare(paths)
    ended = outcomes.of_run(paths, record)
    publication = _publish(layout, record, ended)
    _tidy(layout, record, ended)
    _sweep(layout, paths)
    if publication.state != "none":
        event = "push.failed" if publication.state == "failed" else "push.done"
        fields = {"run": record.run, "state": publication.state, "why": publication.why}
        Journal(layout.root).write(event, fields)
    reporting.write(paths, Ending(record, ended, outcomes.results_of_run(paths, record), publication, clock.iso()))
    return publication


def _tidy(layout: Layout, record: RunRecord, ended: Sequence[Outcome]) -> None:
    """Remove the worktrees and branches of merged tracks that a crash left; what cannot go stays, the run ends."""
    with suppress(CommandFailed):
        repo = repository.survey(layout.root, record.target_branch, remote=False)
        if record.options.git.check:
            checking.discard(layout, record, repo)
        merged = [record.find(each.agent_id) for each in ended if each.ended == "merged"]
        for track in _still_there(repo, merged):
            worktree.forget(repo, track.worktree, track.branch, keep_ignored=record.options.git.keep_ignored)


def _sweep(layout: Layout, paths: RunLayout) -> None:
    """Remove what killed workers and drivers left half-written: nobody else may look here for a long time.

    What belongs to a living process stays, and so does what cannot go; the run ends.
    """
    with suppress(OrchdError, OSError):
        FileClaims(layout.root).sweep()
    with suppress(OrchdError, OSError):
        sweep(paths)


def _still_there(repo: Repository, tracks: Sequence[RunTrack]) -> list[RunTrack]:
    """Return the tracks of which git, or the disk, still has the worktree or the branch."""
    known = {os.path.realpath(each.path) for each in worktree.list(repo)}
    names = worktree.branches(repo).names
    return [
        each
        for each in tracks
        if os.path.lexists(each.worktree) or os.path.realpath(each.worktree) in known or each.branch.casefold() in names
    ]


def _publish(layout: Layout, record: RunRecord, ended: Sequence[Outcome]) -> Publication:
    if not any(each.ended == "merged" for each in ended):
        return Publication("none", "nothing was merged")
    return _refused(layout, record) or _withheld(layout.run(record.run), record) or _sent(layout, record)


def _refused(layout: Layout, record: RunRecord) -> Publication | None:
    """Return why nothing is pushed where a validator of the run does not accept what was merged."""
    paths = layout.run(record.run)
    if not any(each.after == "run" for each in record.validators) or _cancelled(paths):
        return None
    try:
        repo = repository.survey(layout.root, record.target_branch)
        refusal = run_validators.judged(layout, record, repo, lambda: _cancelled(paths)).refusal
    except (CommandFailed, GuardBusy) as error:
        return Publication("failed", f"what was merged could not be judged: {error.message}", _by_hand(record))
    if refusal is None or _cancelled(paths):
        return None
    return Publication("failed", visible(f"nothing was pushed: {refusal.error}"), _by_hand(record))


def _by_hand(record: RunRecord) -> str:
    return shlex.join(("git", "push", record.remote, record.target_branch)) if record.remote is not None else ""


def _withheld(paths: RunLayout, record: RunRecord) -> Publication | None:
    """Return why nothing is to be pushed, None where it is."""
    if not record.options.push:
        return Publication("none", "not asked for (--no-push)")
    if record.remote is None:
        return Publication("none", "the repository has no remote")
    if _cancelled(paths):
        return Publication("none", "the run was cancelled, so nothing was pushed", _by_hand(record))
    if "push" in record.options.gates and "push" not in approvals.opened_of(paths):
        return Publication("none", "nobody opened the gate push, so nothing was pushed", _by_hand(record))
    return None


def _sent(layout: Layout, record: RunRecord) -> Publication:
    paths = layout.run(record.run)
    try:
        repo = repository.survey(layout.root, record.target_branch)
        if destination.changed(paths, repo):
            why = f"where {record.remote} is pushed to was changed while agents were at work: see `git remote -v`"
            return Publication("failed", visible(why), _by_hand(record))
        return _push(paths, record, repo)
    except CommandFailed as error:
        return Publication("failed", error.message, _by_hand(record))


def _push(paths: RunLayout, record: RunRecord, repo: Repository) -> Publication:
    note = f"{paths.private}/push.begun"
    again = _begin_push(note, paths)
    answer = publish.publish(repo, record.run)
    if not isinstance(answer, Published):
        return Publication("failed", visible(answer.reason), answer.command)
    theirs = answer.already and not again
    if theirs:
        files.remove(note)
    return Publication("already" if theirs else "pushed", f"{record.target_branch} at {answer.commit[:12]}")


def _cancelled(paths: RunLayout) -> bool:
    """Tell whether a person asked for the end of the whole run: then what is published is theirs to say."""
    with suppress(Unreadable):
        request = cancel.read_request(paths.cancel)
        return request is not None and request.tracks is None
    return False


def _begin_push(note: str, paths: RunLayout) -> bool:
    """Note that this run begins to push; tell whether it did so before, and a crash came in between."""
    before = os.path.lexists(note)
    files.publish(note, b"", temp(paths))
    return before
