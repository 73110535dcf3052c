"""One attempt: claim, phases in order, true endings, result before status before release."""

import signal
import sys
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.core.phase import Phase
from tests.processes import is_stopped
from tests.waiting import wait_for
from tests.worker.scene import AGENT, TRACK, Scene, committing, gone, python, shell


def test_phases_run_in_order(scene: Scene) -> None:
    """Each phase runs after the one before, in the working directory, and its output is in the log."""
    assert (
        scene.run(shell("work", "pwd; echo one"), shell("review", "echo two >&2"), shell("commit", "echo three")) == 0
    )
    attempt = scene.attempt()
    assert [(each.name, each.ending, each.status) for each in attempt.phases] == [
        ("work", "exited", 0),
        ("review", "exited", 0),
        ("commit", "exited", 0),
    ]
    assert attempt.passed
    assert attempt.fence == 1
    log = scene.log()
    assert str(scene.tree) in log
    assert log.index("\none\n") < log.index("\ntwo\n") < log.index("\nthree\n")


def test_the_end_is_told_and_the_claim_released(scene: Scene) -> None:
    """Afterwards the status is completed with 100 % and the track is free."""
    assert scene.run(shell("work", "true")) == 0
    status = scene.status()
    assert (status["status"], status["progress_percentage"], status["track"]) == ("completed", 100, TRACK)
    assert status["metadata"] == {"attempt": 1, "retry_count": 0, "run": "demo", "phase": "work", "fence": 1}
    assert "error" not in status
    assert scene.lock() is None


def test_the_claim_stands_while_the_agent_works(scene: Scene) -> None:
    """The lock names the worker, leader of its group; the status says in_progress at once."""
    scene.job(shell("work", "echo $$ > pid; sleep 30"))
    worker = scene.start()
    scene.started()
    seen = scene.lock()
    assert seen is not None
    assert (seen.verdict.state, seen.record.pid, getattr(seen.record, "pgid", None)) == (
        "alive",
        worker.pid,
        worker.pid,
    )
    assert scene.status()["status"] == "in_progress"
    assert scene.status()["current_stage"] == "work"
    worker.terminate()
    assert worker.wait(10) == 143


@pytest.mark.parametrize(
    ("script", "status", "number", "error"),
    [
        ("echo; echo 'no such thing'; echo; exit 3", 3, None, "UNKNOWN: phase work ended with status 3: no such thing"),
        ("exit 4", 4, None, "UNKNOWN: phase work ended with status 4"),
        ("kill -SEGV $$", None, 11, "UNKNOWN: phase work was ended by SIGSEGV"),
        ("printf 'a\\033[31mb\\r'; exit 1", 1, None, "UNKNOWN: phase work ended with status 1: a\\x1b[31mb"),
    ],
)
def test_a_failing_phase(scene: Scene, script: str, status: int | None, number: int | None, error: str) -> None:
    """The first phase that does not pass ends the attempt; exit status and signal are the true ones."""
    assert scene.run(shell("work", script), shell("review", "touch reviewed")) == 1
    attempt = scene.attempt()
    assert [(each.status, each.signal) for each in attempt.phases] == [(status, number)]
    assert attempt.error == error
    assert (scene.status()["status"], scene.status()["error"]) == ("failed", error)
    assert not (scene.tree / "reviewed").exists()
    assert scene.lock() is None


def test_the_commit_speaks_for_itself(scene: Scene) -> None:
    """A typed last line of the commit phase is the error; of another one it is only quoted."""
    said = "VALIDATION_ERROR: nothing was changed"
    assert scene.run(shell("work", "true"), committing(f"echo noise; echo '{said}'; exit 1")) == 1
    assert scene.attempt().error == said


def test_another_phase_is_only_quoted(scene: Scene) -> None:
    """What looks like a type in an agent's output does not become one."""
    assert scene.run(shell("work", "echo 'TIMEOUT: of a button'; exit 1")) == 1
    assert scene.attempt().error == "UNKNOWN: phase work ended with status 1: TIMEOUT: of a button"


