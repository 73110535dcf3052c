"""The course of an attempt: validators and their rounds, questions, usage limits, what it cost."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from orchestrator.core.phase import Phase, encode
from tests.waiting import wait_for
from tests.worker.scene import AGENT, Scene, committing, gone, python, shell

WORK: Final = shell("work", "true")
TELL: Final = """
import json, os, sys
path = os.environ["STATUS_FILE"]
said = json.load(open(path))
for name, value in {told!r}.items():
    (said["metadata"] if name in ("blocked", "cost_usd", "tokens") else said)[name] = value
open(path + ".mine", "w").write(json.dumps(said))
os.replace(path + ".mine", path)
{after}
"""


def telling(told: Mapping[str, object], after: str = "") -> Phase:
    """A phase whose agent writes into its status."""
    return python("work", TELL.format(told=told, after=after))


def judging(script: str, mend: str = "", *, rounds: int = 3, words: bool = False) -> Phase:
    """A validator, and the phase that mends where there is a script for it."""
    return replace(
        shell("check", script),
        kind="validator",
        judges_by="words" if words else "status",
        mend=shell("mend", mend) if mend else None,
        rounds=rounds,
    )


def steps(scene: Scene) -> list[tuple[str, str]]:
    """Each execution and its verdict."""
    return [(each.name, each.verdict) for each in scene.attempt().phases]


def test_a_validator_accepts(scene: Scene) -> None:
    """Exit status 0 lets the attempt go on; what it said is in the result."""
    assert scene.run(WORK, judging("echo fine"), committing("true")) == 0
    assert steps(scene) == [("work", ""), ("check", "ACCEPT"), ("commit", "")]
    assert [each.kind for each in scene.attempt().phases] == ["agent", "validator", "commit"]
    assert scene.attempt().phases[1].report == "fine"


def test_the_first_mends(scene: Scene) -> None:
    """What the validator said is in the findings while the other mends, and it is asked again."""
    mend = f"cp ../runtime/parallel/demo/.d/{AGENT}.findings.txt found; touch better"
    check = judging("test -e better || { echo 'tests are missing'; exit 1; }", mend)
    assert scene.run(WORK, check, committing("true")) == 0
    assert steps(scene) == [("work", ""), ("check", "REVISE"), ("mend", ""), ("check", "ACCEPT"), ("commit", "")]
    assert scene.attempt().phases[1].error == "VALIDATION_ERROR: check: tests are missing"
    assert (scene.tree / "found").read_text(encoding="utf-8") == "tests are missing\n"
    assert scene.attempt().passed


@pytest.mark.parametrize(
    ("check", "seen", "error"),
    [
        (judging("echo no; exit 1"), ["check"], "VALIDATION_ERROR: check: no"),
        (judging("exit 7"), ["check"], "VALIDATION_ERROR: check: it says REVISE, and no more (status 7)"),
        (judging("exit 1", "true", rounds=1), ["check"], "VALIDATION_ERROR: check: it says REVISE, and no more"),
        (judging("echo n; exit 1", "true"), ["check", "mend"] * 2 + ["check"], "VALIDATION_ERROR: check: n"),
        (judging("exit 1", "echo x; exit 3"), ["check", "mend"], "UNKNOWN: phase mend ended with status 3: x"),
        (judging("echo REJECT: all wrong", "true", words=True), ["check"], "VALIDATION_ERROR: check: all wrong"),
    ],
)
def test_what_is_not_accepted(scene: Scene, check: Phase, seen: list[str], error: str) -> None:
    """Without a phase that mends, with all rounds used up, or rejected, the attempt fails and nothing is committed."""
    assert scene.run(check, committing("touch committed")) == 1
    assert [name for name, _ in steps(scene)] == seen
    assert scene.attempt().error.startswith(error)
    assert scene.status()["error"] == scene.attempt().error
    assert not (scene.tree / "committed").exists()


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (judging("kill -SEGV $$", "true"), "it was ended by SIGSEGV"),
        (replace(judging("sleep 60", "true"), timeout_seconds=0.2), "phase check took longer than 0.2 s"),
        (replace(judging("", "true"), argv=("no-such-validator",)), "no-such-validator cannot be started: "),
        (judging("echo looks good", "true", words=True), "it said none of ACCEPT, REVISE and REJECT"),
        (judging("echo ACCEPT; exit 2", "true", words=True), "it ended with status 2"),
    ],
)
def test_a_validator_that_cannot_judge(scene: Scene, check: Phase, why: str) -> None:
    """It fails the attempt, says why, and nobody mends what nobody has judged."""
    assert scene.run(check, committing("true")) == 1
    assert steps(scene) == [("check", "")]
    assert scene.attempt().error.startswith(f"VALIDATION_ERROR: validator check could not judge: {why}")


def test_a_validator_that_hangs(scene: Scene) -> None:
    """It is ended, and told."""
    scene.job(judging("sleep 60"), committing("true"), stale=0.3)
    assert scene.start().wait(10) == 1
    assert "could not judge: hung: no sign of life for " in scene.attempt().error
    assert scene.attempt().phases[0].ending == "timed_out"


def test_nobody_speaks_for_a_validator(scene: Scene) -> None:
    """What an agent prints, reports or leaves running is no verdict."""
    work = telling({"error": "VALIDATION_ERROR: mine"}, "print('ACCEPT', end='', flush=True)")
    left = shell("review", "(sleep 0.2; echo ACCEPT) & exec echo ACCEPT")
    assert scene.run(work, left, judging("echo no verdict; sleep 0.4", words=True)) == 1
    assert scene.attempt().error.endswith("could not judge: it said none of ACCEPT, REVISE and REJECT")


def test_a_cancelled_validator(scene: Scene) -> None:
    """It ends as cancelled, not as a verdict."""
    scene.job(judging("echo $$ > pid; sleep 60"))
    worker = scene.start()
    scene.started()
    worker.terminate()
    assert worker.wait(10) == 143
    assert (scene.attempt().error, steps(scene)) == ("UNKNOWN: cancelled (SIGTERM)", [("check", "")])


@pytest.mark.parametrize("status", [0, 3])
def test_a_question_ends_the_attempt(scene: Scene, status: int) -> None:
    """Whatever the exit status: a person is asked first, and the question stays where people see it."""
    asking = telling({"needs_input": {"question": "which database?"}}, f"raise SystemExit({status})")
    assert scene.run(asking, shell("review", "touch reviewed"), committing("true")) == 1
    attempt = scene.attempt()
    assert (attempt.asked, attempt.blocked, attempt.parked) == ("which database?", "", True)
    assert attempt.error == "UNKNOWN: needs input: which database?"
    assert scene.status()["needs_input"] == {"question": "which database?"}
    assert (scene.status()["status"], scene.status()["error"]) == ("failed", attempt.error)
    assert not (scene.tree / "reviewed").exists()


def test_a_question_that_was_answered(scene: Scene) -> None:
    """One that is no longer open is none, and a new attempt begins without it."""
    assert scene.run(telling({"needs_input": {"question": "a?"}, "blocked": "b"}), committing("true")) == 1
    assert (scene.attempt().asked, scene.attempt().blocked) == ("a?", "b")
    scene.job(telling({"needs_input": None}), committing("true"), attempt=2)
    assert scene.start().wait(10) == 0
    assert not scene.attempt(2).parked
    assert "needs_input" not in scene.status()


def test_who_is_blocked_waits(scene: Scene) -> None:
    """What it cannot get past is told as such."""
    assert scene.run(telling({"blocked": "no access"}), committing("true")) == 1
    assert (scene.attempt().asked, scene.attempt().blocked) == ("", "no access")
    assert scene.attempt().error == "UNKNOWN: blocked: no access"


def test_a_question_and_a_signal(scene: Scene) -> None:
    """Who is cancelled waits for nobody."""
    scene.job(
        telling(
            {"needs_input": {"question": "a?"}},
            "open('pid', 'w').write(str(os.getpid()))\nimport signal\nsignal.pause()",
        )
    )
    worker = scene.start()
    scene.started()
    worker.terminate()
    assert worker.wait(10) == 143
    assert not scene.attempt().parked
    assert "needs_input" not in scene.status()


def test_a_usage_limit(scene: Scene) -> None:
    """The agent's own words park the attempt; the end of the limit is in UTC."""
    said = "echo 'Claude AI usage limit reached|4102444800'; exit 1"
    assert scene.run(shell("work", said), committing("true")) == 1
    attempt = scene.attempt()
    assert (attempt.limited, attempt.limited_until, attempt.parked) == (True, "", True)
    assert attempt.error == "API_ERROR: usage limit: Claude AI usage limit reached|4102444800"
    scene.job(shell("work", 'echo; echo "You\'ve hit your usage limit. Try again in 2 hours." >&2; exit 1'), attempt=2)
    assert scene.start().wait(10) == 1
    until = scene.attempt(2).limited_until
    assert scene.attempt(2).error.endswith(f"; resets at {until}")
    assert len(until) == len("2026-01-01T00:00:00Z")


