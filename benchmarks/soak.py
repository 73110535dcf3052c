#!/usr/bin/env python3
"""Kill -9 and pauses of owners of claims at random instants, again and again, and what that broke.

    python benchmarks/soak.py [--kills N] [--seconds S] [--workers N] [--tracks N] [--seed N] [--folder DIR] [--json]

Workers claim, hold, release and reap tracks at random through orchestrator.claims. This process kills a random one
every few milliseconds and forks another; now and then it stops one and lets it go on. Two owners at once are seen by
the kernel, not by us: an owner holds the flock of a second file, which dies with him, and finds it taken if anybody
else is inside.
"""

import argparse
import fcntl
import json
import mmap
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from orchestrator.claims import FileClaims, Wanted, Won

REAPING = 0.2
PAUSING = 0.2
IDLE, CLAIMING, HOLDING, RELEASING = range(4)


@dataclass(slots=True)
class Figures:
    """What came of it. Everything from ``overlaps`` on must be 0."""

    seconds: float = 0.0
    holds: int = 0
    kills: int = 0
    killed_claiming: int = 0
    killed_holding: int = 0
    killed_releasing: int = 0
    pauses: int = 0
    freed_from_the_dead: int = 0
    slowest_claim_ms: float = 0.0
    overlaps: int = 0
    fences_not_rising: int = 0
    locks_half_written: int = 0
    workers_with_errors: int = 0
    stuck: int = 0
    leftover_temps: int = 0


class Worker:
    """One owner: claims, holds and releases until it is killed. Its state stands in memory that we share."""

    def __init__(self, folder: str, states: mmap.mmap, number: int, seed: int) -> None:
        self._folder = folder
        self._states = states
        self._number = number
        self._random = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
        self._store = FileClaims(f"{folder}/project", wait=30.0)

    def work(self, tracks: int) -> None:
        """Do it for ever."""
        while True:
            track = f"track_{self._random.randrange(tracks)}"
            if self._random.random() < REAPING:
                self._store.reap(track)
                continue
            self._states[self._number] = CLAIMING
            answer = self._store.claim(Wanted(track, f"worker {self._number}", os.getpid()))
            if isinstance(answer, Won):
                self._states[self._number] = HOLDING
                self._hold(track, answer)
                self._states[self._number] = RELEASING
                self._store.release(track, answer.claim.token)
            self._states[self._number] = IDLE

    def _hold(self, track: str, won: Won) -> None:
        fd = os.open(f"{self._folder}/{track}.inside", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.write(fd, b"overlap\n")
            replaced = "dead" if won.replaced else "free"
            os.write(fd, f"{won.claim.fence} {replaced}\n".encode())
            time.sleep(self._random.choice((0, 0, 0.0005, 0.002)))
        finally:
            os.close(fd)


class Soak:
    """The process that forks and kills."""

    def __init__(self, folder: str, workers: int, tracks: int, seed: int) -> None:
        self._folder = folder
        self._tracks = tracks
        self._random = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
        self._states = mmap.mmap(-1, workers)
        self._figures = Figures()
        Path(folder, "project").mkdir()
        self._pids = [self._fork(number) for number in range(workers)]

    def _fork(self, number: int) -> int:
        seed = self._random.randrange(2**32)
        pid = os.fork()
        if not pid:
            try:
                Worker(self._folder, self._states, number, seed).work(self._tracks)
            except BaseException as error:  # noqa: BLE001  # whatever it is, it is a finding
                sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        return pid

    def run(self, kills: int, seconds: float) -> Figures:
        """Kill until there were so many or the time is over; return what was found."""
        start = time.monotonic()
        while self._figures.kills < kills and time.monotonic() - start < seconds:
            time.sleep(self._random.uniform(0, 0.012))
            number = self._random.randrange(len(self._pids))
            if self._random.random() < PAUSING:
                self._pause(number)
            else:
                self._kill(number)
            if self._figures.kills % 20 == 0:
                self._look()
        self._figures.seconds = round(time.monotonic() - start, 1)
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._judge()
        return self._figures

    def _pause(self, number: int) -> None:
        os.kill(self._pids[number], signal.SIGSTOP)
        time.sleep(self._random.uniform(0, 0.01))
        os.kill(self._pids[number], signal.SIGCONT)
        self._figures.pauses += 1

    def _kill(self, number: int) -> None:
        os.kill(self._pids[number], signal.SIGKILL)
        _, status = os.waitpid(self._pids[number], 0)
        if os.WIFEXITED(status):
            self._figures.workers_with_errors += 1
        state = self._states[number]
        self._figures.kills += 1
        self._figures.killed_claiming += state == CLAIMING
        self._figures.killed_holding += state == HOLDING
        self._figures.killed_releasing += state == RELEASING
        self._pids[number] = self._fork(number)

    def _look(self) -> None:
        """Whoever looks while all this goes on sees whole locks only."""
        states = [seen.verdict.state for seen in FileClaims(f"{self._folder}/project").list()]
        self._figures.locks_half_written += states.count("unreadable") + states.count("unknown")

    def _judge(self) -> None:
        figures = self._figures
        for number in range(self._tracks):
            path = Path(self._folder, f"track_{number}.inside")
            words = [line.split() for line in path.read_text("ascii").splitlines()] if path.exists() else []
            figures.overlaps += words.count(["overlap"])
            fences = [int(each[0]) for each in words if each != ["overlap"]]
            figures.holds += len(fences)
            figures.freed_from_the_dead += sum(each[-1] == "dead" for each in words)
            figures.fences_not_rising += sum(later <= former for former, later in pairwise(fences))
            figures.stuck += not self._can_be_had(f"track_{number}", max(fences, default=0))
        store = FileClaims(f"{self._folder}/project")
        store.sweep()
        figures.leftover_temps = len(os.listdir(f"{self._folder}/project/.orchestrator_locks/.d/tmp"))

    def _can_be_had(self, track: str, above: int) -> bool:
        store = FileClaims(f"{self._folder}/project")
        start = time.monotonic()
        answer = store.claim(Wanted(track, "soak", os.getpid()))
        took = round((time.monotonic() - start) * 1000, 2)
        self._figures.slowest_claim_ms = max(self._figures.slowest_claim_ms, took)
        return isinstance(answer, Won) and answer.claim.fence > above


def main(arguments: Sequence[str]) -> int:
    """Run it and print the figures; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="kill -9 of owners of claims at random instants")
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--tracks", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where to work; a temporary folder below it is made and removed")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        figures = asdict(Soak(folder, given.workers, given.tracks, given.seed).run(given.kills, given.seconds))
    if given.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.writelines(f"{name.replace('_', ' '):22} {value}\n" for name, value in figures.items())
    names = list(figures)
    return int(any(figures[name] for name in names[names.index("overlaps") :]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
