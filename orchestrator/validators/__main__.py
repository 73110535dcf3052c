"""The program that looks at a working tree and judges by its exit status.

    python -P -m orchestrator.validators SPEC.json

It runs at the top of the working tree. What is wrong is said one line each on stdout. Exit status: 0 all is as it
should be, 1 something is missing or out of place, 9 it cannot be told, 64 for a wrong specification.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from orchestrator.core.outcome import FAILED, OK, REFUSED, USAGE
from orchestrator.core.text import visible
from orchestrator.errors import OrchdError, UsageError
from orchestrator.host import files
from orchestrator.validators import artifacts, diff
from orchestrator.validators.spec import Kind, Spec, decode

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of the largest specification that is read."""

CHECKS: Final[Mapping[Kind, Callable[[str, Spec], list[str]]]] = {
    "artifacts": artifacts.missing,
    "diff": diff.outside,
}
"""Each kind that judges by looking: the folder and what to look for in, a line for each fault out."""

_MOST_LINES: Final = 200


def _load(arguments: Sequence[str]) -> Spec:
    match arguments:
        case [path]:
            return decode(files.read(path, LARGEST).data)
    raise UsageError("usage: python -m orchestrator.validators SPEC.json")


def main(arguments: Sequence[str]) -> int:
    """Look, say what is wrong, and return the exit status."""
    try:
        spec = _load(arguments)
    except (OrchdError, FileNotFoundError) as error:
        text = error.message if isinstance(error, OrchdError) else f"there is no file {visible(arguments[0])}"
        sys.stderr.write(f"{text}\n")
        return USAGE
    try:
        faults = CHECKS[spec.kind](os.getcwd(), spec)
    except OrchdError as error:
        sys.stderr.write(f"{error.message}\n")
        return REFUSED
    except OSError as error:
        sys.stderr.write(f"{visible(error.filename or 'the working tree')}: {error.strerror}\n")
        return REFUSED
    if not spec.paths:
        sys.stdout.write("no paths were declared, so nothing was compared\n")
    rest = len(faults) - _MOST_LINES
    lines = [*faults[:_MOST_LINES], *([f"and {rest} more"] if rest > 0 else [])]
    sys.stdout.write("".join(f"{each}\n" for each in lines))
    return FAILED if faults else OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
