"""Hung, quiet, alive: what counts as a sign of life, the warning, and the end."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.phase import Phase
from tests.waiting import wait_for
from tests.worker.scene import AGENT, Scene, committing, gone, number_in, python, shell

STALE = 0.5
"""Seconds without a sign of life; the programs below live for three times as long."""

LONG = "1.6"
TELLS = f"""
import json, os, time
path, end = os.environ["STATUS_FILE"], time.monotonic() + {LONG}
while time.monotonic() < end:
    said = json.load(open(path))
    said["current_stage"] = "same"
    open(path + ".mine", "w").write(json.dumps(said))
    os.replace(path + ".mine", path)
    time.sleep(0.15)
"""
ASKS = """
import json, os, time
path = os.environ["STATUS_FILE"]
said = json.load(open(path))
said["needs_input"] = {"question": "a or b?"}
open(path + ".mine", "w").write(json.dumps(said))
os.replace(path + ".mine", path)
time.sleep(60)
"""


def carried_out(scene: Scene, *phases: Phase) -> int:
    """Let a worker carry them out, with that little patience."""
    scene.job(*phases, stale=STALE)
    return scene.start().wait(20)


def test_who_is_hung_is_ended(scene: Scene) -> None:
    """After two limits without any sign: warned in between, killed with everything, said as what it is."""
    assert carried_out(scene, shell("work", "trap '' TERM; sleep 60 & echo $! > pid; wait"), committing("true")) == 1
    attempt = scene.attempt()
    assert attempt.error.startswith("TIMEOUT: hung: no sign of life for 1")
    assert attempt.error.endswith(" s in phase work")
    assert (attempt.phases[0].ending, scene.status()["error"]) == ("timed_out", attempt.error)
    assert 2 * STALE <= attempt.phases[0].seconds < 6
    assert "no report, no output, no CPU time and no changed file for 0." in scene.log()
    assert gone(number_in(scene.tree / "pid"))
    assert "quiet_since" not in str(scene.status())


def test_quiet_is_shown(scene: Scene) -> None:
    """From the warning on people see since when, until there is a sign of life."""
    scene.job(shell("work", "read line < ../wake; echo awake; read line < ../sleep"), stale=1.5)
    for name in ("wake", "sleep"):
        os.mkfifo(scene.root / name)
    worker = scene.start()
    wait_for(lambda: Path(scene.paths.status(AGENT)).exists() and "quiet_since" in str(scene.status()))
    (scene.root / "wake").write_text("\n", encoding="ascii")
    wait_for(lambda: "it shows signs of life again" in scene.log())
    worker.terminate()
    assert worker.wait(10) == 143
    assert "quiet_since" not in str(scene.status())


@pytest.mark.parametrize(
    "living",
    [
        pytest.param(python("work", TELLS), id="reports"),
        pytest.param(shell("work", f"for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done; : {LONG}"), id="prints"),
        pytest.param(
            python("work", f"import time\nend = time.monotonic() + {LONG}\nwhile time.monotonic() < end: pass"),
            id="computes",
        ),
        pytest.param(
            shell("work", "for i in 1 2 3 4 5 6 7 8; do mkdir -p a/b; touch a/b/$i; sleep 0.2; done"), id="writes"
        ),
        pytest.param(
            shell("work", "for i in 1 2 3 4 5 6 7 8; do rm -f a; sleep 0.1; : > a; sleep 0.1; done"), id="one"
        ),
    ],
)
def test_signs_of_life(scene: Scene, living: Phase) -> None:
    """Each of them alone is enough: nobody is ended who shows one."""
    assert carried_out(scene, living, committing("true")) == 0, scene.attempt().error


def test_our_own_words_are_no_sign(scene: Scene) -> None:
    """Heartbeats and lines of the worker keep no agent alive."""
    scene.job(shell("work", "exec sleep 60"), heartbeat=0.1, stale=STALE)
    assert scene.start().wait(20) == 1
    assert "hung" in scene.attempt().error
    assert scene.attempt().phases[0].seconds < 6


def test_git_is_no_sign(scene: Scene) -> None:
    """What changes in .git is not the agent's work."""
    (scene.tree / ".git").mkdir()
    other = python("work", "import time; time.sleep(60)")
    scene.job(other, stale=STALE)
    worker = scene.start()
    while worker.poll() is None:
        (scene.tree / ".git" / "index").touch()
    assert "hung" in scene.attempt().error


def test_who_stops_itself_is_ended(scene: Scene) -> None:
    """A stopped agent shows no life; it is continued and killed."""
    assert carried_out(scene, shell("work", "echo $$ > pid; kill -STOP $$; sleep 60")) == 1
    assert "hung" in scene.attempt().error
    assert gone(scene.started())


def test_a_worker_that_was_stopped_has_not_looked(scene: Scene) -> None:
    """The time in which a worker itself stood still is not its agent's silence."""
    scene.job(shell("work", "echo $$ > ../pid; exec sleep 60"), stale=1.0)
    worker = scene.start()
    agent = number_in(scene.root / "pid")
    worker.send_signal(signal.SIGSTOP)
    passed(2.5)
    worker.send_signal(signal.SIGCONT)
    passed(0.3)
    assert not gone(agent)
    worker.terminate()
    assert worker.wait(10) == 143


def passed(seconds: float) -> None:
    """Let time pass."""
    start = time.monotonic()
    wait_for(lambda: time.monotonic() > start + seconds)


def test_a_question_in_silence(scene: Scene) -> None:
    """Who waits for an answer and does nothing else is ended after one limit, and the question is kept."""
    assert carried_out(scene, python("work", ASKS), committing("true")) == 1
    attempt = scene.attempt()
    assert (attempt.asked, attempt.error) == ("a or b?", "UNKNOWN: needs input: a or b?")
    assert attempt.phases[0].seconds < 2 * STALE + 1
    assert scene.status()["needs_input"] == {"question": "a or b?"}


def test_a_validator_waits_for_nobody(scene: Scene) -> None:
    """A question of a validator is none that a person is asked: it hangs."""
    assert carried_out(scene, replace(python("work", ASKS), kind="validator"), committing("true")) == 1
    assert "could not judge: hung" in scene.attempt().error
    assert "needs_input" not in scene.status()


def test_a_limit_in_silence(scene: Scene) -> None:
    """An agent that says it waits for its limit to end, and is ended as hung, waits for that."""
    said = 'echo \'{"type": "system", "subtype": "api_retry", "error": "rate_limit"}\'; exec sleep 60'
    assert carried_out(scene, shell("work", said)) == 1
    assert scene.attempt().limited


def test_a_flood_of_reports(scene: Scene) -> None:
    """Thousands of reports a second keep the worker neither from its heartbeat nor from its last word."""
    flood = TELLS.replace("    time.sleep(0.15)\n", "")
    scene.job(python("work", flood), committing("true"), heartbeat=0.05, stale=STALE)
    assert scene.start().wait(20) == 0
    assert (scene.status()["status"], scene.attempt().passed) == ("completed", True)


def test_the_commit_is_not_watched(scene: Scene) -> None:
    """orchd's own phase has its time limit and no other."""
    assert carried_out(scene, replace(committing(f"sleep {LONG}"), timeout_seconds=10.0)) == 0
