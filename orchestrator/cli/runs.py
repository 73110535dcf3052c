"""``orchd runs``: every run."""

from collections.abc import Mapping, Sequence
from typing import Final

import click

from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.cli.run_files import RunFile, recorded
from orchestrator.daemon.instance import is_taken
from orchestrator.state.layout import Layout

_COLUMNS: Final = ("run", "state", "tracks", "succeeded", "created_at", "ended_at")


@click.command("runs")
@common
def command(root: str, as_json: bool) -> None:
    """Show every run, the newest first; `orchd status` shows the tracks of those that have not ended."""
    layout = Layout(root)
    runs = [_fields(each, _state(layout, each)) for each in recorded(layout)]
    if as_json:
        output.emit({"runs": runs})
    elif runs:
        output.write(output.table(_COLUMNS, map(_row, runs)))
    else:
        output.say("no runs")


def _state(layout: Layout, run: RunFile) -> str:
    if run.ended:
        return "ended"
    return "running" if is_taken(layout.run(run.run).conductor) else "unattended"


def _fields(run: RunFile, state: str) -> Mapping[str, object]:
    return {
        "run": run.run,
        "state": state,
        "tracks": run.tracks,
        "succeeded": run.succeeded,
        "source": run.source or None,
        "created_at": run.created_at or None,
        "ended_at": run.ended_at or None,
    }


def _row(run: Mapping[str, object]) -> Sequence[str]:
    return ["-" if run[column] is None else str(run[column]) for column in _COLUMNS]
