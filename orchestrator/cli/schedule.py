"""``orchd schedule``: a source again and again, never two runs of it at once, until there is no work."""

import os
import zlib
from copy import copy
from typing import Final

import click

from orchestrator.cli.options import common
from orchestrator.cli.run import command as run_command
from orchestrator.cli.scheduling import Schedule, Source
from orchestrator.core import duration
from orchestrator.core.cadence import Cadence
from orchestrator.core.name import slug
from orchestrator.core.text import visible
from orchestrator.errors import UsageError
from orchestrator.host import clock
from orchestrator.state.alone import alone
from orchestrator.state.layout import Layout

_OURS: Final = frozenset({"name", "root", "as_json", "dry_run", "resume", "retry", "skip_fatal", "detach"})
"""What a schedule says for itself, or what makes no sense again and again."""


def _passed_on() -> list[click.Parameter]:
    """Return the options of ``orchd run`` that a schedule hands on to each of its runs, checked by their types."""
    found: list[click.Parameter] = []
    for each in run_command.params:
        if isinstance(each, click.Option) and each.name not in _OURS:
            option = copy(each)
            option.callback = None
            found.append(option)
    return found


_PASSED_ON: Final = tuple(_passed_on())


def _seconds(_ctx: click.Context, param: click.Parameter, value: str) -> float:
    seconds = duration.parse(value)
    if not seconds:
        raise UsageError(f"{param.opts[0]} must be more than 0", hint="write 90 (seconds), 30s, 5m, 1h30m or 2d")
    return seconds


@click.command("schedule", params=list(_PASSED_ON))
@click.argument("name", metavar="SOURCE")
@click.option("--every", default="10m", show_default=True, metavar="D", callback=_seconds, help="How often to run.")
@click.option(
    "--for", "lasts", default="6h", show_default=True, metavar="D", callback=_seconds, help="No run begins after that."
)
@common
def command(root: str, as_json: bool, name: str, every: float, lasts: float, **given: object) -> int:
    """Run SOURCE again and again, as `orchd run` does, until there is no work or the time is over.

    A run that was interrupted, or that another process drives, is seen to its end instead of a second one. One that
    takes longer than its tick is followed at once; one that goes on when the time is over is finished. After the
    first run, what failed fatally is left alone until its text, the settings or the agent change. Ctrl-C ends the
    run that is going on as `orchd run` ends it, and then the schedule. The exit code is that of the worst run.
    """
    path = os.path.realpath(name)
    shown = visible(name, 200)
    lock = f"{slug(os.path.basename(path))}-{zlib.crc32(os.fsencode(path)):08x}.lock"
    with alone(f"{Layout(root).runtime}/schedules/{lock}", f"the schedule of {shown}"):
        source = Source(name, path, tuple(_words(given)))
        return Schedule(Layout(root), source, Cadence(clock.steady(), every, lasts), as_json=as_json).run()


def _words(given: dict[str, object]) -> list[str]:
    """Return the options as words for ``orchd run``; what a person did not say is not said."""
    words: list[str] = []
    for option in _PASSED_ON:
        value = given[option.name or ""]
        if isinstance(value, bool):
            words += option.opts[:1] if value else option.secondary_opts[:1]
        elif isinstance(value, tuple):
            words += [word for each in value for word in (option.opts[0], str(each))]
        elif value is not None:
            words += [option.opts[0], str(value)]
    return words
