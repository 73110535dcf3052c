"""``orchd retry``: what a run did not finish, once more."""

from typing import Unpack

import click

from orchestrator.cli import carrying, named_run, publishing, retrying
from orchestrator.cli.options import common
from orchestrator.cli.wishes import How, carrying_out
from orchestrator.state.layout import Layout


@click.command("retry")
@click.argument("run")
@carrying_out
@common
def command(root: str, run: str, **how: Unpack[How]) -> int:
    """Begin a run of the tracks that RUN did not finish: failed, in conflict, cancelled or in quarantine.

    Each goes on with its branch and in its worktree, where they stand. Options (time limits, attempts, gates and
    so on), validators and how the agent is started are what orchestrator.toml says now. What the command line of RUN
    said holds, as does its kind of agent, unless told otherwise here. What is other than in RUN is said. Where no
    track is left and what RUN merged could not be published, that alone is done again.
    """
    layout = Layout(root)
    former = named_run.read(layout, run)
    record = retrying.accepted(layout, former, how)
    if record is None and publishing.is_due(layout, former):
        return publishing.again(layout, former, as_json=how["as_json"])
    if record is None:
        return carrying.nothing(f"nothing of run {run} is left to retry", as_json=how["as_json"])
    if how["detach"]:
        return carrying.detached(layout, record, as_json=how["as_json"])
    return carrying.carry(layout, record, as_json=how["as_json"])
