"""What is said of a run when it has ended: how each track ended, what was published, where the report is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from orchestrator.cli import output
from orchestrator.core.duration import brief
from orchestrator.core.run import Outcome, Publication, RunRecord
from orchestrator.core.run_outcome import exit_of_run
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.daemon.outcomes import of_run
from orchestrator.errors import SystemFailure
from orchestrator.host import files
from orchestrator.state import results
from orchestrator.state.layout import RunLayout

COLOURS: Final = {"merged": "green", "failed": "red", "conflict": "yellow", "cancelled": "yellow"}
_HEADER: Final = ("track", "outcome", "time", "commit or error")
_COMMIT: Final = 12
_PUBLICATIONS: Final[Mapping[object, Publication]] = {
    "pushed": Publication("pushed", "{branch} was pushed to {remote}, once"),
    "already": Publication("already", "{remote} had {branch} already"),
    "failed": Publication("failed", "{branch} is not published"),
    "none": Publication("none", "nothing was pushed"),
}


def conclude(paths: RunLayout, record: RunRecord, *, as_json: bool, status: int | None) -> int:
    """Say how the run ended, and return its exit code: ``status`` where that is not None.

    Raises :class:`SystemFailure` where somebody removed the run.
    """
    outcomes = of_run(paths, record)
    metrics = _metrics(paths, record)
    said = _PUBLICATIONS.get(metrics.get("publication"), _PUBLICATIONS["none"])
    publication = replace(said, command=str(metrics.get("publication_command", "")))
    times = metrics.get("agent_durations")
    seconds = times if isinstance(times, Mapping) else {}
    code = exit_of_run(outcomes, publication, record.options.threshold) if status is None else status
    if as_json:
        rows = [_fields(each, record, seconds) for each in outcomes]
        output.emit(
            {
                "run": record.run,
                "exit": code,
                "tracks": rows,
                "publication": publication.state,
                "summary": paths.summary,
            }
        )
    else:
        _show(outcomes, seconds)
        output.say(_published(publication, record, metrics.get("publication_why")))
        printed = metrics.get("publication_output")
        for line in printed if isinstance(printed, list) else ():
            output.say(f"  | {visible(str(line))}")
        output.say(f"the report is {paths.summary}")
    return code


def _published(publication: Publication, record: RunRecord, why: object) -> str:
    """Return what became of the push, and what the report says of that: the commit, or why nothing is published."""
    said = publication.why.format(branch=record.target_branch, remote=record.remote)
    if not isinstance(why, str) or not why:
        return said
    reason = why if said in why else f"{said}: {why}"
    return f"{reason}; next: `{publication.command}`" if publication.command else reason


def _metrics(paths: RunLayout, record: RunRecord) -> dict[str, object]:
    try:
        return parse_object(files.read(paths.metrics, results.LARGEST).data)
    except FileNotFoundError as error:
        raise SystemFailure(
            f"{visible(paths.folder)} was removed, so run {record.run} is over without a report",
            hint="`orchd locks` shows workers that are still at it; what was done stands in the branches and worktrees",
        ) from error


def _fields(outcome: Outcome, record: RunRecord, seconds: Mapping[str, object]) -> dict[str, object]:
    return {
        "track": outcome.track,
        "agent_id": outcome.agent_id,
        "title": record.find(outcome.agent_id).title,
        "outcome": outcome.ended,
        "seconds": seconds.get(outcome.agent_id),
        "commit": outcome.commit or None,
        "error": outcome.error or None,
        "note": outcome.note or None,
        "kept": outcome.kept or None,
    }


def _show(outcomes: Sequence[Outcome], seconds: Mapping[str, object]) -> None:
    rows = [[each.track, each.ended, _time(seconds.get(each.agent_id)), _what(each)] for each in outcomes]
    output.say("")
    output.write(output.table(_HEADER, rows, COLOURS))
    output.say("")
    for note in dict.fromkeys(each.note for each in outcomes if each.note):
        output.say(f"note: {note}")


def _time(seconds: object) -> str:
    return brief(seconds) if isinstance(seconds, int | float) else "-"


def _what(outcome: Outcome) -> str:
    return outcome.commit[:_COMMIT] if outcome.ended == "merged" else outcome.error
