"""Exit codes, in one place."""

from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator import errors
from orchestrator.core.run import Outcome, Publication

OK: Final = 0
PARTIAL: Final = 1
BELOW_THRESHOLD: Final = 2
NO_DAEMON: Final = 3
USAGE: Final = 64
BUG: Final = 70
HELD: Final = 75
NOT_HELD: Final = 76
INTERRUPTED: Final = 130

EXIT_OF: Final[Mapping[type[errors.OrchdError], int]] = {
    errors.UsageError: USAGE,
    errors.Held: HELD,
    errors.NotHeld: NOT_HELD,
    errors.Superseded: NOT_HELD,
    errors.CannotParse: 3,
    errors.NotIndependent: 4,
    errors.NoSpace: 7,
    errors.AgentUnavailable: 8,
    errors.OrchdError: 9,
}
"""The nearest class of an error names its exit code."""


def exit_of(error: errors.OrchdError) -> int:
    """Return the exit code of an error."""
    return next(EXIT_OF[each] for each in type(error).__mro__ if each in EXIT_OF)


def exit_of_run(outcomes: Sequence[Outcome], publication: Publication, threshold: float) -> int:
    """Return the exit code of a run: 0 all merged and published, 1 at least the threshold, 2 below it."""
    merged = sum(each.ended == "merged" for each in outcomes)
    if merged < threshold * len(outcomes):
        return BELOW_THRESHOLD
    return OK if merged == len(outcomes) and publication.state != "failed" else PARTIAL
