"""Running a command so that whatever happens in it ends in an exit code, never in a traceback."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence

import click

from orchestrator.cli import output


def guarded(command: Callable[[], int], arguments: Sequence[str]) -> int:
    """Run a command and return its exit code. ``arguments`` are the user's words."""
    try:
        try:
            status = command()
        except click.exceptions.Exit as ended:
            status = ended.exit_code
        output.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the translator gives every one its words
        # Loaded by name: what is needed only after an error costs every other start nothing.
        status = importlib.import_module("orchestrator.cli.errors").translate(error, arguments)
        _drain()
    return status


def _drain() -> None:
    """Get rid of what cannot be printed any more: the interpreter would complain of it at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
