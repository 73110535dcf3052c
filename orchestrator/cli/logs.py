"""``orchd logs``: what the agent on a track prints."""

import os

import click

from orchestrator.claims import FileClaims
from orchestrator.cli import output, run_files, tail, views
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
    layout = Layout(root)
    path = layout.log(check_name("track", track))
    if not os.path.lexists(path):
        missing = _missing(layout, track)
        if not follow:
            raise missing
        views.remark(f"{missing.message}; waits for it, until Ctrl-C")
    try:
        for lines in tail.batches(path, follow=follow):
            for line in lines:
                _show(line.decode("utf-8", "backslashreplace"), as_json=as_json)
            output.flush()
    except Unreadable as error:
        raise Unreadable(
            f"the log of {track} cannot be read: {error.message}", hint=f"look at orchestrator_logs/{track}.log"
        ) from error


def _missing(layout: Layout, track: str) -> NotFound:
    """Return why there is no log: nobody printed anything, or nobody knows the track."""
    if FileClaims(layout.root).read(track) is None and not run_files.have(layout, track):
        return NotFound(
            f"no run, claim or log knows the track {track}",
            hint="`orchd status` shows the tracks of runs, `orchd locks` the claims, `orchd plan SOURCE` the others",
        )
    return NotFound(
        f"no agent has printed anything for {track} yet", hint="`orchd locks` and `orchd runs` show what there is"
    )


def _show(line: str, *, as_json: bool) -> None:
    if as_json:
        output.emit({"line": line})
    else:
        output.say(line.rstrip("\r").expandtabs())
