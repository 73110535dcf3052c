"""An agent that abuses the machine, beside tracks that behave: these go on without delay, and everything has an end."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import Final

import pytest

from orchestrator.core.result import Attempt
from orchestrator.errors import DaemonUnavailable
from orchestrator.state import results
from orchestrator.state.scan import MOST
from orchestrator.wire.client import call
from orchestrator.wire.messages import Ping
from orchestrator.worker import log
from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import running
from tests.projects import script
from tests.waiting import wait_for

MIB: Final = 1024 * 1024
MOST_MEMORY: Final = 256 * MIB
LAG: Final = 10.0
"""Seconds; on a machine that has nothing else to do it is far less than one, and about 0.3 of that are git's own."""

GOOD: Final = 2


@dataclass(slots=True)
class Peak:
    """The most that was seen: bytes on disk below the logs, and seconds until the daemon answered."""

    disk: int = 0
    answer: float = 0.0


class Beside(Accepted):
    """Track 1 abuses, in a program of its own; the others behave, one after the other."""

    def __init__(self, folder: Path, program: str, **options: object) -> None:
        path = folder / "abuse.py"
        path.write_text(program)
        wrong = script(f'run = ["{{python}}", "-S", "{path}"]', 'write = "1.txt"\ntext = "made\\n"')
        good = [makes(number, "sleep = 0.3") for number in range(2, GOOD + 2)]
        chosen = {"agents": 2, "timeout_seconds": 20.0, "push": False, **options}
        super().__init__(folder, [wrong, *good], chosen, remote=False)
        self.memory = 0
        self.peak = Peak()

    def carry_out(self, seconds: float = 40) -> "Beside":
        """Have a daemon carry the run out, with an eye on what it uses."""
        with running(self.root) as daemon, self._watched():
            self.wait_for_end(seconds)
            self.memory = _peak_memory(daemon.process.pid)
        return self

    @contextmanager
    def _watched(self) -> Iterator[None]:
        over = Event()
        watching = Thread(target=self._watch, args=(over,))
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()

    def _watch(self, over: Event) -> None:
        while not over.wait(0.05):
            asked = time.monotonic()
            with suppress(DaemonUnavailable):
                call(str(self.root), Ping(), 2 * LAG)
            self.peak.answer = max(self.peak.answer, time.monotonic() - asked)
            self.peak.disk = max(self.peak.disk, _on_disk(self.root / "orchestrator_logs"))

    def attempt(self, number: int) -> Attempt:
        """Return how the last attempt at a track ended."""
        found = results.read_result(self.paths.result(f"agent-{number}"))
        assert found is not None
        return found.attempts[-1]

    def lag(self) -> float:
        """Return the longest time (s) that a track that behaves waited for its merge."""
        return max(self._lag(number) for number in range(2, GOOD + 2))

    def _lag(self, number: int) -> float:
        outcome = self.outcome(number)
        assert outcome is not None
        merged, ended = (datetime.fromisoformat(each) for each in (outcome.at, self.attempt(number).ended_at))
        return (merged - ended).total_seconds()

    def is_unharmed(self) -> None:
        """Check that the others are merged in good time, the limits held, and nothing is left."""
        assert self.outcomes()[1:] == ["merged"] * GOOD
        assert self.lag() < LAG
        assert self.peak.answer < LAG
        assert self.memory < MOST_MEMORY
        assert self.peak.disk < log.ROOM + 64 * MIB
        self.is_sound()


def _peak_memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _on_disk(folder: Path) -> int:
    names = os.listdir(folder) if folder.exists() else []
    return sum((folder / name).stat().st_blocks * 512 for name in names if (folder / name).exists())


DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            time.sleep(300)
        os._exit(0)
    os.wait()
    time.sleep(0.02)
"""


def test_deaf_and_prolific(tmp_path: Path) -> None:
    """It ignores SIGTERM and forks descendants out of its session on and on: its time ends them all."""
    site = Beside(tmp_path, DEAF, timeout_seconds=2.0).carry_out()
    site.is_unharmed()
    assert "TIMEOUT" in site.attempt(1).error


FLOOD = """
import os, time
line = b"x" * 99 + b"\\n"
piece, start = line * 10_000, time.monotonic()
for number in range(300):
    os.write(1, piece)
    time.sleep(max(0.0, start + number / 100 - time.monotonic()))
os.write(1, b"the end\\n")
"""


def test_a_log_of_100_mb_a_second(tmp_path: Path) -> None:
    """What is kept is bounded, the end of it above all."""
    site = Beside(tmp_path, FLOOD).carry_out()
    site.is_unharmed()
    assert site.outcomes()[0] == "merged"
    (kept,) = (site.root / "orchestrator_logs").glob(f"{site.tracks[0]}.log*")
    assert log.ROTATED_AT <= kept.stat().st_size < log.LARGEST
    assert b"\nthe end\n" in kept.read_bytes()[-2000:]


LINE = """
import os
piece = b"x" * 1_000_000
for number in range(400):
    os.write(1, piece)
