"""A run that whoever drives it carries on to its end, in a process that dies when it comes to a certain git command.

The git that is found on PATH counts how often it is called. At the call that is meant it kills its caller: before it
does anything, while it does it, after it has done it, or it is killed with it.
"""

import json
import os
import shutil
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Final

from orchestrator.cli import cleaning
from orchestrator.core.actions import EndTrack, Integrate, StartWorker
from orchestrator.core.run import GitOptions, RunTrack
from orchestrator.daemon import finish, perform, probing
from orchestrator.git import commit, restore
from orchestrator.git.command import Git
from orchestrator.state import results
from tests.daemon.accepted import Accepted
from tests.projects import git, script

MODES: Final = ("before", "while", "after", "both")

COUNTING: Final = """\
#!/bin/sh
read number < {aside}/count
number=$((number + 1))
echo $number > {aside}/count
case "$number $*" in
{kill})
    case {mode} in
    before) kill -9 $PPID; exit 1;;
    while) kill -9 $PPID;;
    after) {git} "$@"; kill -9 $PPID; exit 1;;
    both) {git} "$@" <&0 & kill -9 $PPID; kill -9 $!; exit 1;;
    esac;;
esac
exec {git} "$@"
"""


class Killed(Accepted):
    """Three tracks: one is merged after a check, one is in conflict with it, one fails twice. All leave something."""

    def __init__(self, folder: Path) -> None:
        options = GitOptions(check=("true",))
        super().__init__(folder, [script() for _ in range(3)], {"git": options})
        self._equip(folder)

    def _equip(self, folder: Path) -> None:
        self.aside = folder / "aside"
        self.aside.mkdir()

    def moved(self, folder: Path) -> "Killed":
        """Return a copy at another place."""
        copy = object.__new__(Killed)
        copy.root, copy.remote, copy.tracks = folder / "project", folder / "remote.git", self.tracks
        shutil.copytree(self.root.parent, folder, symlinks=True)
        copy.git("remote", "set-url", "origin", str(copy.remote))
        copy.aside = folder / "aside"
        tracks = (replace(each, worktree=str(copy.root / "worktrees" / each.agent_id)) for each in self.record.tracks)
        copy.record = replace(self.record, source=str(copy.root / "ROADMAP.md"), tracks=tuple(tracks))
        Path(copy.paths.record).unlink()
        assert results.write_run(copy.paths, copy.record)
        return copy

    def drive(self, kill: str = "never", mode: str = "before") -> int:
        """Carry the run on in a process of its own, and return how it ended.

        ``kill`` is a pattern of the shell for the git command that it dies of: its number, and its words.
        """
        tool = self.aside / "bin" / "git"
        tool.parent.mkdir(exist_ok=True)
        (self.aside / "count").write_text("0\n")
        real = shutil.which("git")
        pattern = kill.replace(" ", "\\ ")
        tool.write_text(COUNTING.format(aside=self.aside, kill=pattern, mode=mode, git=real))
        tool.chmod(0o755)
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        status = 1
        try:
            os.environ["PATH"] = f"{tool.parent}:{os.environ['PATH']}"
            self._carry_on()
            status = 0
        except BaseException:  # noqa: BLE001  # this process is about to be gone
            (self.aside / "error").write_text(traceback.format_exc())
        finally:
            os._exit(status)

    def _carry_on(self) -> None:
        """Do what is left to do, as a daemon that was started again does."""
        open_ones = [each for each in self.record.tracks if self._outcome(each) is None]
        for track in open_ones:
            self._work(track)
        if len(open_ones) > 1:
            probing.look(self.layout, self.record, [each.agent_id for each in open_ones])
        for track in open_ones:
            self._end(track)
        if not Path(self.paths.metrics).exists():
            finish.finish(self.layout, self.record)
        scope = cleaning.Scope()
        for item in cleaning.plan(str(self.root), scope):
            if item.verdict.may_go:
                assert cleaning.remove(str(self.root), scope, item) == ""

    def _outcome(self, track: RunTrack) -> object:
        return results.read_outcome(self.paths.outcome(track.agent_id))

    def _marks(self, track: RunTrack) -> list[str]:
        return sorted(each.name.partition(" ")[2] for each in self.aside.glob(f"{track.agent_id} *"))

    def _mark(self, track: RunTrack, what: str) -> None:
        (self.aside / f"{track.agent_id} {what}").touch()

    def _attempt(self, track: RunTrack) -> int:
        return sum(each.startswith("began") for each in self._marks(track))

    def _work(self, track: RunTrack) -> None:
        """Let attempts be made until one passes; of the last track, two in all, of which none does."""
        least = 2 if track is self.record.tracks[2] else 1
        while "passed" not in self._marks(track) or self._attempt(track) < least:
            attempt = self._attempt(track) + 1
            perform.make_ready(self.layout, self.record, StartWorker(self.record.run, track.agent_id, attempt))
            self._mark(track, f"began {attempt}")
            place = Path(track.worktree)
            (place / f"{track.agent_id}.txt").write_text("made\n")
            (place / "hot.txt").write_text(f"{track.agent_id}\n")
            if track is not self.record.tracks[2]:
                commit.make(Git(track.worktree), commit.Spec(track.branch, self.record.base, "Do it", (), {}))
            self._mark(track, "passed")

    def _end(self, track: RunTrack) -> None:
        attempt = self._attempt(track)
        (Path(track.worktree) / "rest.txt").write_text("rest\n")
        if track is self.record.tracks[2]:
            action = EndTrack(self.record.run, track.agent_id, "failed", "TIMEOUT: x", attempt)
            perform.end_track(self.layout, self.record, action)
            return
        request = Integrate(self.record.run, track.agent_id, attempt, fence=0)
        said = perform.merge_track(self.layout, self.record, request)
        if isinstance(said, perform.TakenIn):
            perform.wind_up(self.layout, self.record, said)

    def seen(self) -> dict[str, object]:
        """Return all that has to be the same however the run came to its end."""
        assert git(self.root, "fsck", "--full", "--strict", "--no-dangling", "--no-progress") == ""
        assert git(self.remote, "fsck", "--full", "--strict", "--no-dangling", "--no-progress") == ""
        there = Git(str(self.root))
        latest = {one.track: (one.staged, one.tree) for one in restore.backups(there)}
        kept = {track: self.git("ls-tree", "-r", tree) for track, (_, tree) in latest.items()}
        ends = {each.agent_id: results.read_outcome(self.paths.outcome(each.agent_id)) for each in self.record.tracks}
        return {
            "outcomes": {name: each and (each.ended, each.files, each.error) for name, each in ends.items()},
            "on main": self.git("ls-tree", "-r", "main"),
            "merges": self.git("log", "--format=%s", "--first-parent", "main"),
            "remote": git(self.remote, "rev-parse", "main") == self.git("rev-parse", "main"),
            "publication": json.loads(Path(self.paths.metrics).read_bytes())["publication"] in {"pushed", "already"},
            "kept": kept,
            "branches": self.git("branch", "--format=%(refname:short)"),
            "worktrees": self.git("worktree", "list").count("\n"),
            "in worktrees": sorted(each.name for each in (self.root / "worktrees").iterdir()),
            "status": self.git("status", "--porcelain"),
            "locks": self._locks(),
        }

    def _locks(self) -> list[Path]:
        """Return what no other git would come past; of an index of our own nobody needs to."""
        found = (self.root / ".git").rglob("*.lock")
        return [each for each in found if each.is_file() and each.parent.name != "orchd"]
