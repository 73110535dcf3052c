"""``orchd approve``: the gates of a run, opened by a person."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TypedDict, Unpack

import click

from orchestrator.cli import asking, attending, gates, named_run, output
from orchestrator.cli.gates import GATES, Opening
from orchestrator.cli.hints import resuming
from orchestrator.cli.options import common
from orchestrator.core.run import Gate, RunRecord
from orchestrator.daemon.instance import is_taken
from orchestrator.errors import UsageError
from orchestrator.state import results
from orchestrator.state.layout import Layout


class Wishes(TypedDict):
    """The options of the command."""

    run: str
    gate: Gate | None
    yes: bool
    as_json: bool


@click.command("approve")
@click.argument("run")
@click.option("--gate", type=click.Choice(GATES), help="This gate, also before the run gets there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def command(root: str, **wishes: Unpack[Wishes]) -> None:
    """Open the gate that RUN waits at: its start, or its push. What that sets going is shown, and only y opens it."""
    asking.refuse_agents(root, "open a gate")
    layout = Layout(root)
    record = named_run.read(layout, wishes["run"])
    closed = gates.closed(layout, record)
    wanted = [each for each in closed if (each.gate == wishes["gate"] if wishes["gate"] else each.waits)]
    if not wanted:
        _say_nothing(layout, record, closed, wishes)
        return
    for number, opening in enumerate(wanted, 1):
        for line in gates.described(number, opening):
            click.echo(line, err=True)
    if not wishes["yes"]:
        _ask(record)
    opened = [each.gate for each in wanted]
    gates.open_up(layout, record.run, opened)
    driven = is_taken(layout.run(record.run).conductor) or attending.hand_over(root, record.run)
    if wishes["as_json"]:
        shown = [asdict(each) for each in wanted]
        output.emit({"run": record.run, "approved": opened, "actions": shown, "driven": driven})
        return
    output.say(f"run {record.run}: gate {' and '.join(opened)} opened")
    if not driven:
        output.say(f"nobody drives it now: `{resuming(record)}` goes on with it, and so does a daemon (`orchd start`)")


def _say_nothing(layout: Layout, record: RunRecord, closed: Sequence[Opening], wishes: Wishes) -> None:
    if wishes["as_json"]:
        output.emit({"run": record.run, "approved": [], "actions": [], "driven": is_taken(_conductor(layout, record))})
        return
    later = f"; gate {closed[0].gate} is closed, and `--gate {closed[0].gate}` opens it beforehand" if closed else ""
    over = "it is over" if results.has_ended(layout.run(record.run)) else "it waits at no gate"
    output.say(f"nothing to approve in run {record.run}: {over}{later}")


def _conductor(layout: Layout, record: RunRecord) -> str:
    return layout.run(record.run).conductor


def _ask(record: RunRecord) -> None:
    """Wait for y; anything else, and nobody, is a no."""
    if not (output.is_terminal(sys.stdin) and output.is_terminal(sys.stderr)):
        raise UsageError(
            f"run {record.run} is only approved after a yes, and nobody can be asked here", hint="add --yes"
        )
    said = click.prompt("Open? y", default="n", show_default=False, prompt_suffix=" ", err=True)
    if said.strip().lower() != "y":
        raise UsageError(f"run {record.run}: nothing was approved")
