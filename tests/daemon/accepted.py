"""Runs that were accepted and that nobody drives yet, in a real repository with a bare remote."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from orchestrator.core.run import Agent, Options, RunRecord, RunTrack
from orchestrator.errors import DaemonUnavailable
from orchestrator.state import results
from orchestrator.state.layout import IGNORED
from orchestrator.wire.client import call
from orchestrator.wire.messages import Adopt
from tests.daemon.seen import RUN, Seen
from tests.projects import git, names, roadmap, script, writes


class Accepted(Seen):
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
