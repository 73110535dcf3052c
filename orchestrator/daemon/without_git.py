"""Runs in a folder that is no repository: agents work in it, and what they did stands there."""

from typing import Final

from orchestrator.core.run import Outcome, RunRecord, RunTrack
from orchestrator.daemon import marks
from orchestrator.host import clock, files
from orchestrator.state.layout import Layout

COMMITTED: Final = "nothing was committed: this is no repository (isolation none)"
"""What is said of every track that passed, and of the push."""

WHERE: Final = "where its agent left it, in the root: without a repository there is no backup"
"""What is said of the work of one that did not."""


def finished(layout: Layout, record: RunRecord, track: RunTrack, attempt: int) -> Outcome:
    """Return the outcome of a track whose last step passed, and mark it done in its source."""
    with files.guard(f"{layout.runtime}/marks.guard", marks.WAIT, "the source (a track is being marked)"):
        note = marks.in_file(record, track)
    notes = "; ".join(each for each in (note, COMMITTED) if each)
    return Outcome(track.agent_id, track.track, "merged", clock.iso(), attempt, note=notes)
