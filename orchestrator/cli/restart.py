"""``orchd restart``: another daemon in the place of this one."""

import click

from orchestrator.cli import service
from orchestrator.cli.options import common
from orchestrator.cli.start import show


@click.command("restart")
@common
def command(root: str, as_json: bool) -> None:
    """Stop the daemon, if one is running, and start it again. Workers go on."""
    service.stop(root, workers=False)
    show(service.start(root), as_json=as_json)
