"""The end of a run: what was merged is published, then comes the report."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from orchestrator.claims import FileClaims
from orchestrator.core.run import Outcome, Publication, RunRecord, RunTrack
from orchestrator.daemon import checking, outcomes, reporting
from orchestrator.daemon.publication import publication_of
from orchestrator.errors import CommandFailed, OrchdError
from orchestrator.git import branches, repository, worktree
from orchestrator.git.repository import Repository
from orchestrator.host import clock
from orchestrator.reports.metrics import Ending
from orchestrator.state import verdicts
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import prepare, sweep


def finish(layout: Layout, record: RunRecord) -> Publication:
    """Push once and write the report; ``metrics.json`` comes last and says that the run is over."""
    paths = layout.run(record.run)
    prepare(paths)
    ended = outcomes.of_run(paths, record)
    publication = _published(layout, record, ended)
    reporting.write(paths, Ending(record, ended, outcomes.results_of_run(paths, record), publication, clock.iso()))
    return publication


def publish_again(layout: Layout, record: RunRecord) -> Publication:
    """Publish what a run that has ended could not, and write its report anew. Whoever calls it drives the run.

    Those who judged it are asked again: a person may have mended what they were against.
    """
    verdicts.forget(layout.run(record.run))
    ending = reporting.of_run(layout, record)
    publication = _published(layout, record, ending.outcomes)
    reporting.write(layout.run(record.run), replace(ending, publication=publication))
    return publication


def _published(layout: Layout, record: RunRecord, ended: Sequence[Outcome]) -> Publication:
    """Publish what was merged, tidy up, and say in the journal what came of it."""
    publication = publication_of(layout, record, ended)
    _tidy(layout, record, ended)
    _sweep(layout, layout.run(record.run))
    if publication.state != "none":
        event = "push.failed" if publication.state == "failed" else "push.done"
        fields = {"run": record.run, "state": publication.state, "why": publication.why}
        Journal(layout.root).write(event, fields)
    return publication


def _tidy(layout: Layout, record: RunRecord, ended: Sequence[Outcome]) -> None:
    """Remove the worktrees and branches of merged tracks that a crash left; what cannot go stays, the run ends."""
    if record.options.git.isolation == "none":
        return
    with suppress(CommandFailed):
        repo = repository.survey(layout.root, record.target_branch, remote=False)
        if record.options.git.check:
            checking.discard(layout, record, repo)
        merged = [record.find(each.agent_id) for each in ended if each.ended == "merged"]
        if record.options.git.isolation == "shared":
            for track in merged:
                branches.forget(repo, track.branch)
            return
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
    names = branches.known(repo).names
    return [
        each
        for each in tracks
        if os.path.lexists(each.worktree) or os.path.realpath(each.worktree) in known or each.branch.casefold() in names
    ]