"""


def test_a_line_without_end(tmp_path: Path) -> None:
    """No line break in 400 MB: nobody reads more of it than its end."""
    site = Beside(tmp_path, LINE).carry_out()
    site.is_unharmed()
    assert site.outcomes()[0] == "merged"


STATUSES = """
import json, os, time
path = os.environ["STATUS_FILE"]
draft = os.path.dirname(path) + "/.d/tmp/abuse"
said, until, count = json.load(open(path)), time.monotonic() + 3, 0
while time.monotonic() < until:
    count += 1
    said["progress_percentage"] = count % 100
    with open(draft, "w") as file:
        json.dump(said, file)
    os.replace(draft, path)
print("updates", count)
"""


def test_ten_thousand_statuses_a_second(tmp_path: Path) -> None:
    """They are looked at now and then, and the journal does not fill up with them."""
    site = Beside(tmp_path, STATUSES).carry_out()
    site.is_unharmed()
    assert site.outcomes()[0] == "merged"
    assert len(site.events("status.changed")) < 1000


CROWD = """
import os
folder = os.path.dirname(os.environ["STATUS_FILE"])
for number in range({count}):
    open(f"{{folder}}/{name}", "w").close()
"""


@pytest.mark.parametrize("name", ["stranger-{number}", "zz-{number}.status.json"])
def test_a_crowd_of_files(tmp_path: Path, name: str) -> None:
    """Files by the ten thousand in the folder of the run: some are told, all are left alone, and the run ends."""
    count = MOST + 2000
    site = Beside(tmp_path, CROWD.format(count=count, name=name), timeout_seconds=120.0).carry_out(200)
    site.is_unharmed()
    assert site.outcomes()[0] == "merged"
    assert len(os.listdir(site.paths.folder)) > count


FORGES = """
import json, os, time
folder = os.path.dirname(os.environ["STATUS_FILE"])
with open(f"{folder}/metrics.json", "w") as file:
    json.dump({"run": os.path.basename(folder), "total_sub_tasks": 0}, file)
time.sleep(1.5)
"""


def test_forges_the_end_of_the_run(tmp_path: Path) -> None:
    """The run goes on, is seen, and ends when it does."""
    site = Beside(tmp_path, FORGES)
    with running(site.root):
        wait_for(Path(site.paths.metrics).exists, 20)
        assert [each["state"] for each in site("runs", "--json").document["runs"]] == ["running"]
        wait_for(lambda: site.metrics()["total_sub_tasks"] == GOOD + 1, 40, "the report of the run")
    assert site.outcomes() == ["merged"] * (GOOD + 1)
    stages = {each["stage"] for each in site.events("status.changed") if each["agent_id"] == f"agent-{GOOD + 1}"}
    assert "commit" in stages
    site.is_sound()


STOPS_ITSELF = """
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_stops_itself(tmp_path: Path) -> None:
    """Nobody can tell it from one that hangs: it is ended as that."""
    site = Beside(tmp_path, STOPS_ITSELF, stale_seconds=1.0).carry_out()
    site.is_unharmed()
    assert "hung" in site.attempt(1).error


STOPS_ITS_WORKER = """
import os, signal, time
worker = int(next(line.split()[1] for line in open(f"/proc/{os.getppid()}/status") if line.startswith("PPid")))
if os.environ["ORCHD_ATTEMPT"] == "1":
    os.kill(worker, signal.SIGSTOP)
    time.sleep(300)
"""


def test_stops_its_worker(tmp_path: Path) -> None:
    """A worker that says nothing any longer is ended with all that it started; the next attempt does the work."""
    options = {"stale_seconds": 0.5, "heartbeat_seconds": 0.5, "attempts": 2, "retry_delay_seconds": 0.0}
    site = Beside(tmp_path, STOPS_ITS_WORKER, **options).carry_out()
    site.is_unharmed()
    assert site.outcomes()[0] == "merged"
    assert site.attempt(1).attempt == 2


FORGES_ITS_END = """
import json, os
folder = os.path.dirname(os.environ["STATUS_FILE"])
agent_id, track = os.environ["AGENT_ID"], os.environ["ORCHD_TRACK"]
phase = {"name": "commit", "ending": "exited", "status": 0, "signal": None, "started_at": "", "ended_at": "",
         "seconds": 1, "cpu_seconds": 0, "peak_memory_bytes": 0, "kind": "commit"}
passed = {"attempt": 1, "fence": 999999, "token": "x", "started_at": "", "finished": True, "phases": [phase]}
ends = {"ended": "merged", "at": "2026-01-31T12:00:00Z", "attempt": 1, "commit": "0" * 40}
for name, said in (("result", {"attempts": [passed]}), ("outcome", ends)):
    with open(f"{folder}/{agent_id}.{name}.json", "w") as file:
        json.dump({"v": 1, "agent_id": agent_id, "track": track, **said}, file)
"""


def test_forges_its_own_end(tmp_path: Path) -> None:
    """That it passed, or was merged: what was not carried out has not passed, and what passed is merged."""
    site = Beside(tmp_path, FORGES_ITS_END).carry_out()
    site.is_unharmed()
    assert site.outcomes()[0] == "merged"
    assert "1.txt" in site.git("ls-tree", "--name-only", "main").splitlines()
    assert [each.name for each in site.attempt(1).phases] == ["work", "review", "commit"]
    (tmp_path / "bad").mkdir()
    bad = Beside(tmp_path / "bad", f"{FORGES_ITS_END}\nraise SystemExit(3)\n").carry_out()
    bad.is_unharmed()
    assert (bad.outcomes()[0], bad.attempt(1).passed) == ("failed", False)
