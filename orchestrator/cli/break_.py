"""``orchd break``: an operator frees a claim that cannot be judged."""

import sys

import click

from orchestrator.claims import FileClaims, Kept, Seen
from orchestrator.cli import output
from orchestrator.cli.lock_record import fields
from orchestrator.cli.options import common
from orchestrator.core.name import check_name
from orchestrator.core.text import visible
from orchestrator.errors import NotHeld, UsageError
from orchestrator.host import clock
from orchestrator.state.journal import Journal


@click.command("break")
@click.argument("track")
@click.option(
    "--token", required=True, metavar="T", help="The token that `orchd locks --json` shows: exactly this claim."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def command(root: str, as_json: bool, track: str, token: str, yes: bool) -> None:
    """Free TRACK although its owner is not provably dead: a foreign host, a file that cannot be read.

    Whoever worked on it may still be at work; see to it that nobody is. A living owner keeps it.
    """
    check_name("track", track)
    store = FileClaims(root, journal=Journal(root).write)
    seen = store.read(track)
    if seen is not None and seen.token == token:
        _check_not_alive(seen)
        if not yes:
            _ask(seen)
    answer = store.break_(track, token)
    if isinstance(answer, Kept):
        raise NotHeld(f"{track} is not held by that token: {answer.why}", hint="look again with `orchd locks --json`")
    if as_json:
        output.emit({"track": track, "broken": True, "was": fields(seen, clock.wall_ns()) if seen else None})
    else:
        output.say(f"{track}: {answer.why}")


def _check_not_alive(seen: Seen) -> None:
    """Refuse to let a second owner in beside one that lives."""
    if seen.verdict.state == "alive":
        raise UsageError(
            f"{seen.track} stays as it is, its owner lives: {seen.verdict.why}",
            hint=f"end process {seen.record.pid}, and its claim goes; an owner gives it back with `orchd release`",
        )


def _ask(seen: Seen) -> None:
    """Show what would be freed and wait for a yes."""
    if not output.is_terminal(sys.stdin):
        raise UsageError(f"{seen.track} is only freed after a yes, and nobody can be asked here", hint="add --yes")
    lock = fields(seen, clock.wall_ns())
    for name in ("track", "state", "why", "owner", "pid", "host", "claimed_at"):
        click.echo(f"{name:<12}{visible(str(lock[name]))}", err=True)
    if not click.confirm("Free it?", err=True):
        raise UsageError(f"{seen.track} stays as it is")
