"""A project with a run in it, and what can be seen of that: its files, its workers, its journal."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from orchestrator.core.run import Outcome
from orchestrator.host import others
from orchestrator.state import results
from orchestrator.state.layout import Layout, RunLayout
from tests.projects import Site, git
from tests.waiting import wait_for

RUN = "roadmap"


class Seen(Site):
    """What can be seen of the run of some ``tracks``, in the order of the plan."""

    tracks: Sequence[str]

    @property
    def layout(self) -> Layout:
        """The paths of the project."""
        return Layout(str(self.root))

    @property
    def paths(self) -> RunLayout:
        """The files of the run."""
        return self.layout.run(RUN)

    def outcome(self, number: int) -> Outcome | None:
        """Return how a track ended, None before."""
        return results.read_outcome(self.paths.outcome(f"agent-{number}"))

    def outcomes(self) -> list[str]:
        """Return how each track ended, in the order of the plan."""
        found = (self.outcome(number) for number in range(1, len(self.tracks) + 1))
        return [each.ended for each in found if each is not None]

    def wait_for_end(self, seconds: float = 30) -> Self:
        """Wait until the run has its report."""
        wait_for(Path(self.paths.metrics).exists, seconds, "the report of the run")
        return self

    def metrics(self) -> dict[str, Any]:
        """Return the figures of the run."""
        figures: dict[str, Any] = json.loads(Path(self.paths.metrics).read_bytes())
        return figures

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the journal's entries of one kind."""
        path = self.root / "runtime" / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]

    def owner(self, number: int) -> int | None:
        """Return the pid of the worker that holds a track, None where nobody does."""
        with suppress(FileNotFoundError):
            pid = json.loads(self.lock(self.tracks[number - 1]).read_bytes())["pid"]
            return pid if isinstance(pid, int) else None
        return None

    def wait_for_owner(self, number: int) -> int:
        """Wait for the worker of a track; return its pid."""
        return wait_for(lambda: self.owner(number), 20, f"the worker of track {number}") or 0

    def descendants(self) -> set[int]:
        """Return everything that lives and was started by an agent of this project."""
        return set(others.carrying({"ORCHD_ROOT": str(self.root)}))

    def is_sound(self) -> None:
        """Check that the repository is whole and the person's checkout clean, and nobody is left."""
        assert git(self.root, "fsck", "--full", "--strict", "--no-dangling", "--no-progress") == ""
        assert self.git("status", "--porcelain") == ""
        assert self.locks() == []
        wait_for(lambda: self.descendants() == set(), 5, "every process of an agent gone")
