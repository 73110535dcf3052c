#!/usr/bin/env python3
"""Kill -9 of whoever drives a run, and of its workers, at random instants; every run has to end as if nothing had been.

    python benchmarks/chaos.py [--runs N] [--kills N] [--tracks N] [--seed N] [--folder DIR] [--json]

Each run is a repository of its own with the same roadmap. One in two is driven by a daemon that is started again, the
others by `orchd run`, gone on with by `orchd run --resume`. Two agents on one track at once are seen by the kernel, not
by us: an agent holds the flock of a file of its track, which dies with it, and finds it taken if anybody else is
inside. What an agent wrote before it was killed must be found by the next attempt, or among what was kept.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import psutil

from orchestrator.claims import FileClaims
from orchestrator.core.claim import Claim

LONGEST: Final = 180.0
"""Seconds after which a run is stuck."""

PAUSE: Final = 0.6
"""Seconds between two kills at most."""

OF_WORKERS: Final = 0.6
"""This share of the kills is for workers."""

PATIENCE: Final = 8.0
"""Seconds that processes get to be gone after the end of a run."""

SETTINGS: Final = """\
[agent]
kind = "command"
command.argv = ["{python}", "-S", "{notes}/agent.py", "{notes}"]

[run]
agents = 3
stagger = 0
attempts = 100
retry_delay = 0
grace = 1

[daemon]
rescan = 0.5
"""

AGENT: Final = """\
import fcntl, os, pathlib, sys, time

