"""``orchd start``: the daemon."""

import click

from orchestrator.cli import output, service
from orchestrator.cli.options import common
from orchestrator.daemon.main import serve


@click.command("start")
@click.option("--foreground", is_flag=True, help="Stay in front and write the log to the terminal too.")
@common
def command(root: str, as_json: bool, foreground: bool) -> int:
    """Start the daemon in the background and return once it answers."""
    if foreground:
        return serve(root, foreground=True)
    show(service.start(root), as_json=as_json)
    return 0


def show(running: service.Running, *, as_json: bool) -> None:
    """Print where the daemon is."""
    if as_json:
        output.emit({"pid": running.pid, "socket": running.socket, "already": running.already})
        return
    what = "is already running" if running.already else "is running"
    output.say(f"the daemon {what}: process {running.pid}, socket {running.socket}")
