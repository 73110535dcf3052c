"""``orchd locks``: every claim, its state, and why."""

import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from orchestrator.claims import FileClaims
from orchestrator.cli import output
from orchestrator.cli.lock_record import fields
from orchestrator.cli.options import common
from orchestrator.core.duration import brief
from orchestrator.host import clock

COLOURS: Final = {"alive": "green", "dead": "red", "orphaned": "yellow", "unreadable": "yellow", "unknown": "yellow"}
_COLUMNS: Final = ("track", "state", "owner", "pid", "host", "age", "run", "fence", "why")
_EVERY: Final = 1.0
_CLEAR: Final = "\x1b[H\x1b[2J"


@click.command("locks")
@click.option("--stale", is_flag=True, help="Only claims whose owner is not known to be alive.")
@click.option("--watch", is_flag=True, help="Show them again every second, until Ctrl-C.")
@common
def command(root: str, as_json: bool, stale: bool, watch: bool) -> None:
    """Show every claim: track, state, owner, pid, host, age, run, fence, and why."""
    store = FileClaims(root)
    show = _show_json if as_json else _show_table
    show(_locks(store, stale=stale))
    while watch:
        output.flush()
        clock.pause(_EVERY)
        if output.is_terminal(sys.stdout):
            output.write(_CLEAR)
        show(_locks(store, stale=stale))


def _locks(store: FileClaims, *, stale: bool) -> list[dict[str, object]]:
    now = clock.wall_ns()
    return [fields(seen, now) for seen in store.list() if not (stale and seen.verdict.state == "alive")]


def _show_json(locks: Sequence[Mapping[str, object]]) -> None:
    output.emit({"locks": locks})


def _show_table(locks: Sequence[Mapping[str, object]]) -> None:
    if not locks:
        output.say("no claims")
        return
    output.write(output.table(_COLUMNS, ([_cell(lock, column) for column in _COLUMNS] for lock in locks), COLOURS))


def _cell(lock: Mapping[str, object], column: str) -> str:
    if column == "age":
        seconds = lock["age_seconds"]
        return brief(seconds) if isinstance(seconds, float) else "-"
    value = lock[column]
    return "-" if value is None else str(value)
