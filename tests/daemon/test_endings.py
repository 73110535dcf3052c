"""Every ending of a track, of the first, the last and the only one of a run: state, exit code, report, kept work."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from orchestrator.host import others
from orchestrator.state import answers
from orchestrator.state.answers import Answer
from tests.daemon.endings import HALF, ORCHD, PLACES, Case, Ending, kill
from tests.waiting import wait_for

WAITS: Final = HALF + "echo ready; exec sleep 600\n"
WAITS_ONCE: Final = HALF + "[ $ORCHD_ATTEMPT != 1 ] || { echo ready; exec sleep 600; }\n"
ASKS: Final = HALF + f"[ $ORCHD_ATTEMPT != 1 ] || {ORCHD} progress --needs-input 'Which one?'\n"
TWICE: Final = ("first", "retry")


def cancelled(case: Case) -> None:
    """A person ends the track."""
    case.ready()
    assert case("cancel", "roadmap", case.track).status == 0


def answered(case: Case) -> None:
    """A person answers the question of the track."""
    agent = f"agent-{case.number}"
    wait_for(lambda: "needs_input" in [each["to"] for each in case.events("track.changed")], 30, "a question")
    answers.write(case.paths, agent, Answer(1, "Which one?", "The other one"))


def worker_killed(case: Case) -> None:
    """Somebody ends the worker with kill -9."""
    kill(case.ready())


def driver_killed(case: Case) -> None:
    """Whoever drives the run is ended with kill -9; the worker goes on."""
    case.ready()
    case.driver.kill()
    case.driver.wait()
    (case.root.parent / "go").touch()


def rebooted(case: Case) -> None:
    """The machine goes down: nothing is left but files, and those name a boot that is over."""
    worker = case.ready()
    case.driver.kill()
    case.driver.wait()
    agents = others.carrying({"ORCHD_ROOT": str(case.root)})
    for pid in (worker, *agents):
        kill(pid)
    lock = case.lock(case.track)
    said = json.loads(lock.read_bytes())
    lock.write_bytes(
        json.dumps(said | {"boot_id": "00000000-0000-4000-8000-000000000000", "pid": os.getpid()}).encode()
    )
    guard = case.root / ".orchestrator_locks" / ".d" / "guards" / case.track
    last, bound, _ = guard.read_text().split()
    guard.write_text(f"{last} {bound} {'another':<40}\n")


JUDGE: Final = """
[[validators]]
name = "judge"
kind = "{kind}"
tracks = ["{{track}}"]
{how}
"""

ENDINGS: Final = {
    "success": Ending(
        'echo made > "$ORCHD_TRACK"', "merged", states=("running", "committed", "merging")
    ),
    "non-zero": Ending(HALF + "exit 3", error="status 3", cause="status 3", attempts=TWICE, most=2),
    "signal": Ending(HALF + "kill -SEGV $$", error="SIGSEGV", cause="SIGSEGV", attempts=TWICE, most=2),
    "time-out": Ending(
        HALF + "exec sleep 600", error="TIMEOUT: ", cause="was ended after", attempts=TWICE, most=2,
        timeout=2, run="timeout_growth = 1",
    ),
    "out of memory": Ending(HALF + "kill -KILL $$", error="SIGKILL", cause="want of memory", attempts=TWICE, most=2),
    "agent not found": Ending(
        HALF + "rm tools/agent", error="cannot be started", cause="could not be started", most=2
    ),
    "program not found": Ending(HALF + "no-such-agent", error="status 127", cause="is not on this machine", most=2),
    "nothing built": Ending(
        "true", error="nothing", cause="without a change", attempts=TWICE, most=2, keeps=""
    ),
    "empty diff": Ending(
        "git commit --quiet --allow-empty --message=promised", error="nothing of its own", cause="without a change",
        most=2, keeps="",
    ),
    "outside its paths": Ending(
        HALF, error="VALIDATION_ERROR: judge: outside: ", cause="judge does not accept", attempts=TWICE, most=2,
        tables=JUDGE.format(kind="diff", how='paths = ["docs"]\nrounds = 1'),
    ),
    "rejected": Ending(
        HALF.replace("exit 0", "{ [ $ORCHD_PHASE != judge ] || echo REJECT: wrong; exit 0; }"),
        error="VALIDATION_ERROR: judge: wrong", cause="(REJECT)", attempts=TWICE, most=2,
        states=("validating",), tables=JUDGE.format(kind="agent", how=""),
    ),
    "never accepted": Ending(
        HALF, error="VALIDATION_ERROR: judge: ", cause="(REVISE)", attempts=TWICE, most=2,
        tables=JUDGE.format(kind="command", how='argv = ["sh", "-c", "echo more; exit 1"]\nrounds = 2'),
    ),
    "conflict": Ending(
        HALF + 'echo theirs > shared.txt; cd "$ORCHD_ROOT"; echo ours > shared.txt; git commit -qam ours',
        "conflict", "shared.txt", "shared.txt", most=2, keeps="branch",
    ),
    "cancelled": Ending(WAITS, "cancelled", "cancelled", "a person", most=2, during=cancelled),
    "usage limit": Ending(
        HALF + '[ $ORCHD_ATTEMPT != 1 ] || { echo "Claude AI usage limit reached|$(( $(date +%s) + 2 ))"; exit 1; }',
        "merged", attempts=("first", "limit"), states=("parked",),
    ),
    "question": Ending(
        ASKS, error="nobody answered", cause="an answer", most=2, run="input_wait = 1", states=("needs_input",)
    ),
    "answer": Ending(ASKS, "merged", attempts=("first", "answered"), states=("needs_input",), during=answered),
    "worker killed": Ending(WAITS, error="the worker died (signal 9)", cause="itself was killed", during=worker_killed),
    "worker killed, another try": Ending(WAITS_ONCE, "merged", attempts=TWICE, most=2, during=worker_killed),
    "daemon killed": Ending(
        HALF + 'echo ready; until [ -e "$ORCHD_ROOT/../go" ]; do sleep 0.02; done', "merged",
        during=driver_killed, resumes=True,
    ),
    "reboot": Ending(WAITS, error="the worker died", cause="went down", during=rebooted, resumes=True),
    "reboot, another try": Ending(WAITS_ONCE, "merged", attempts=TWICE, most=2, during=rebooted, resumes=True),
    "out of time": Ending(
        WAITS, error="TIMEOUT: the time of the whole run is over", cause="less time", status=6,
        agents=2, tables="[budget.run]\ntime = 8",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_it_ends_as_it_should_at_each_place(tmp_path: Path, name: str) -> None:
    """The first, the last and the only track of a run: the others are merged, and what is said of it is true."""
    cases = [Case(tmp_path, ENDINGS[name], place) for place in PLACES]
    with ExitStack() as stack:
        for case in cases:
            stack.enter_context(case.driven())
        for case in cases:
            case.ending.during(case)
        for case in cases:
            case.check(case.end())
