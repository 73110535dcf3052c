"""``orchd``: the entry point."""

import os
import sys
from typing import Final

import click

from orchestrator import __version__
from orchestrator.cli import output
from orchestrator.cli.guarded import guarded
from orchestrator.cli.lazy import LazyGroup
from orchestrator.cli.options import of_group

PROGRAM: Final = "orchd"
_COMPLETION: Final = "_ORCHD_COMPLETE"


@click.group(PROGRAM, cls=LazyGroup)
@of_group
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli(root: str | None, as_json: bool) -> None:
    """Many coding agents at once in one repository, none in another's way."""


def main() -> int:
    """Run the command that the arguments name and return its exit code."""
    output.settle()
    return guarded(_run, sys.argv[1:])


def _run() -> int:
    if os.environ.get(_COMPLETION):
        cli.main(prog_name=PROGRAM, standalone_mode=False)
    with cli.make_context(PROGRAM, sys.argv[1:]) as context:
        status = cli.invoke(context)
    return status if isinstance(status, int) else 0
