"""``orchd events``: the journal."""

from collections.abc import Mapping
from typing import Final

import click

from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.state import journal

SHOWN: Final = 10_000
"""So many of the newest events are shown; the files hold them all."""

FOLLOWED: Final = 20
"""So many come before the new ones with --follow."""

_HEAD: Final = ("v", "at", "event", "track")


@click.command("events")
@click.option("-f", "--follow", is_flag=True, help="Show the newest, then wait for more, until Ctrl-C.")
@common
def command(root: str, as_json: bool, follow: bool) -> None:
    """Show what happened, oldest first."""
    for event in journal.follow(root, last=FOLLOWED) if follow else journal.tail(root, SHOWN):
        if as_json:
            output.emit(event)
        else:
            output.say(_line(event))
        if follow:
            output.flush()


def _line(event: Mapping[str, object]) -> str:
    head = f"{event.get('at', '-')}  {event.get('event', '-'):<18} {event.get('track', '')}".rstrip()
    rest = " ".join(f"{name}={value}" for name, value in event.items() if name not in _HEAD and value is not None)
    return f"{head}  {rest}" if rest else head
