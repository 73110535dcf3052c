"""The entry of the worker: what it refuses, and with which exit status."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import environment
from tests.worker.scene import AGENT, TRACK, Scene, shell


def refused(*words: str) -> tuple[int, str]:
    """Start a worker with these words; return its exit status and what it said."""
    argv = [sys.executable, "-P", "-m", "orchestrator.worker", *words]
    ended = subprocess.run(argv, env=environment(), capture_output=True, timeout=20, check=False)
    return ended.returncode, ended.stderr.decode()


@pytest.mark.parametrize("words", [(), ("one", "two")])
def test_one_word_is_needed(words: tuple[str, ...]) -> None:
    """Without exactly one job file there is one line, and 64."""
    assert refused(*words) == (64, "orchd worker: usage: python -P -m orchestrator.worker JOBFILE\n")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "there is no such job"),
        (b"", "not valid JSON"),
        (b'{"v": 2}', "not a job file of version 1"),
        (b"[" * 300_000, "nested too deeply"),
    ],
)
def test_what_is_no_job(tmp_path: Path, data: bytes | None, said: str) -> None:
    """A file that is no job is refused in one line; nothing is claimed."""
    path = tmp_path / "job.json"
    if data is not None:
        path.write_bytes(data)
    status, line = refused(str(path))
    assert (status, line.count("\n")) == (64, 1)
    assert said in line
    assert sorted(tmp_path.iterdir()) == ([] if data is None else [path])


def test_a_job_without_a_run(scene: Scene) -> None:
    """A job that says nowhere to report is refused."""
    scene.job(shell("work", "true"))
    path = Path(scene.paths.job(AGENT))
    path.write_text(path.read_text(encoding="ascii").replace('"run": "demo"', '"run": null'), encoding="ascii")
    status, line = refused(str(path))
    assert status == 64
    assert "field run is not a text" in line


def test_a_folder_that_cannot_be_used(scene: Scene) -> None:
    """What the machine refuses before the claim is one line, and 9."""
    scene.job(shell("work", "true"))
    Path(scene.layout.locks).write_text("in the way", encoding="ascii")
    status, line = refused(scene.paths.job(AGENT))
    assert (status, line.count("\n")) == (9, 1)
    assert "Traceback" not in line


def test_a_bug_before_the_claim(scene: Scene) -> None:
    """A bug is told in full on stderr, and 70."""
    scene.job(shell("work", "true"))
    path = Path(scene.paths.job(AGENT))
    root = f'"root": "{scene.root}"'
    path.write_text(path.read_text(encoding="ascii").replace(root, '"root": "/\\ud800"'), encoding="ascii")
    status, said = refused(str(path))
    assert status == 70
    assert "Traceback" in said


def test_the_job_goes_while_the_claim_is_made(scene: Scene) -> None:
    """A job that is gone by the time its track is ours is not carried out, and the track is freed."""
    scene.job(shell("work", "touch done"))
    worker = scene.start("claim.temp_written:stop")
    os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
    Path(scene.paths.job(AGENT)).unlink()
    worker.send_signal(signal.SIGCONT)
    assert worker.wait(10) == 64
    assert not (scene.tree / "done").exists()
    assert scene.lock() is None


def test_a_session_of_its_own(scene: Scene) -> None:
    """A worker that was started within another's group leaves it, so that its own group is its agent's."""
    scene.job(shell("work", "ps -o pgid= -p $$ > group; echo $PPID > worker"))
    argv = ["sh", "-c", f"{sys.executable} -P -m orchestrator.worker {scene.paths.job(AGENT)}; true"]
    subprocess.run(argv, env=environment(), check=True, timeout=20)
    worker = (scene.tree / "worker").read_text(encoding="ascii").strip()
    assert (scene.tree / "group").read_text(encoding="ascii").strip() == worker
    assert scene.attempt().passed


def test_nothing_of_the_daemon_reaches_the_agent(scene: Scene) -> None:
    """The agent finds the contract in its environment, and nothing that was meant for a service."""
    services = {"NOTIFY_SOCKET": "/run/x", "LISTEN_FDS": "1", "LISTEN_PID": "1", "WATCHDOG_USEC": "5", "KEPT": "yes"}
    assert scene.run(shell("work", "env > env", timeout=120.0), **services) == 0
    lines = (scene.tree / "env").read_text(encoding="utf-8").splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    assert not {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC"} & set(found)
    wanted = {
        "KEPT": "yes",
        "SUB_ISSUE": "7",
        "AGENT_ID": AGENT,
        "BRANCH_NAME": "feat/demo",
        "STATUS_FILE": scene.paths.status(AGENT),
        "WORKING_DIR": str(scene.tree),
        "TIMEOUT": "120",
        "ORCHD_TRACK": TRACK,
        "ORCHD_FENCE": "1",
        "ORCHD_RUN": "demo",
        "ORCHD_ROOT": str(scene.root),
        "ORCHD_ATTEMPT": "1",
        "ORCHD_PHASE": "work",
    }
    assert {name: found.get(name) for name in wanted} == wanted