def test_what_the_agent_reports_is_kept(scene: Scene) -> None:
    """Stage, percent and pull request survive the heartbeat, the last one the end too; the error is the attempt's."""
    report = """
import json, os, time
path = os.environ["STATUS_FILE"]
said = json.load(open(path))
said.update(current_stage="tests", progress_percentage=40, error="TEST_FAILURE: 2 of 30", pr_number=12)
open(path + ".mine", "w").write(json.dumps(said))
os.replace(path + ".mine", path)
open("told", "w").close()
time.sleep(0.6)
raise SystemExit(1)
"""
    scene.job(python("work", report), heartbeat=0.1)
    worker = scene.start()
    wait_for((scene.tree / "told").exists)
    told = scene.status()
    wait_for(lambda: scene.status()["last_update"] != told["last_update"])
    beaten = scene.status()
    assert (beaten["current_stage"], beaten["progress_percentage"], beaten["pr_number"]) == ("tests", 40, 12)
    assert worker.wait(10) == 1
    assert scene.attempt().error == "TEST_FAILURE: 2 of 30"
    assert (scene.status()["error"], scene.status()["pr_number"]) == ("TEST_FAILURE: 2 of 30", 12)


@pytest.mark.parametrize("garbage", ["not json", '{"status": "done"}', '{"a": 1, "a": 2}', "[" * 100_000, ""])
def test_garbage_in_the_status_file(scene: Scene, garbage: str) -> None:
    """Whatever the agent writes there, the worker goes on and its last word is whole."""
    script = f"import os; open(os.environ['STATUS_FILE'], 'w').write({garbage!r})"
    assert scene.run(python("work", script), shell("commit", "true")) == 0
    assert scene.attempt().passed
    assert (scene.status()["status"], scene.status()["agent_id"]) == ("completed", AGENT)


def test_a_later_fence_in_the_status_file_is_not_believed(scene: Scene) -> None:
    """An agent that makes up a fence does not end its own worker."""
    script = """
import json, os
path = os.environ["STATUS_FILE"]
said = json.load(open(path))
said["metadata"]["fence"] = 10**9
open(path, "w").write(json.dumps(said))
"""
    assert scene.run(python("work", script), shell("commit", "true")) == 0
    assert scene.status()["status"] == "completed"


def test_the_input_reaches_the_agent(scene: Scene) -> None:
    """A phase reads the file that its job names; without one it reads nothing."""
    prompt = scene.root / "prompt.md"
    prompt.write_text("do it\n", encoding="utf-8")
    told = Phase("work", ("sh", "-c", "cat > told"), 30.0, stdin=str(prompt))
    assert scene.run(told, shell("review", "cat > nothing")) == 0
    assert (scene.tree / "told").read_text(encoding="utf-8") == "do it\n"
    assert (scene.tree / "nothing").read_bytes() == b""


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        (Phase("work", ("no-such-agent",), 30.0), "no-such-agent cannot be started: No such file or directory"),
        (Phase("work", ("/dev/null",), 30.0), "/dev/null cannot be started: Permission denied"),
        (Phase("work", ("true",), 30.0, stdin="/no/such/prompt"), "its input /no/such/prompt cannot be read"),
        (Phase("work", ("true",), 30.0, stdin="/dev"), "its input /dev is not a file"),
    ],
)
def test_what_cannot_be_started(scene: Scene, phase: Phase, said: str) -> None:
    """A missing command or input is one line, not a traceback."""
    assert scene.run(phase) == 1
    attempt = scene.attempt()
    assert attempt.phases[0].ending == "not_started"
    assert attempt.error.startswith(f"RESOURCE_ERROR: {said}")
    assert "Traceback" not in scene.log()


def test_a_missing_folder(scene: Scene) -> None:
    """An agent without its working directory is not started."""
    scene.job(shell("work", "true"))
    scene.tree.rmdir()
    assert scene.start().wait(10) == 1
    assert scene.attempt().error.startswith("RESOURCE_ERROR: the working directory ")


