"""What a daemon costs and how soon it sees: idle, with 10,000 status files, under a storm of them, with 10,000 dead.

python benchmarks/daemon.py [FILES]
"""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.wire.client import call
from orchestrator.wire.messages import Status

FILES = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
IDLE_SECONDS = 10.0
STORM_SECONDS = 5.0
PER_SECOND = 1000
AGENTS = 50


class Bench:
    """A root with a daemon, a folder of status files, and the journal that tells what the daemon saw."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.daemon = subprocess.Popen([sys.executable, "-P", "-m", "orchestrator.daemon", "--root", str(self.root)])
        until((self.root / "runtime" / "orchd.sock").exists)
        self.process = psutil.Process(self.daemon.pid)
        self.folder = self.root / "runtime" / "parallel" / "outside"
        self.folder.mkdir(parents=True)
        self.draft = self.root / "draft"
        self.journal = self.root / "runtime" / "events.jsonl"

    def say(self, agent: int, number: int) -> None:
        """Publish a status; ``number`` stands in its stage."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        fields = {"schema_version": "1.0", "agent_id": f"agent-{agent}", "track": f"t{agent}", "status": "in_progress"}
        fields |= {"start_time": now, "last_update": now, "branch_name": "b", "current_stage": f"stage-{number}"}
        self.draft.write_text(json.dumps(fields))
        self.draft.replace(self.folder / f"agent-{agent}.status.json")

    def changes(self) -> int:
        """Return how many changes of status were journaled."""
        return self.journal.read_bytes().count(b'"status.changed"') if self.journal.exists() else 0

    def idle(self) -> str:
        """Return the share of a core that the daemon takes while nothing happens, and its memory and descriptors."""
        before = self.process.cpu_times()
        time.sleep(IDLE_SECONDS)
        after = self.process.cpu_times()
        used = after.user + after.system - before.user - before.system
        memory = self.process.memory_info().rss / 1e6
        return f"{100 * used / IDLE_SECONDS:.2f} % of a core, {memory:.0f} MB, {self.process.num_fds()} descriptors"

    def end(self) -> None:
        """End the daemon, and remove everything."""
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        shutil.rmtree(self.root)


def until(true: Callable[[], bool], seconds: float = 120.0) -> float:
    """Wait for a condition; return how long (s) it took."""
    start = time.perf_counter()
    while not true():
        assert time.perf_counter() - start < seconds
        time.sleep(0.01)
    return time.perf_counter() - start


def storm(bench: Bench) -> None:
    """Print how long after its publication each of many changes is in the journal, as far as it was seen."""
    sent: dict[str, float] = {}
    before = bench.journal.stat().st_size
    start = time.time()
    for number in range(int(STORM_SECONDS * PER_SECOND)):
        bench.say(number % AGENTS, number)
        sent[f"stage-{number}"] = time.time()
        time.sleep(max(0.0, start + number / PER_SECOND - time.time()))
    last = f"stage-{number}".encode()
    until(lambda: last in bench.journal.read_bytes())
    lines = bench.journal.read_bytes()[before:].splitlines()
    seen = [event for event in map(json.loads, lines) if event["event"] == "status.changed"]
    lags = sorted(1000 * (at(event["at"]) - sent[event["stage"]]) for event in seen)
    print(
        f"{PER_SECOND} changes/s of {AGENTS} among {FILES} files for {STORM_SECONDS:g} s: {len(seen)} seen, "
        f"lag median {statistics.median(lags):.0f} ms, p99 {lags[int(0.99 * len(lags))]:.0f} ms, max {lags[-1]:.0f} ms"
    )


def at(text: str) -> float:
    """Return the seconds since the epoch of a time in the journal."""
    head, _, milliseconds = text.rstrip("Z").partition(".")
    return calendar(head) + int(milliseconds) / 1000


def calendar(text: str) -> float:
    """Return the seconds since the epoch of a time without a fraction."""
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S")) - time.timezone


def dead(bench: Bench) -> None:
    """Print how soon many tracks of one dead owner are free."""
    owner = subprocess.Popen(["sleep", "600"])
    won = FileClaims(str(bench.root)).claim(Wanted("t0", "bench", owner.pid))
    assert isinstance(won, Won)
    locks = Path(won.path).parent
    record = Path(won.path).read_bytes()
    for number in range(1, FILES):
        (locks / f"t{number}.lock").write_bytes(record.replace(b'"track":"t0"', b'"track":"t%d"' % number))
    until(lambda: bench.journal.read_bytes().count(b'"lock.appeared"') >= FILES - 1)
    print(f"idle with {FILES} locks and statuses: {bench.idle()}")
    before = bench.process.cpu_times()
    owner.kill()
    owner.wait()
    took = until(lambda: not any(name.endswith(".lock") for name in os.listdir(locks)))
    after = bench.process.cpu_times()
    used = after.user + after.system - before.user - before.system
    print(f"{FILES} tracks of a dead owner: free after {took:.2f} s ({used:.2f} s of a core)")


def main() -> None:
    """Print all of it."""
    bench = Bench()
    try:
        print(f"idle: {bench.idle()}")
        for number in range(FILES):
            bench.say(number, 0)
        print(f"{FILES} status files: all taken up {until(lambda: bench.changes() >= FILES):.2f} s after the last")
        start = time.perf_counter()
        call(str(bench.root), Status(), timeout=60)
        print(f"`orchd status` of them: {time.perf_counter() - start:.2f} s")
        print(f"idle with {FILES} status files: {bench.idle()}")
        storm(bench)
        dead(bench)
        print(f"after all of it: {bench.idle()}")
    finally:
        bench.end()


if __name__ == "__main__":
    main()
