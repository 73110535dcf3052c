"""Runs that were accepted and that nobody drives yet, in a real repository with a bare remote."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.core.run import Agent, Options, Outcome, RunRecord, RunTrack
from orchestrator.errors import DaemonUnavailable
from orchestrator.host import others
from orchestrator.state import results
from orchestrator.state.layout import IGNORED, Layout, RunLayout
from orchestrator.wire.client import call
from orchestrator.wire.messages import Adopt
from tests.projects import Site, git, names, roadmap, script, writes
from tests.waiting import wait_for

RUN = "roadmap"


class Accepted(Site):
    """A project with a run of some tracks, on record and untouched. ``scripts`` are those of its tracks, in order.

    Each script begins with a line in the log, ``begun``, so that it can be told how often it ran.
    """

    def __init__(
        self, folder: Path, scripts: Sequence[str], options: Mapping[str, object] | None = None, *, remote: bool = True
    ) -> None:
        titles = [f"T{number}" for number in range(1, len(scripts) + 1)]
        self.tracks = names(len(scripts))
        begun = script('print = "begun"')
        text = roadmap(*titles)
        super().__init__(
            folder, text, dict(zip(self.tracks, (begun + each for each in scripts), strict=True)), remote=remote
        )
        exclude = self.root / ".git" / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text("".join(f"{line}\n" for line in IGNORED))
        self.record = self.accept(RUN, options or {})

    @property
    def layout(self) -> Layout:
        """The paths of the project."""
        return Layout(str(self.root))

    @property
    def paths(self) -> RunLayout:
        """The files of the run."""
        return self.layout.run(RUN)

    def accept(self, run: str, options: Mapping[str, object]) -> RunRecord:
        """Put a run of all tracks on record."""
        tracks = tuple(self._track(run, number, track) for number, track in enumerate(self.tracks, 1))
        chosen = Options(stagger_seconds=0.0, grace_seconds=1.0, attempts=1, cleanup=False)
        record = RunRecord(
            run=run,
            orchestration_id=f"orch-{run}-20260131-120000",
            source=str(self.root / "ROADMAP.md"),
            source_kind="roadmap",
            created_at="2026-01-31T12:00:00.000Z",
            target_branch="main",
            base=self.git("rev-parse", "main"),
            remote="origin" if self.remote.exists() else None,
            agent=Agent("scripted", scripts=str(self.root / "agents")),
            options=replace(chosen, **options),  # type: ignore[arg-type]  # the tests name real fields
            tracks=tracks,
        )
        assert results.write_run(self.layout.run(run), record)
        with suppress(DaemonUnavailable):
            call(str(self.root), Adopt(run))
        return record

    def _track(self, run: str, number: int, track: str) -> RunTrack:
        name = f"t{number}" if run == RUN else f"{run}-t{number}"
        return RunTrack(
            agent_id=f"agent-{number}",
            track=track,
            title=f"T{number}",
            branch=f"feat/{name}",
            worktree=str(self.root / "worktrees" / name),
            group="A",
            number=str(number),
        )

    def outcome(self, number: int) -> Outcome | None:
        """Return how a track ended, None before."""
        return results.read_outcome(self.paths.outcome(f"agent-{number}"))

    def outcomes(self) -> list[str]:
        """Return how each track ended, in the order of the plan."""
        found = (self.outcome(number) for number in range(1, len(self.tracks) + 1))
        return [each.ended for each in found if each is not None]

    def wait_for_end(self, seconds: float = 30) -> "Accepted":
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

    def is_done_once(self) -> None:
        """Check that every track was carried out, merged and pushed, and no part of it twice."""
        count = len(self.tracks)
        assert self.outcomes() == ["merged"] * count
        assert sorted(self.subjects()) == [
            *(f"Implement T{number} - Group A, Track {number}" for number in range(1, count + 1)),
            "start",
        ]
        assert len(self.git("log", "--merges", "--format=%s", "main").splitlines()) == count
        assert [self.log(track).splitlines().count("begun") for track in self.tracks] == [1] * count
        assert self.git("show", "main:ROADMAP.md").count("[DONE]") == count + 1
        assert (self.pushes(), self.metrics()["publication"]) == (1, "pushed")
        assert git(self.remote, "rev-parse", "main") == self.git("rev-parse", "main")
        assert self.git("branch", "--format=%(refname:short)") == "main"
        assert list((self.root / "worktrees").iterdir()) == []
        self.is_sound()


def makes(number: int, *more: str) -> str:
    """Return a script that makes a file of its own, and whatever else is said before."""
    return script(*more, writes(f"{number}.txt"))
