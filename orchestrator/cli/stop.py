"""``orchd stop``: end the daemon."""

import click

from orchestrator.cli import output, service
from orchestrator.cli.options import common


@click.command("stop")
@click.option(
    "--workers",
    is_flag=True,
    help="End the workers of the runs that the daemon drives too: TERM, a grace, KILL of each whole group.",
)
@common
def command(root: str, as_json: bool, workers: bool) -> None:
    """End the daemon and return once it has gone. Workers go on; the next daemon finds them.

    A run that a command of its own drives is ended by `orchd cancel RUN`; an `orchd run` that watches a run of the
    daemon drives that run itself from then on.
    """
    stopped = service.stop(root, workers=workers)
    if as_json:
        output.emit({"stopped": stopped})
    else:
        hint = "; `orchd cancel RUN` ends a run that is driven without one" if workers else ""
        output.say("the daemon has ended" if stopped else f"no daemon is running{hint}")
