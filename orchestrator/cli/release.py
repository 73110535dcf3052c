"""``orchd release``: give a claimed track back."""

import click

from orchestrator.claims import FileClaims, Kept
from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.core.name import check_name
from orchestrator.errors import NotHeld
from orchestrator.state.journal import Journal


@click.command("release")
@click.argument("track")
@click.option("--token", required=True, metavar="T", help="The token that `orchd claim` printed.")
@common
def command(root: str, as_json: bool, track: str, token: str) -> None:
    """Give TRACK back. The second time is harmless."""
    check_name("track", track)
    answer = FileClaims(root, journal=Journal(root).write).release(track, token)
    if isinstance(answer, Kept):
        raise NotHeld(f"{track} is not held by that token: {answer.why}", hint="`orchd locks` shows who holds what")
    if as_json:
        output.emit({"track": track, "released": True})
    else:
        output.say(f"{track}: {answer.why if answer.again else 'released'}")
