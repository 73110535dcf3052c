"""Runs in which one track comes to a certain end: the first, the last, or the only one of its run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from orchestrator.core.result import Result
from orchestrator.core.run import Ended
from orchestrator.core.states import reachable
from orchestrator.state import results
from tests.cli.orchd import Ended as Said
from tests.daemon.seen import RUN, Seen
from tests.projects import git, names, roadmap
from tests.waiting import wait_for

Place = Literal["first", "last", "only"]
PLACES: Final[Sequence[Place]] = get_args(Place)

SETTINGS: Final = """\
[agent]
kind = "command"
env = {{ PATH = "tools:{path}" }}

[agent.command]
argv = ["agent"]

[run]
agents = {agents}
stagger = 0
retry_delay = 0
threshold = 0.5
grace = 1
cleanup = false
attempts = {attempts}
timeout = {timeout}
{run}
[daemon]
rescan = 0.5

{tables}
"""

AGENT: Final = """\
#!/bin/sh
. "{scripts}/$ORCHD_TRACK"
"""
"""Lies in the repository, so that each worktree has its own. What it does on a track is said elsewhere."""

GOOD: Final = '[ $ORCHD_PHASE != work ] || echo made > "$ORCHD_TRACK"\n'
HALF: Final = '[ $ORCHD_PHASE = work ] || exit 0\necho made > "$ORCHD_TRACK"\n'
"""What a script begins with that leaves something before it ends badly, in its first phase."""

ORCHD: Final = f"{sys.executable} -P -m orchestrator"


@dataclass(frozen=True, slots=True)
class Ending:
    """What an agent does on a track, and what has to come of it.

    ``error`` and ``cause`` are parts of the error and of what the report says of its cause. ``attempts`` are the
    causes of those on record. ``keeps``: where its work stands then. ``run`` and ``tables`` are settings. ``during`` is
    what happens meanwhile; ``resumes``: whoever drove the run is dead then. ``states`` are some that it passes.
    """

    does: str
    ended: Ended = "failed"
    error: str = ""
    cause: str = ""
    attempts: Sequence[str] = ("first",)
    keeps: Literal["", "backup", "branch"] = "backup"
    most: int = 1
    agents: int = 1
    timeout: int = 60
    run: str = ""
    tables: str = ""
    during: "Callable[[Case], None]" = lambda _case: None
    resumes: bool = False
    states: Sequence[str] = ()
    status: int | None = None


class Case(Seen):
    """One run with a track that ends so, at a place; every other track in it is a good one."""

    def __init__(self, folder: Path, ending: Ending, place: Place) -> None:
        self.ending, self.place = ending, place
        self.tracks = names(1 if place == "only" else 2)
        self.number = 2 if place == "last" else 1
        self.track = self.tracks[self.number - 1]
        self.driver: subprocess.Popen[str]
        settings = SETTINGS.format(
            path=os.environ["PATH"],
            attempts=ending.most,
            agents=ending.agents,
            timeout=ending.timeout,
            run=ending.run,
            tables=ending.tables.format(track=self.track),
        )
        super().__init__(
            folder / place, roadmap(*(f"T{each}" for each, _ in enumerate(self.tracks, 1))), {}, settings=settings
        )
        self._equip(folder / place / "scripts")

    def _equip(self, scripts: Path) -> None:
        scripts.mkdir()
        for track in self.tracks:
            (scripts / track).write_text(self.ending.does if track == self.track else GOOD)
        self.write("tools/agent", AGENT.format(scripts=scripts)).chmod(0o755)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=tools")
        self.git("push", "--quiet")
        self.pushed = self.pushes()

    @contextmanager
    def driven(self, *words: str) -> Iterator[None]:
        """Have ``orchd run`` drive the run for the block."""
        with self.running("run", "ROADMAP.md", "--json", *words) as self.driver:
            yield

    def end(self) -> Said:
        """Return how the run ended; another process takes it up where its driver is dead."""
        if self.ending.resumes:
            return self("run", "ROADMAP.md", "--json", "--resume")
        out, err = self.driver.communicate(timeout=60)
        return Said(self.driver.returncode, out, err)

    def ready(self) -> int:
        """Wait until the agent says that it is ready; return its worker."""
        wait_for(lambda: "ready" in self.log(self.track), 30, f"{self.track} ({self.place}) ready")
        return self.wait_for_owner(self.number)

    def result(self) -> Result:
        """Return what is on record of the attempts at the track."""
        found = results.read_result(self.paths.result(f"agent-{self.number}"))
        return found or Result("", self.track)

    def has(self, revision: str) -> bool:
        """Tell whether what the agent made on the track is in a revision."""
        with suppress(subprocess.CalledProcessError):
            return self.git("show", f"{revision}:{self.track}") == "made"
        return False

    @property
    def worktree(self) -> Path:
        """Where the track was worked on."""
        return self.root / "worktrees" / f"agent-{self.number}"

    def check(self, said: Said) -> None:
        """Check everything that is to be so at the end, whatever the ending."""
        assert said.status == self.status(), (said.out, said.err)
        assert said.document["exit"] == said.status
        ended = self.outcome(self.number)
        assert ended is not None
        assert (ended.ended, self.ending.error in ended.error) == (self.ending.ended, True), ended
        assert self.outcomes() == [self.ending.ended if each == self.track else "merged" for each in self.tracks]
        assert [each.cause for each in self.result().attempts] == list(self.ending.attempts)
        self._check_work()
        self._check_states()
        self._check_report()
        self.is_sound()

    def status(self) -> int:
        """Return the exit status that the run has to end with."""
        if not self.is_bad:
            return 0
        if self.ending.status is not None:
            return self.ending.status
        return 2 if self.place == "only" else 1

    def _check_work(self) -> None:
        """Nothing is lost and nothing is left over; what is on main was pushed, once."""
        merged = self.outcomes().count("merged")
        for on_main in (self.git("ls-tree", "--name-only", "main"), git(self.remote, "ls-tree", "--name-only", "main")):
            assert [each for each in self.tracks if each not in on_main.split()] == [self.track] * self.is_bad
        assert self.git("show", "main:ROADMAP.md").count("[DONE]") == merged + (merged == len(self.tracks))
        assert self.pushes() - self.pushed == min(merged, 1)
        left = [f"agent-{self.number}"] * self.is_bad
        assert sorted(each.name for each in (self.root / "worktrees").iterdir()) == left
        self._check_kept()

    def _check_kept(self) -> None:
        ended = self.outcome(self.number)
        assert ended is not None
        branches = [each for each in self.git("branch", "--format=%(refname:short)").splitlines() if each != "main"]
        if not self.is_bad:
            assert (branches, ended.kept) == ([], "")
            return
        (branch,) = branches
        assert f"worktrees/agent-{self.number}, branch {branch}" in ended.kept
        backup = f"refs/orchd/backup/{RUN}/{self.track}/{len(self.ending.attempts)}"
        assert (backup in ended.kept) == (self.ending.keeps == "backup")
        if self.ending.keeps:
            assert self.has(branch if self.ending.keeps == "branch" else backup)
            assert (self.worktree / self.track).read_text() == "made\n"

    def _check_states(self) -> None:
        """Every change on record is one that the table of states knows, and the last state is the end."""
        changes = [each for each in self.events("track.changed") if each["track"] == self.track]
        assert [each for each in changes if each["to"] not in reachable(each["from"])] == []
        passed = [each["to"] for each in changes if each["to"] != "done"]
        assert self.ending.resumes or passed[-1] == self.ending.ended, passed
        assert [each["track"] for each in self.events(f"track.{self.ending.ended}")].count(self.track) == 1
        assert set(self.ending.states) <= set(passed), passed

    def _check_report(self) -> None:
        figures, merged = self.metrics(), self.outcomes().count("merged")
        late = self.is_bad and self.ending.error.startswith("TIMEOUT")
        assert (figures["total_sub_tasks"], figures["successful_agents"]) == (len(self.tracks), merged)
        assert figures["timeout_agents"] == late
        assert figures["failed_agents"] == len(self.tracks) - merged - late
        assert figures["attempts"] == len(self.ending.attempts) + len(self.tracks) - 1
        own = json.loads(self.run_file(f"agent-{self.number}.metrics.json").read_bytes())
        assert (own["ended"], own["attempts"]) == (self.ending.ended, len(self.ending.attempts))
        good, _, rest = self.run_file("summary.md").read_text().partition("### Failed Tasks")
        bad = rest.partition("### Next Steps")[0]
        assert (self.track in good, self.track in bad) == (not self.is_bad, self.is_bad)
        assert self.ending.cause in bad, bad

    @property
    def is_bad(self) -> bool:
        """Whether the track is not merged."""
        return self.ending.ended != "merged"


def kill(pid: int) -> None:
    """End a process at once."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
