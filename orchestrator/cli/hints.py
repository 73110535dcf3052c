"""Commands that several messages name as the next step."""

import shlex

from orchestrator.core.run import RunRecord
from orchestrator.core.text import visible

_LONGEST = 500


def resuming(record: RunRecord) -> str:
    """Return the command that goes on with a run, or watches it where another process drives it."""
    return f"orchd run {shlex.quote(visible(record.source, _LONGEST))} --resume"


def lifting(source: str) -> str:
    """Return the command that takes up what is in quarantine too."""
    return f"orchd run {shlex.quote(visible(source, _LONGEST))} --retry"