def test_a_validator_s_limit(scene: Scene) -> None:
    """A validator that is an agent may meet one too: then it could not judge, and the attempt waits."""
    assert scene.run(judging("echo Claude AI usage limit reached; exit 1", words=True)) == 1
    assert scene.attempt().limited
    assert scene.attempt().phases[0].error.startswith("VALIDATION_ERROR: validator check could not judge")


def test_a_validator_asks_nobody(scene: Scene) -> None:
    """What it puts into the status as a question holds nothing up."""
    asks = replace(telling({"needs_input": {"question": "a?"}}), kind="validator")
    assert scene.run(WORK, asks, committing("true")) == 0
    assert not scene.attempt().parked


@pytest.mark.parametrize(
    "phases",
    [
        (shell("work", "echo Claude AI usage limit reached; exit 0"), committing("exit 1")),
        (WORK, committing("echo Claude AI usage limit reached; exit 1")),
        (judging("echo Claude AI usage limit reached; exit 1"),),
        (shell("work", "echo Claude AI usage limit reached"), shell("review", "exit 1")),
    ],
)
def test_no_usage_limit(scene: Scene, phases: tuple[Phase, ...]) -> None:
    """An agent that passed has met none; what others print is not its word."""
    assert scene.run(*phases) == 1
    assert not scene.attempt().limited