track, phase = os.environ["ORCHD_TRACK"], os.environ["ORCHD_PHASE"]
inside = os.open(f"{sys.argv[1]}/{track}.inside", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
word = f"{track}/{os.environ['ORCHD_ATTEMPT']}/{os.getpid()}"

def note(what, whose=word):
    os.write(inside, f"{what} {whose}\\n".encode())

try:
    fcntl.flock(inside, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    note("overlap")
note("begin")
if phase == "work":
    draft = pathlib.Path(f"{track}.draft")
    if draft.exists():
        note("found", draft.read_text().strip())
    draft.write_text(word + "\\n")
    note("draft")
    for number in range(3):
        pathlib.Path(f"{track}.{number}.txt").write_text(f"{track} {number}\\n")
        time.sleep(0.1)
    note("done")
    draft.unlink()
else:
    time.sleep(0.05)
note("end")
"""


@dataclass(slots=True)
class Figures:
    """What came of it. Everything from ``other_results`` on must be 0."""

    seconds: float = 0.0
    runs: int = 0
    kills_of_the_daemon: int = 0
    kills_of_orchd_run: int = 0
    kills_of_workers: int = 0
    phases_begun: int = 0
    drafts_cut_short: int = 0
    drafts_kept: int = 0
    other_results: int = 0
    overlaps: int = 0
    lost: int = 0
    leftovers: int = 0
    half_done: int = 0
    stuck: int = 0

    @property
    def kills(self) -> int:
        """All of them."""
        return self.kills_of_the_daemon + self.kills_of_orchd_run + self.kills_of_workers


@dataclass(slots=True)
class Story:
    """One run: its figures, and what was wrong with it."""

    figures: Figures
    wrong: list[str] = field(default_factory=list)

    def blame(self, name: str, what: str) -> None:
        """Note something that must not be."""
        setattr(self.figures, name, getattr(self.figures, name) + 1)
        self.wrong.append(f"{name}: {what}")


class Scene:
    """A repository with a roadmap, a remote beside it, and the one who drives its run."""

    def __init__(self, folder: Path, tracks: int, *, daemon: bool) -> None:
        self.root, self.notes, self.remote = folder / "project", folder / "notes", folder / "remote.git"
        self.tracks = [f"group_A_track_{number}" for number in range(1, tracks + 1)]
        self._daemon = daemon
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORCHD_", "GIT_"))}
        top = str(Path(__file__).resolve().parents[1])
        self._env = {**kept, "PYTHONPATH": top, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        self._folder = self.root / "runtime" / "parallel" / "roadmap"
        self._make(tracks)

    def _make(self, tracks: int) -> None:
        for folder in (self.root, self.notes):
            folder.mkdir(parents=True)
        (self.notes / "agent.py").write_text(AGENT)
        titles = (f"{number}. **Track {number}: T{number}**" for number in range(1, tracks + 1))
        (self.root / "ROADMAP.md").write_text("\n".join(("### Group A: Things", "", *titles, "")))
        settings = SETTINGS.replace("{python}", sys.executable).replace("{notes}", str(self.notes))
        (self.root / "orchestrator.toml").write_text(settings)
        self.git("init", "--quiet", "--initial-branch=main")
        with (self.root / ".git" / "info" / "exclude").open("a") as exclude:
            exclude.write("/orchestrator.toml\n")  # it names folders of this run
        for name, value in (("user.name", "Somebody"), ("user.email", "somebody@example.org")):
            self.git("config", name, value)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=start")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.git("remote", "add", "origin", str(self.remote))
        self.git("push", "--quiet", "--set-upstream", "origin", "main")

    def git(self, *words: str) -> str:
        """Run git in the repository; return what it prints, also where it fails."""
        ended = subprocess.run(["git", *words], cwd=self.root, env=self._env, capture_output=True, check=False)
        return (ended.stdout + (ended.stderr if ended.returncode else b"")).decode().rstrip("\n")

    @property
    def is_over(self) -> bool:
        """The run has its report."""
        return (self._folder / "metrics.json").exists()

    def drive(self) -> subprocess.Popen[bytes]:
        """Start whoever drives the run; where it was not accepted yet, it is."""
        accepted = (self._folder / "run.json").exists()
        if not self._daemon:
            return self._start("orchestrator", "run", "ROADMAP.md", *(["--resume"] if accepted else []))
        daemon = self._start("orchestrator.daemon", "--root", str(self.root))
        socket = self.root / "runtime" / "orchd.sock"
        until = time.monotonic() + PATIENCE
        while not accepted and not socket.exists() and time.monotonic() < until:
            time.sleep(0.01)
        if not accepted:
            self._start("orchestrator", "run", "ROADMAP.md", "--detach").wait()
        return daemon

    def _start(self, module: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.notes / "driver.log").open("ab") as log:
            argv = [sys.executable, "-P", "-m", module, *words]
            return subprocess.Popen(
                argv, cwd=self.root, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def said(self) -> str:
        """Return the end of what those who drove the run printed."""
        return (self.notes / "driver.log").read_text("utf-8", "replace")[-2000:]

    def workers(self) -> list[int]:
        """Return the processes that hold the tracks."""
        found = (seen.record for seen in FileClaims(str(self.root)).list() if seen.verdict.state == "alive")
        return sorted(record.pid for record in found if isinstance(record, Claim))

    def notes_of(self, track: str) -> list[list[str]]:
        """Return what the agents on a track noted: a word and whose it is, each."""
        path = self.notes / f"{track}.inside"
        return [line.split() for line in path.read_text("ascii").splitlines()] if path.exists() else []

    def processes(self) -> list[str]:
        """Return the processes that have to do with this repository."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                words = process.cmdline()
                about = any(str(self.root.parent) in word for word in words)
                if process.pid != os.getpid() and (about or process.environ().get("ORCHD_ROOT") == str(self.root)):
                    found.append(f"{process.pid} {' '.join(words)[:200]}")
        return found

    def leftovers(self) -> list[str]:
        """Return locks, temporary files, branches, worktrees and half merges that nobody needs any longer."""
        tmp = (self.root / ".orchestrator_locks" / ".d" / "tmp", self._folder / ".d" / "tmp")
        found = [str(each) for folder in tmp if folder.is_dir() for each in folder.iterdir()]
        found += [str(each) for each in (self.root / ".orchestrator_locks").glob("*.lock")]
        found += [str(each) for each in (self.root / ".git").rglob("*.lock")]
        found += [str(each) for each in (self.root / "worktrees").glob("*")]
        heads = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
        found += [name for name in heads if (self.root / ".git" / name).exists()]
        return [*found, *self.git("for-each-ref", "--format=%(refname)", "refs/heads").splitlines()[1:]]


class Chaos:
    """One run and what is done to it."""

    def __init__(self, scene: Scene, story: Story, seed: int) -> None:
        self._scene = scene
        self._story = story
        self._random = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
        self._killed: subprocess.Popen[bytes] | None = None

    def run(self, kills: int, *, daemon: bool) -> None:
        """Have the run carried out, with so many kills at most; the last driver ends by itself."""
        until = time.monotonic() + LONGEST
        driver = self._scene.drive()
        for _ in range(kills):
            self._wait(driver, min(until, time.monotonic() + self._random.uniform(0, PAUSE)))
            if self._scene.is_over:
                break
            driver = self._kill(driver, daemon=daemon)
        self._wait(driver, until)
        if not self._scene.is_over:
            self._story.blame("stuck", self._scene.said())
        if daemon or not self._scene.is_over:
            driver.terminate()
        status = driver.wait()
        if status and driver is not self._killed:
            self._story.blame("other_results", f"exit status {status}: {self._scene.said()}")

    def _wait(self, driver: subprocess.Popen[bytes], until: float) -> None:
        while not self._scene.is_over and driver.poll() is None and time.monotonic() < until:
            time.sleep(0.005)

    def _kill(self, driver: subprocess.Popen[bytes], *, daemon: bool) -> subprocess.Popen[bytes]:
        """Kill somebody; return who drives the run from now on."""
        figures = self._story.figures
        if self._random.random() < OF_WORKERS and (workers := self._some_workers()):
            with suppress(ProcessLookupError):
                os.kill(self._random.choice(workers), signal.SIGKILL)
                figures.kills_of_workers += 1
            return driver
        driver.kill()
        driver.wait()
        self._killed = driver
        figures.kills_of_the_daemon += daemon
        figures.kills_of_orchd_run += not daemon
        time.sleep(self._random.choice((0, 0, 0.1, 0.4)))
        return driver if self._scene.is_over and not daemon else self._scene.drive()

    def _some_workers(self) -> list[int]:
        """Wait for workers, a little while."""
        until = time.monotonic() + PAUSE
        while not (found := self._scene.workers()) and not self._scene.is_over and time.monotonic() < until:
            time.sleep(0.01)
        return found


def judge(scene: Scene, story: Story, tree: str) -> None:
    """Compare what there is with what has to be; ``tree`` is that of an undisturbed run."""
    found = scene.git("rev-parse", "main^{tree}")
    if found != tree:
        story.blame("other_results", scene.git("diff", "--stat", tree, found) + scene.said())
    pushed = scene.git("ls-remote", "origin", "refs/heads/main").split()[0]
    if pushed != scene.git("rev-parse", "main"):
        story.blame("other_results", f"pushed was {pushed}")
    merges = scene.git("log", "--merges", "--format=%s", "main").splitlines()
    if len(merges) != len(scene.tracks):
        story.blame("half_done", f"merges: {merges}")
    unsound = scene.git("fsck", "--full", "--strict", "--no-dangling", "--no-progress")
    unclean = scene.git("status", "--porcelain")
    for what in filter(None, (unsound, unclean)):
        story.blame("half_done", what)
    for track in scene.tracks:
        _judge_track(scene, story, track)
    _judge_what_is_left(scene, story)


def _judge_what_is_left(scene: Scene, story: Story) -> None:
    until = time.monotonic() + PATIENCE
    while scene.processes() and time.monotonic() < until:
        time.sleep(0.05)
    for what in (*scene.processes(), *scene.leftovers()):
        story.blame("leftovers", what)


def _judge_track(scene: Scene, story: Story, track: str) -> None:
    notes = scene.notes_of(track)
    story.figures.phases_begun += sum(each[0] == "begin" for each in notes)
    for word, whose in notes:
        if word == "overlap":
            story.blame("overlaps", whose)
        cut_short = word == "draft" and ["done", whose] not in notes
        story.figures.drafts_cut_short += cut_short
        if cut_short and ["found", whose] not in notes:
            refs = scene.git("for-each-ref", "--format=%(refname)", f"refs/orchd/backup/roadmap/{track}").splitlines()
            if whose in {scene.git("show", f"{ref}:{track}.draft") for ref in refs}:
                story.figures.drafts_kept += 1
            else:
                story.blame("lost", f"{whose}, kept are {refs}")


def undisturbed(folder: Path, tracks: int) -> str:
    """Carry one run out in peace; return the tree that comes of it."""
    scene, story = Scene(folder, tracks, daemon=False), Story(Figures())
    Chaos(scene, story, 0).run(0, daemon=False)
    tree = scene.git("rev-parse", "main^{tree}")
    judge(scene, story, tree)
    if story.wrong:
        raise SystemExit("\n".join(("a run in peace went wrong", *story.wrong)))
    return tree


def main(arguments: Sequence[str]) -> int:
    """Run them and print the figures; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="kill -9 of daemons, of `orchd run` and of workers at random instants")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--kills", type=int, default=8, help="in one run at most")
    parser.add_argument("--tracks", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0, help="that of the first run; the next one has the next")
    parser.add_argument("--folder", help="where to work; a temporary folder below it is made and removed")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    figures, start = Figures(), time.monotonic()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="chaos-") as name:
        tree = undisturbed(Path(name, "peace"), given.tracks)
        for seed in range(given.seed, given.seed + given.runs):
            daemon = bool(seed % 2)
            scene, story = Scene(Path(name, str(seed)), given.tracks, daemon=daemon), Story(figures)
            Chaos(scene, story, seed).run(given.kills, daemon=daemon)
            judge(scene, story, tree)
            figures.runs += 1
            sys.stderr.writelines(f"seed {seed}: {each}\n" for each in story.wrong)
    figures.seconds = round(time.monotonic() - start, 1)
    found = {**asdict(figures), "kills": figures.kills}
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.writelines(f"{key.replace('_', ' '):22} {value}\n" for key, value in found.items())
    names = list(asdict(figures))
    return int(any(found[key] for key in names[names.index("other_results") :]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
