"""``orchd logs``: what the agent on a track prints."""

import os

import click

from orchestrator.cli import output, tail
from orchestrator.cli.options import common
from orchestrator.core.name import check_name
from orchestrator.errors import NotFound, Unreadable
from orchestrator.state.layout import Layout


@click.command("logs")
@click.argument("track")
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until Ctrl-C.")
@common
def command(root: str, as_json: bool, track: str, follow: bool) -> None:
    """Show what the agent on TRACK printed, control characters escaped; the file itself is as it was written."""
    path = Layout(root).log(check_name("track", track))
    if not follow and not os.path.lexists(path):
        raise NotFound(
            f"no agent has printed anything for {track} yet", hint="`orchd locks` and `orchd runs` show what there is"
        )
    try:
        for lines in tail.batches(path, follow=follow):
            for line in lines:
                _show(line.decode("utf-8", "backslashreplace"), as_json=as_json)
            output.flush()
    except Unreadable as error:
        raise Unreadable(
            f"the log of {track} cannot be read: {error.message}", hint=f"look at orchestrator_logs/{track}.log"
        ) from error


def _show(line: str, *, as_json: bool) -> None:
    if as_json:
        output.emit({"line": line})
    else:
        output.say(line.rstrip("\r").expandtabs())
