"""Runs that are over, made by hand: quick to make, and with every ending that one may have."""

import json
from pathlib import Path

from orchestrator.core.result import Attempt, Result, encode
from orchestrator.core.run import Ended, Outcome, RunRecord
from orchestrator.git import repository, worktree
from orchestrator.state import results
from tests.daemon.accepted import Accepted, makes
from tests.daemon.seen import RUN
from tests.projects import git

AT = "2026-01-31T12:00:07.000Z"


class Over(Accepted):
    """A project of some tracks with a run that has ended; none of them was merged unless that is said."""

    def __init__(self, folder: Path, count: int = 2) -> None:
        super().__init__(folder, [makes(number) for number in range(1, count + 1)], remote=False)

    def end(self, *endings: Ended, attempt: int = 1, run: str = RUN, error: str = "TEST_FAILURE: red") -> None:
        """Let the run end, each track in its way."""
        paths = self.layout.run(run)
        for number, ended in enumerate(endings, 1):
            said = "" if ended == "merged" else error
            outcome = Outcome(f"agent-{number}", self.tracks[number - 1], ended, AT, attempt, error=said)
            results.write_outcome(paths, outcome)
        Path(paths.metrics).write_text(json.dumps({"run": run, "total_sub_tasks": len(endings)}))

    def begin(self, number: int) -> Path:
        """Make the worktree of a track, with a commit and a file that is in none; return where it is."""
        track = self.record.tracks[number - 1]
        worktree.add(repository.survey(str(self.root)), track.worktree, track.branch, self.record.base)
        place = Path(track.worktree)
        (place / "half.txt").write_text("half\n")
        git(place, "add", "half.txt")
        git(place, "commit", "--quiet", "--message=half")
        (place / "rest.txt").write_text("rest\n")
        return place

    def asks(self, number: int, text: str) -> None:
        """Let the first attempt at a track end with a question."""
        attempt = Attempt(1, 1, "0" * 32, AT, finished=True, ended_at=AT, error=f"UNKNOWN: asked: {text}", asked=text)
        result = Result(f"agent-{number}", self.tracks[number - 1], (attempt,))
        Path(self.paths.result(result.agent_id)).write_bytes(encode(result))

    def record_of(self, run: str) -> RunRecord:
        """Return the record of a run."""
        return results.read_run(self.layout.run(run))
