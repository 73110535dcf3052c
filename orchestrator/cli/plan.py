"""``orchd plan``: what a run would do."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Final, TypedDict, Unpack

import click

from orchestrator.cli import output, source
from orchestrator.cli.offering import Offer, Quarantine, offer, quarantine
from orchestrator.cli.options import common_or_here
from orchestrator.cli.selecting import names_of, selecting
from orchestrator.cli.source import Source
from orchestrator.core.acceptance import first_free, run_names
from orchestrator.core.duration import brief
from orchestrator.core.graph import SETTLED, Graph
from orchestrator.core.track import Finding, Track
from orchestrator.plans.forecast import Forecast, forecast
from orchestrator.plans.ordering import in_order, ordered
from orchestrator.plans.selection import select
from orchestrator.settings import load
from orchestrator.state.layout import Layout

COLOURS: Final = {
    "done": "green",
    "in_progress": "yellow",
    "skipped": "dim",
    "quarantined": "red",
    "warn": "yellow",
    "error": "red",
}
_MOST_NAMES: Final = 3
_MOST_PATH: Final = 8

Waves = Sequence[Sequence[str]]


class Wishes(TypedDict):
    """The options of the command; None where a person says nothing."""

    name: str
    group: str | None
    tracks: str | None
    agents: int | None
    order: bool
    as_json: bool


@click.command("plan")
@click.argument("name", metavar="SOURCE")
@selecting
@click.option("--agents", type=click.IntRange(1, 1000), metavar="N", help="Show what would start with so many at once.")
@click.option("--order", is_flag=True, help="Let tracks whose paths overlap wait for each other, as in the plan.")
@common_or_here
def command(root: str, **wishes: Unpack[Wishes]) -> None:
    """Show the tracks of SOURCE, in what order they would run and why, and what is doubtful; change nothing."""
    read = source.read(wishes["name"])
    found = replace(read, plan=ordered(read.plan)) if wishes["order"] else read
    refusal = source.refusal(found)
    chosen = () if refusal else select(read.plan, wishes["group"], names_of(wishes["tracks"]))
    if wishes["order"]:
        chosen = in_order(chosen)
    is_part = wishes["group"] is not None or wishes["tracks"] is not None
    shown = chosen if is_part else found.plan.tracks
    graph = Graph(shown)
    offered, settings = offer(root, chosen), load(root)
    kept = quarantine(Layout(root), found.path, offered.tracks, settings.run.quarantine_after)
    found = _with_quarantine(found, shown, kept)
    if wishes["as_json"]:
        output.emit(_document(found, root, shown, graph.waves()))
    else:
        _show(found, shown, graph, kept)
        if not refusal:
            _show_start(offered, kept, wishes["agents"] or settings.run.agents)
    if refusal:
        raise refusal


def _with_quarantine(found: Source, tracks: Sequence[Track], kept: Quarantine) -> Source:
    """Return the source with a finding for each track that the next run would leave alone."""
    left = [
        Finding("warn", "quarantine", f"{each.track} is in quarantine: {kept.tracks[each.track]}", each.line)
        for each in tracks
        if each.track in kept.tracks
    ]
    return replace(found, plan=replace(found.plan, findings=(*found.plan.findings, *left)))


def _document(found: Source, root: str, tracks: Sequence[Track], waves: Waves) -> dict[str, object]:
    parallel = Layout(root).parallel
    return {
        "source": found.path,
        "run": first_free(run_names(found.stem), lambda run: os.path.lexists(f"{parallel}/{run}")),
        "tracks": [fields(track) for track in tracks],
        "waves": waves,
        "findings": [asdict(each) for each in found.plan.findings],
    }


def fields(track: Track) -> dict[str, object]:
    """Return a track in the form of ``orchd plan --json``."""
    return {
        "track": track.track,
        "title": track.title,
        "group": track.group,
        "state": track.state,
        "depends_on": track.depends_on,
        "paths": track.paths,
        "line": track.line,
        "estimate": track.estimate,
        "body": track.body,
        "acceptance": track.acceptance,
    }


def _show(found: Source, tracks: Sequence[Track], graph: Graph, kept: Quarantine) -> None:
    output.say(found.path)
    if tracks:
        output.say("")
        output.write(output.table(_header(tracks), _rows(tracks, graph, kept), COLOURS))
    if found.plan.findings:
        output.say("")
        output.write(output.table(("finding", "line", "rule", "what"), map(_finding, found.plan.findings), COLOURS))


def _header(tracks: Sequence[Track]) -> list[str]:
    size = ["minutes"] if _sized(tracks) else []
    return ["wave", "track", "state", "title", *size, "line", "waits for", "because"]


def _sized(tracks: Sequence[Track]) -> bool:
    return any(track.estimate is not None for track in tracks)


def _rows(tracks: Sequence[Track], graph: Graph, kept: Quarantine) -> Iterator[list[str]]:
    """Yield the tracks wave by wave, with what they still wait for; then those that no wave holds."""
    wave_of = {name: str(number) for number, wave in enumerate(graph.waves(), 1) for name in wave}
    order: Mapping[str, int] = {name: position for position, name in enumerate(wave_of)}
    for track in sorted(tracks, key=lambda each: order.get(each.track, len(order))):
        size = [str(track.estimate or "-")] if _sized(tracks) else []
        wave = wave_of.get(track.track, "-")
        needs = "-" if track.state in SETTLED else _listed(graph.needs(track.track))
        rule = "-" if track.state in SETTLED else track.rule or "-"
        state = "quarantined" if track.track in kept.tracks else track.state
        yield [wave, track.track, state, track.title, *size, str(track.line), needs, rule]


def _listed(names: Sequence[str]) -> str:
    more = f" +{len(names) - _MOST_NAMES}" if len(names) > _MOST_NAMES else ""
    return (", ".join(names[:_MOST_NAMES]) or "-") + more


def _finding(finding: Finding) -> list[str]:
    return [finding.level, str(finding.line or "-"), finding.rule, finding.message]


def _show_start(offered: Offer, kept: Quarantine, agents: int) -> None:
    output.say("")
    for remark in offered.remarks:
        output.say(remark)
    worked_on = [track for track in offered.tracks if track.track in kept.worked_on]
    left = f"; left alone, in quarantine: {', '.join(kept.tracks)}" if kept.tracks else ""
    if not worked_on:
        output.say(f"NO WORK AVAILABLE{left}")
        return
    expected = forecast(worked_on, agents)
    output.say(f"a run takes on {', '.join(track.track for track in worked_on)}{left}")
    output.say(f"with {agents} at once it starts with {', '.join(expected.first)}")
    for line in _expected(expected, len(worked_on), agents):
        output.say(line)


def _expected(expected: Forecast, tracks: int, agents: int) -> Iterator[str]:
    """Yield how long it would take, and what that stands on."""
    faster = f"{expected.sequential / expected.parallel:.1f} times as fast"
    path = expected.critical_path
    shown = " -> ".join((*path[:_MOST_PATH], *([f"+{len(path) - _MOST_PATH}"] if len(path) > _MOST_PATH else ())))
    if expected.guessed == tracks:
        yield f"critical path: {shown} ({len(path)} of {tracks})"
        yield f"{agents} at once: {faster} as one after the other; no track says how long it takes, so all count alike"
        return
    yield f"critical path: {shown} (about {_long(expected.critical)})"
    yield (
        f"one after the other: about {_long(expected.sequential)}; {agents} at once: about "
        f"{_long(expected.parallel)}, {faster}"
    )
    if expected.guessed:
        mean = _long(expected.mean)
        yield f"{expected.guessed} of {tracks} do not say how long they take, and count as the mean, {mean}"


def _long(minutes: float) -> str:
    return brief(minutes * 60)