@pytest.mark.parametrize(
    ("told", "spent"),
    [
        ({}, (None, None)),
        ({"cost_usd": 1.25, "tokens": 7}, (1.25, 7)),
        ({"cost_usd": 2, "tokens": 0}, (2.0, 0)),
        ({"cost_usd": -1, "tokens": -1}, (None, None)),
        ({"cost_usd": "1", "tokens": 1.5}, (None, None)),
        ({"cost_usd": True, "tokens": True}, (None, None)),
        ({"cost_usd": 10**400, "tokens": 2**60}, (None, None)),
    ],
)
def test_what_it_cost(scene: Scene, told: Mapping[str, object], spent: tuple[float | None, int | None]) -> None:
    """What the agent says of it is in the result, unknown where it says nothing that can be."""
    assert scene.run(telling(told), committing("true")) == 0
    assert (scene.attempt().cost_usd, scene.attempt().tokens) == spent


def test_another_attempt_costs_anew(scene: Scene) -> None:
    """What a former one has cost is not counted twice; the cause is in the entry."""
    assert scene.run(telling({"cost_usd": 5.0, "tokens": 9}, "raise SystemExit(1)")) == 1
    assert (scene.attempt().cost_usd, scene.attempt().cause) == (5.0, "first")
    again = replace(scene.job(WORK, attempt=2), cause="answered", toolset="reduced")
    report = 'echo "$ORCHD_CAUSE $ORCHD_TOOLSET $ORCHD_ANSWER_FILE" > told'
    Path(scene.paths.job(AGENT)).write_bytes(encode(replace(again, phases=(shell("work", report),))))
    assert scene.start().wait(10) == 0
    assert (scene.attempt(2).cost_usd, scene.attempt(2).tokens, scene.attempt(2).cause) == (None, None, "answered")
    answer = f"{scene.paths.folder}/{AGENT}.answer.json"
    assert (scene.tree / "told").read_text(encoding="utf-8") == f"answered reduced {answer}\n"


def test_rounds_survive_a_crash(scene: Scene) -> None:
    """How each execution ended is in the result before the next one begins."""
    scene.job(judging("exit 1", "echo $$ > pid; sleep 60"))
    worker = scene.start()
    agent = scene.started()
    assert steps(scene) == [("check", "REVISE")]
    worker.kill()
    worker.wait()
    wait_for(lambda: gone(agent))


def test_a_planted_link(scene: Scene) -> None:
    """The findings are written to a file of their own, whatever the agent put there."""
    victim = scene.root / "victim"
    victim.write_text("mine", encoding="ascii")
    plant = f"ln -s {victim} ../runtime/parallel/demo/.d/{AGENT}.findings.txt"
    assert scene.run(shell("work", plant), judging("echo no; exit 1", "true", rounds=2)) == 1
    assert victim.read_text(encoding="ascii") == "mine"
