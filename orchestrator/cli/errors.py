"""The one translator: whatever ended a command becomes at most two lines on stderr and an exit code."""

import errno
import importlib
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import click

from orchestrator.core import outcome
from orchestrator.core.text import visible
from orchestrator.errors import Held, OrchdError, UsageError
from orchestrator.host import files

_LONGEST: Final = 1000
_REFUSALS: Final = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOLCK,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What the machine may refuse anywhere; any other ``OSError`` that gets here is a bug."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is said of an error, and the exit code; ``holder`` is whose record stands in the way."""

    code: str
    message: str
    hint: str
    status: int
    holder: dict[str, object] | None = None


def translate(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what ended a command and return the exit code. ``arguments`` are the user's words."""
    match error:
        case KeyboardInterrupt() | click.Abort():
            return outcome.INTERRUPTED
        case BrokenPipeError():
            return outcome.BROKEN_PIPE
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    problem = _explained(error, own)
    _tell(problem, as_json="--json" in own)
    return problem.status


def _explained(error: BaseException, arguments: Sequence[str]) -> Problem:
    match error:
        case click.ClickException():
            return _usage(error)
        case OrchdError():
            holder = error.holder if isinstance(error, Held) else None
            return Problem(error.code, error.message, error.hint, outcome.exit_of(error), holder)
        case OSError(errno=number) if number in _REFUSALS:
            place = error.filename  # a descriptor where the system only knows that
            named = isinstance(place, str | bytes)
            what = f"cannot use {visible(os.fsdecode(place), 200)}" if named else "the machine refused"
            refusal = files.failure(error, what)
            return Problem(refusal.code, refusal.message, refusal.hint, outcome.exit_of(refusal))
        case _:
            return _bug(error, arguments)


def _usage(error: click.ClickException) -> Problem:
    """Say what click found; it repeats the user's words as they are."""
    said = error.format_message()
    hint = "see `orchd --help`"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        said = "which command?"
    elif isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"see `{error.ctx.command_path} --help`"
    return Problem(UsageError.code, said[:1].lower() + said[1:], hint, outcome.USAGE)


def _bug(error: BaseException, arguments: Sequence[str]) -> Problem:
    # Loaded by name: what is needed only for a bug costs every other error nothing.
    what, where = importlib.import_module("orchestrator.cli.crash").report(error, arguments)
    return Problem("bug", what, where, outcome.BUG)


def _tell(problem: Problem, *, as_json: bool) -> None:
    message, hint = visible(problem.message, _LONGEST), visible(problem.hint, _LONGEST)
    text = f"orchd: {message}\n" + (f"  hint: {hint}\n" if hint else "")
    if as_json:
        fields: dict[str, object] = {"code": problem.code, "message": message, "hint": hint}
        if problem.holder is not None:
            fields["holder"] = problem.holder
        text = json.dumps({"error": fields}) + "\n"
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
