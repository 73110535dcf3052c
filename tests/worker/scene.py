"""A root with one job, a real worker on it, and what it left behind."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from orchestrator.claims import FileClaims, Seen
from orchestrator.core import result
from orchestrator.core.phase import Job, Phase, encode
from orchestrator.core.result import Attempt
from orchestrator.state.layout import Layout
from tests.processes import environment, state
from tests.waiting import wait_for

TRACK: Final = "group_A_track_1"
AGENT: Final = "agent-1"
SHORT: Final = 0.3
"""Seconds of grace in most tests."""


def shell(name: str, script: str, timeout: float = 30.0) -> Phase:
    """A phase that is a shell script."""
    return Phase(name, ("sh", "-c", script), timeout)


def committing(script: str) -> Phase:
    """The phase that is orchd's own, as a shell script."""
    return replace(shell("commit", script), kind="commit")


def python(name: str, script: str, timeout: float = 30.0) -> Phase:
    """A phase that is a Python script."""
    return Phase(name, (sys.executable, "-c", script), timeout)


def gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    return state(pid) in ("", "Z")


def number_in(file: Path) -> int:
    """Wait for a file that holds a number, and return it."""
    return int(wait_for(lambda: file.exists() and file.read_text(encoding="ascii").strip(), what=str(file)))


class Scene:
    """One track of one run below ``root``; the agent works in ``root/tree``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = Layout(str(root))
        self.paths = self.layout.run("demo")
        self.tree = root / "tree"
        self.tree.mkdir()
        Path(self.paths.folder).mkdir(mode=0o700, parents=True)
        self.errors = root / "worker.err"
        self._workers: list[subprocess.Popen[bytes]] = []

    def job(
        self, *phases: Phase, attempt: int = 1, grace: float = SHORT, heartbeat: float = 30.0, stale: float = 300.0
    ) -> Job:
        """Write the job file."""
        job = Job(
            root=str(self.root),
            run="demo",
            agent_id=AGENT,
            track=TRACK,
            attempt=attempt,
            owner="scripted:agent-1",
            working_dir=str(self.tree),
            branch_name="feat/demo",
            phases=phases,
            env={"SUB_ISSUE": "7"},
            grace_seconds=grace,
            heartbeat_seconds=heartbeat,
            stale_seconds=stale,
        )
        Path(self.paths.job(AGENT)).write_bytes(encode(job))
        return job

    def start(self, failpoint: str = "", **more: str) -> subprocess.Popen[bytes]:
        """Start a worker as the daemon does; ``more`` goes into its environment."""
        argv = [sys.executable, "-P", "-m", "orchestrator.worker", self.paths.job(AGENT)]
        with self.errors.open("ab") as errors:
            worker = subprocess.Popen(
                argv,
                env=environment(failpoint) | more,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        self._workers.append(worker)
        return worker

    def run(self, *phases: Phase, failpoint: str = "", **more: str) -> int:
        """Write a job, let a worker carry it out, and return its exit status."""
        self.job(*phases)
        return self.start(failpoint, **more).wait(30)

    def started(self) -> int:
        """Wait for the agent's pid in ``tree/pid``."""
        return number_in(self.tree / "pid")

    def lock(self) -> Seen | None:
        """The track's lock and what is known of its owner."""
        return FileClaims(str(self.root)).read(TRACK)

    def owner(self) -> str:
        """What is known of the owner of the track's lock; empty where there is none."""
        seen = self.lock()
        return seen.verdict.state if seen else ""

    def attempt(self, number: int = 1) -> Attempt:
        """The entry of an attempt in the result file."""
        found = result.decode(Path(self.paths.result(AGENT)).read_bytes()).of(number)
        assert found is not None
        return found

    def status(self) -> dict[str, object]:
        """What the status file says."""
        return cast("dict[str, object]", json.loads(Path(self.paths.status(AGENT)).read_bytes()))

    def log(self) -> str:
        """The track's log."""
        return Path(self.layout.log(TRACK)).read_text(encoding="utf-8")

    def close(self) -> None:
        """End what a failed test left running."""
        for worker in self._workers:
            worker.kill()
            worker.wait()
