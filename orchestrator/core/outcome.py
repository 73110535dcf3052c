"""Exit codes, in one place: those of the command, and of the programs that it starts."""

from collections.abc import Mapping
from typing import Final

from orchestrator import errors

OK: Final = 0
PARTIAL: Final = 1
"""A run merged not all, but enough; a check found something."""
FAILED: Final = 1
"""A worker, a phase: it ended and did not do what it should."""
BELOW_THRESHOLD: Final = 2
NO_DAEMON: Final = 3
CANNOT_PARSE: Final = 3
NOT_INDEPENDENT: Final = 4
OUT_OF_TIME: Final = 6
"""A run lost a track because the time of the whole run was over."""
NO_SPACE: Final = 7
NO_AGENT: Final = 8
REFUSED: Final = 9
"""The machine, git or the daemon said no."""
USAGE: Final = 64
BUG: Final = 70
HELD: Final = 75
NOT_HELD: Final = 76
NOT_EXECUTABLE: Final = 126
NOT_STARTED: Final = 127
SIGNALLED: Final = 128
"""Added to the number of the signal that ended a program."""
INTERRUPTED: Final = SIGNALLED + 2
BROKEN_PIPE: Final = SIGNALLED + 13
"""Whoever read our output has gone: what a shell shows for SIGPIPE."""

TIME_IS_OVER: Final = "TIMEOUT: the time of the whole run is over"
"""What stands in the error of every track that a run had no time left for."""

NOT_ITS_FAULT: Final = (
    TIME_IS_OVER,
    "RESOURCE_ERROR: the budget of the run ",
    "RESOURCE_ERROR: the budget of the day ",
)
"""Errors begin so that the whole run met: they say nothing about the track."""

EXIT_OF: Final[Mapping[type[errors.OrchdError], int]] = {
    errors.UsageError: USAGE,
    errors.Held: HELD,
    errors.NotHeld: NOT_HELD,
    errors.Superseded: NOT_HELD,
    errors.CannotParse: CANNOT_PARSE,
    errors.NotIndependent: NOT_INDEPENDENT,
    errors.NoSpace: NO_SPACE,
    errors.AgentUnavailable: NO_AGENT,
    errors.OrchdError: REFUSED,
}
"""The nearest class of an error names its exit code."""


def exit_of(error: errors.OrchdError) -> int:
    """Return the exit code of an error."""
    return next(EXIT_OF[each] for each in type(error).__mro__ if each in EXIT_OF)


def exit_of_child(code: int) -> int:
    """Return how a shell would show the end of a child; ``code`` is negative for the signal that ended it."""
    return code if code >= 0 else SIGNALLED - code
