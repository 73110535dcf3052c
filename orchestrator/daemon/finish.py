"""The end of a run: one push for everything that was merged, then the report."""

from contextlib import suppress

from orchestrator.core.run import Outcome, Publication, RunRecord
from orchestrator.core.text import visible
from orchestrator.errors import CommandFailed
from orchestrator.git import publish, repository, worktree
from orchestrator.git.publish import Published
from orchestrator.host import clock, files
from orchestrator.host.failpoint import reach
from orchestrator.reports.metrics import Ending, encode, measure, measure_agent
from orchestrator.reports.summary import summarise
from orchestrator.state import results
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout


def finish(layout: Layout, record: RunRecord) -> Publication:
    """Push once and write the report; ``metrics.json`` comes last and says that the run is over."""
    paths = layout.run(record.run)
    outcomes = [
        each for track in record.tracks if (each := results.read_outcome(paths.outcome(track.agent_id))) is not None
    ]
    publication = _publish(layout, record, outcomes)
    _tidy(layout, record, outcomes)
    Journal(layout.root).write(
        "push.failed" if publication.state == "failed" else "push.done",
        {"run": record.run, "state": publication.state, "why": publication.why},
    )
    known = {track.agent_id: results.read_result(paths.result(track.agent_id)) for track in record.tracks}
    found = {agent_id: result for agent_id, result in known.items() if result is not None}
    ending = Ending(record, outcomes, found, publication, clock.iso())
    metrics = measure(ending)
    temp = f"{paths.private}/tmp"
    files.ensure_folder(temp)
    for outcome in outcomes:
        figures = encode(measure_agent(outcome, found.get(outcome.agent_id)))
        files.publish(f"{paths.folder}/{outcome.agent_id}.metrics.json", figures, temp)
    files.publish(paths.summary, summarise(ending, metrics).encode("utf-8"), temp, durable=True)
    reach("finish.reported")
    files.publish(paths.metrics, encode(metrics), temp, durable=True)
    return publication


def _tidy(layout: Layout, record: RunRecord, outcomes: list[Outcome]) -> None:
    """Remove the worktrees and branches of merged tracks that a crash left; what cannot go stays, the run ends."""
    with suppress(CommandFailed):
        repo = repository.survey(layout.root, record.target_branch)
        for track in (record.find(each.agent_id) for each in outcomes if each.ended == "merged"):
            worktree.forget(repo, track.worktree, track.branch)


def _publish(layout: Layout, record: RunRecord, outcomes: list[Outcome]) -> Publication:
    if not any(each.ended == "merged" for each in outcomes):
        return Publication("none", "nothing was merged")
    if not record.options.push:
        return Publication("none", "not asked for (--no-push)")
    if record.remote is None:
        return Publication("none", "the repository has no remote")
    try:
        answer = publish.publish(repository.survey(layout.root, record.target_branch), record.run, record.target_branch)
    except CommandFailed as error:
        return Publication("failed", error.message, f"git push {record.remote} {record.target_branch}")
    if isinstance(answer, Published):
        return Publication("already" if answer.already else "pushed", f"{record.target_branch} at {answer.commit[:12]}")
    return Publication("failed", visible(answer.reason), answer.command)
