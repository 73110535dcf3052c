"""The exit code of a run, from how its tracks ended. Apart from the codes: every worker imports those."""

from collections.abc import Sequence

from orchestrator.core.outcome import BELOW_THRESHOLD, OK, OUT_OF_TIME, PARTIAL, TIME_IS_OVER
from orchestrator.core.run import Outcome, Publication


def exit_of_run(outcomes: Sequence[Outcome], publication: Publication, threshold: float) -> int:
    """Return the exit code of a run: 0 all merged and published, 1 at least the threshold, 2 below it.

    6 says more than these two: what was not merged had no time left. A command to publish by hand is what was not done.
    """
    if any(each.ended == "failed" and each.error.startswith(TIME_IS_OVER) for each in outcomes):
        return OUT_OF_TIME
    merged = sum(each.ended == "merged" for each in outcomes)
    if merged < threshold * len(outcomes):
        return BELOW_THRESHOLD
    published = publication.state != "failed" and not publication.command
    return OK if merged == len(outcomes) and published else PARTIAL
