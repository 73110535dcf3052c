"""One thing that `orchd doctor` found, and what to do about it."""

from dataclasses import dataclass

from orchestrator.errors import OrchdError


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and the cure; both one line that is safe to show."""

    what: str
    cure: str


def of_error(error: OrchdError) -> Finding:
    """Return what an error says as a finding."""
    return Finding(error.message, error.hint or "see what it says, and look again")
