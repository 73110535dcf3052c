"""The report of a run on disk, and what it is made from: the files of the run, its journal, and its agents' logs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from orchestrator.core import status as core
from orchestrator.core.result import PhaseResult, Result
from orchestrator.core.run import Outcome, Publication, RunRecord
from orchestrator.core.strictjson import parse_object
from orchestrator.daemon import outcomes
from orchestrator.daemon.snapshot import snapshot
from orchestrator.errors import Unreadable
from orchestrator.host import clock, files, logfile
from orchestrator.host.failpoint import reach
from orchestrator.reports.excerpt import excerpt
from orchestrator.reports.metrics import Ending, Going, encode, measure, measure_agent
from orchestrator.reports.summary import summarise
from orchestrator.state import answers, approvals, journal, results, verdicts
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import temp

MOST_EVENTS: Final = 20_000
"""So many of the newest events of the journal are looked at."""

_PUBLICATIONS: Final = {each: Publication(each) for each in ("pushed", "already", "failed", "none")}


def write(paths: RunLayout, ending: Ending) -> None:
    """Write the report; ``metrics.json`` comes last and says that the run is over."""
    told = filled(_layout(paths), ending)
    metrics = measure(told)
    for outcome in told.outcomes:
        agent_id = outcome.agent_id
        figures = encode(measure_agent(outcome, told.results.get(agent_id), told.pull_requests.get(agent_id)))
        files.publish(f"{paths.folder}/{agent_id}.metrics.json", figures, temp(paths))
    files.publish(paths.summary, summarise(told, metrics).encode("utf-8"), temp(paths), durable=True)
    reach("finish.reported")
    files.publish(paths.metrics, encode(metrics), temp(paths), durable=True)


def _layout(paths: RunLayout) -> Layout:
    """Return the paths of the root that a run's folder is in, wherever that was moved to."""
    return Layout(os.path.dirname(os.path.dirname(os.path.dirname(paths.folder))))


def of_run(layout: Layout, record: RunRecord) -> Ending:
    """Return what the report of a run is made from, whether it has ended or not."""
    paths = layout.run(record.run)
    over = results.has_ended(paths)
    said = parse_object(files.read(paths.metrics, results.LARGEST).data) if over else {}
    ended = outcomes.of_run(paths, record) if over else _so_far(paths, record)
    ending = Ending(
        record=record,
        outcomes=ended,
        results=outcomes.results_of_run(paths, record),
        publication=_publication(said),
        ended_at=_text(said, "end_time") or clock.iso(),
        going=_going(layout, record, {each.agent_id for each in ended}),
        over=over,
    )
    return filled(layout, ending)


def _so_far(paths: RunLayout, record: RunRecord) -> list[Outcome]:
    """Return how those tracks ended that have; one that cannot be read has not."""
    found = []
    for track in record.tracks:
        with suppress(Unreadable):
            outcome = results.read_outcome(paths.outcome(track.agent_id))
            found += [outcome] if outcome is not None else []
    return found


def _publication(said: Mapping[str, object]) -> Publication:
    known = _PUBLICATIONS.get(_text(said, "publication"), _PUBLICATIONS["none"])
    output = said.get("publication_output")
    return replace(
        known,
        why=_text(said, "publication_why"),
        command=_text(said, "publication_command"),
        output=tuple(each for each in output if isinstance(each, str)) if isinstance(output, list) else (),
    )


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _going(layout: Layout, record: RunRecord, ended: set[str]) -> Mapping[str, Going]:
    """Return the states of the tracks that have no outcome, as ``orchd status`` tells them."""
    left = [each.agent_id for each in record.tracks if each.agent_id not in ended]
    states: dict[str, Going] = {}
    runs = snapshot(layout.root)["runs"] if left else ()
    for run in runs if isinstance(runs, list) else ():
        if run["run"] == record.run:
            states = {each["agent_id"]: Going(str(each["state"]), str(each["why"])) for each in run["tracks"]}
    return {agent_id: states.get(agent_id, Going("unknown", "")) for agent_id in left}


def filled(layout: Layout, ending: Ending) -> Ending:
    """Return ``ending`` with what logs, status files, the journal and the machine say besides."""
    return replace(
        ending,
        excerpts=_excerpts(layout, ending),
        pull_requests=_pull_requests(layout.run(ending.record.run), ending.record),
        events=[*_events(layout, ending.record), *_said_by_people(layout.run(ending.record.run), ending.record)],
        judged=_judged(layout.run(ending.record.run)),
        memory_bytes=_memory(),
    )


def _excerpts(layout: Layout, ending: Ending) -> Mapping[str, tuple[str, ...]]:
    """Return the end of what was printed in the last attempt at each track that was not merged."""
    found = {}
    for outcome in ending.outcomes:
        result = ending.results.get(outcome.agent_id, Result(outcome.agent_id, outcome.track))
        attempt = result.of(outcome.attempt)
        if outcome.ended != "merged" and attempt is not None:
            found[outcome.agent_id] = excerpt(logfile.end_of(layout.log(outcome.track)), attempt)
    return found


def _pull_requests(paths: RunLayout, record: RunRecord) -> Mapping[str, int]:
    """Return the pull requests that the agents name in their status files."""
    found = {}
    for track in record.tracks:
        with suppress(FileNotFoundError, Unreadable):
            said = core.decode(files.read(paths.status(track.agent_id), core.LARGEST).data, track.agent_id)
            if said.pr_number is not None:
                found[track.agent_id] = said.pr_number
    return found


def _events(layout: Layout, record: RunRecord) -> list[journal.Event]:
    """Return the journal's events that name this run, not an older one of its name."""
    events = journal.tail(layout.root, MOST_EVENTS)
    return [each for each in events if each.get("run") == record.run and str(each.get("at")) >= record.created_at]


def _said_by_people(paths: RunLayout, record: RunRecord) -> Iterator[journal.Event]:
    """Yield as events what people answered and approved; what cannot be read is left out."""
    for track in record.tracks:
        with suppress(Unreadable):
            answer = answers.read(paths.answer(track.agent_id))
            if answer is not None:
                said = {"question": answer.question, "answer": answer.text}
                yield {"at": answer.at, "event": "answered", "agent_id": track.agent_id, **said}
    with suppress(Unreadable):
        approved = approvals.read(approvals.path(paths))
        if approved is not None:
            yield {"at": approved.at, "event": "approved", "gates": " and ".join(approved.gates)}


def _judged(paths: RunLayout) -> tuple[PhaseResult, ...]:
    """Return what the validators of the whole run said; nothing where nobody judged."""
    with suppress(Unreadable):
        said = verdicts.read(paths)
        return said.phases if said is not None else ()
    return ()


def _memory() -> int | None:
    """Return the memory (bytes) of the machine, None where it does not say."""
    with suppress(OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