def test_costs_are_the_kernels(scene: Scene) -> None:
    """CPU time and peak memory are those of the agent and of what it waited for."""
    burn = "import time\nblock = bytearray(64 << 20)\nwhile time.process_time() < 0.3: pass"
    assert (
        scene.run(Phase("work", ("sh", "-c", f"{sys.executable} -c '{burn}'; true"), 30.0), shell("idle", "true")) == 0
    )
    work, idle = scene.attempt().phases
    assert 0.3 <= work.cpu_seconds < 5
    assert 64 << 20 <= work.peak_memory_bytes < 160 << 20
    assert idle.cpu_seconds < 0.3
    assert work.seconds >= 0.3
    assert work.started_at < work.ended_at <= idle.started_at


def test_former_attempts_are_kept(scene: Scene) -> None:
    """A second attempt adds an entry; what the first one said of its end is over."""
    assert scene.run(shell("work", "exit 1")) == 1
    scene.job(shell("work", "true"), attempt=2)
    assert scene.start().wait(10) == 0
    assert not scene.attempt(1).passed
    assert scene.attempt(2).passed
    assert scene.attempt(2).fence > scene.attempt(1).fence
    assert "error" not in scene.status()


def test_nothing_is_done_twice(scene: Scene) -> None:
    """A worker for an attempt that has come to its end leaves at once and releases; its claim supersedes nothing."""
    assert scene.run(shell("work", "echo again >> times")) == 0
    assert scene.start().wait(10) == 0
    assert scene.attempt().passed
    assert scene.attempt().fence == FileClaims(str(scene.root)).last_fence(TRACK) == 2
    assert (scene.tree / "times").read_text(encoding="ascii") == "again\n"
    assert scene.lock() is None


def test_a_claim_held_by_another_is_left_alone(scene: Scene) -> None:
    """A second worker for the track leaves with 75 and touches nothing."""
    scene.job(shell("work", "echo $$ >> pid; sleep 30"))
    first = scene.start()
    scene.started()
    before = (scene.status(), scene.log(), scene.lock(), scene.attempt())
    assert not scene.attempt().finished
    assert scene.start().wait(10) == 75
    assert (scene.status(), scene.log(), scene.lock(), scene.attempt()) == before
    first.terminate()
    assert first.wait(10) == 143


def test_a_lost_claim_ends_the_attempt(scene: Scene) -> None:
    """When an operator frees the claim and another takes it, the agent ends and the result says superseded."""
    scene.job(shell("work", "echo $$ > pid; sleep 30"), heartbeat=0.1)
    worker = scene.start()
    agent = scene.started()
    store = FileClaims(str(scene.root))
    seen = store.read(TRACK)
    assert seen is not None
    store.break_(TRACK, seen.token)
    other = store.claim(Wanted(TRACK, "somebody", worker.pid))
    assert isinstance(other, Won)
    assert worker.wait(10) == 76
    assert gone(agent)
    assert "superseded" in scene.attempt().error
    kept = store.read(TRACK)
    assert kept is not None
    assert kept.token == other.claim.token


def test_an_unreadable_result_is_kept_aside(scene: Scene) -> None:
    """A result file that is none does not stand in the way, and is not lost."""
    Path(scene.paths.result(AGENT)).write_bytes(b"what?")
    assert scene.run(shell("work", "true")) == 0
    assert scene.attempt().passed
    kept = list(Path(scene.paths.private, "aside").glob("*.result.json"))
    assert [each.read_bytes() for each in kept] == [b"what?"]


def test_two_workers_race(scene: Scene) -> None:
    """Of several workers for one attempt exactly one carries it out."""
    scene.job(shell("work", "echo once >> times; sleep 0.3"))
    workers = [scene.start() for _ in range(4)]
    statuses = sorted(each.wait(20) for each in workers)
    assert statuses[0] == 0
    assert set(statuses) <= {0, 75}
    assert (scene.tree / "times").read_text(encoding="ascii") == "once\n"


def test_a_job_that_moved_on(scene: Scene) -> None:
    """A worker that was started for a former attempt leaves without doing anything."""
    scene.job(shell("work", "touch done"), attempt=1)
    worker = scene.start("claim.temp_written:stop")
    wait_for(lambda: is_stopped(worker.pid))
    scene.job(shell("work", "touch done"), attempt=2)
    worker.send_signal(signal.SIGCONT)
    assert worker.wait(10) == 0
    assert not (scene.tree / "done").exists()
    assert scene.lock() is None
