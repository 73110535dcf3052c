"""``orchd status``: the daemon, the runs, and who needs a person."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import click

from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.core.listing import some
from orchestrator.core.outcome import NO_DAEMON
from orchestrator.daemon.snapshot import snapshot
from orchestrator.errors import DaemonUnavailable
from orchestrator.state.layout import Layout
from orchestrator.wire.client import call
from orchestrator.wire.messages import Ping, Status

_COLUMNS: Final = ("track", "agent_id", "state", "phase", "attempt", "percent", "outcome", "why")
COLOURS: Final = {
    "running": "green",
    "validating": "green",
    "merged": "green",
    "done": "green",
    "failed": "red",
    "quarantined": "red",
    "conflict": "yellow",
    "blocked": "yellow",
    "parked": "yellow",
    "needs_input": "yellow",
}

_MOST_FILES: Final = 5

HEARD: Final = 2.0
"""Seconds for a daemon to say that it is there."""

ANSWERED: Final = 60.0
"""Seconds for it to look at everything; thousands of tracks take a while."""

Fields = Mapping[str, object]


@click.command("status")
@common
def command(root: str, as_json: bool) -> int:
    """Show the daemon, every run with its tracks, and what needs a person; with no daemon, what the files say."""
    try:
        call(root, Ping(), HEARD)
        document: Fields = call(root, Status(), ANSWERED)
    except DaemonUnavailable:
        nobody = {"running": False, "pid": None, "socket": Layout(root).socket, "since": None, "version": None}
        document = {"daemon": nobody, **snapshot(root)}
    if as_json:
        output.emit(document)
    else:
        _show(document)
    daemon = document.get("daemon")
    return 0 if isinstance(daemon, Mapping) and daemon.get("running") else NO_DAEMON


def _show(document: Fields) -> None:
    daemon = document.get("daemon")
    output.say(f"daemon: {_daemon(daemon if isinstance(daemon, Mapping) else {})}")
    runs = list(_each(document, "runs"))
    for run in runs:
        output.say("")
        output.say(f"run {run.get('run')}: {run.get('state')}")
        rows = [[_cell(track, column) for column in _COLUMNS] for track in _each(run, "tracks")]
        output.write(output.table(_COLUMNS, rows, COLOURS))
    _list("conflicts ahead", [_ahead(each) for run in runs for each in _each(run, "conflicts_ahead")])
    _list("waiting for a person", list(_waiting(runs)))
    _list("problems", [f"{each.get('path')}: {each.get('reason')}" for each in _each(document, "problems")])


def _ahead(clash: Fields) -> str:
    files = clash.get("files")
    names = some([str(each) for each in files], _MOST_FILES) if isinstance(files, list) else ""
    return f"{clash.get('one')} with {clash.get('other')}: {names}"


def _daemon(daemon: Fields) -> str:
    if not daemon.get("running"):
        return "none answers; this is what the files say"
    return f"process {daemon.get('pid')}, version {daemon.get('version')}, since {daemon.get('since')}"


def _each(fields: Fields, key: str) -> Iterator[Fields]:
    value = fields.get(key)
    yield from (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else ()


def _waiting(runs: Sequence[Fields]) -> Iterator[str]:
    """Yield what people have to say: of a run as a whole, then of its tracks."""
    for run in runs:
        if run.get("waits"):
            yield f"run {run.get('run')}: {run['waits']}"
        asking = (each for each in _each(run, "tracks") if each.get("needs_input"))
        yield from (f"{each.get('track')}: {each['needs_input']}" for each in asking)


def _list(title: str, lines: Sequence[str]) -> None:
    if lines:
        output.say("")
        output.say(f"{title}:")
        for line in lines:
            output.say(f"  {line}")


def _cell(track: Fields, column: str) -> str:
    value = track.get(column)
    if value is None or value == "":
        return "-"
    return f"{value}%" if column == "percent" else str(value)
