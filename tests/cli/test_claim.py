"""``orchd claim``: around a command, and for a process."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims
from tests.cli.orchd import ARGV, Orchd, hostile_names
from tests.processes import dead, living, state
from tests.waiting import wait_for

TRACK = "unit_a"


@pytest.fixture
def orchd(tmp_path: Path) -> Orchd:
    """A root of its own."""
    return Orchd(tmp_path)


@contextmanager
def around(orchd: Orchd, script: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a shell script under a claim of TRACK, in a session of its own."""
    argv = [*ARGV, "claim", TRACK, *words, "--", "sh", "-c", script]
    with subprocess.Popen(argv, cwd=orchd.root, env=orchd.env, start_new_session=True) as child:
        try:
            yield child
        finally:
            child.kill()


def number_in(path: Path) -> int:
    """Wait for a file that holds a number, and return it."""
    return int(wait_for(lambda: path.exists() and path.read_text(encoding="ascii").strip(), what=str(path)))


def gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    return state(pid) in ("", "Z")


@pytest.mark.parametrize(
    ("cmd", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 5"], 5),
        (["sh", "-c", "kill -9 $$"], 137),
        (["no-such-command"], 127),
        (["/dev/null"], 126),
    ],
)
def test_the_status_is_passed_on(orchd: Orchd, cmd: Sequence[str], status: int) -> None:
    """That of the command, or what a shell would say; the track is free afterwards."""
    ended = orchd("claim", TRACK, "--", *cmd)
    assert ended.status == status
    assert ended.tame
    assert not orchd.lock(TRACK).exists()
    assert ended.err == "" if status < 126 else True


def test_the_command_runs_under_the_claim(orchd: Orchd) -> None:
    """On our streams, where we are, with the claim's names in its environment."""
    script = "read line; echo $line $ORCHD_TRACK $ORCHD_FENCE $ORCHD_RUN $ORCHD_ROOT; pwd; cat .orch*/unit_a.lock >&2"
    argv = [*ARGV, "claim", TRACK, "--run", "demo", "--owner", "ada@home", "--", "sh", "-c", script]
    ended = subprocess.run(
        argv, cwd=orchd.root, env=orchd.env, input=b"hello\n", capture_output=True, check=True, timeout=30
    )
    assert ended.stdout.decode() == f"hello {TRACK} 1 demo {orchd.root}\n{orchd.root}\n"
    assert b'"owner":"ada@home"' in ended.stderr
    assert b'"run":"demo"' in ended.stderr


def test_the_owner_is_the_user(orchd: Orchd) -> None:
    """Without --owner, at this host."""
    orchd("claim", TRACK, "--pid", str(os.getpid()))
    seen = FileClaims(str(orchd.root)).read(TRACK)
    assert seen is not None
    assert getattr(seen.record, "owner", "").startswith(f"{pwd.getpwuid(os.getuid()).pw_name}@")


@pytest.mark.parametrize("words", [(), ("--", "true")])
def test_held_by_another(orchd: Orchd, words: Sequence[str]) -> None:
    """It is one line that says by whom and why, and 75; nothing is run."""
    claim = orchd.claim(TRACK, owner="ada")
    ended = orchd("claim", TRACK, *words)
    assert ended.status == 75
    assert ended.err.startswith(f"orchd: {TRACK} is held by ada: process {os.getpid()} ")
    assert ended.out == ""
    told = orchd("claim", TRACK, "--json", *words)
    assert (told.status, told.error["code"]) == (75, "held")
    assert told.error["holder"]["token"] == claim.token
    assert told.error["holder"]["owner"] == "ada"


def test_waiting_for_a_track(orchd: Orchd) -> None:
    """With --wait the claim is made as soon as the other gives it back, and refused when the time is over."""
    with around(orchd, "touch here; sleep 4"):
        wait_for((orchd.root / "here").exists)
        assert orchd("claim", TRACK, "--wait", "0.1", "--", "true").status == 75
        assert orchd("claim", TRACK, "--wait", "20s", "--", "true").status == 0


def test_a_wait_can_be_ended(orchd: Orchd) -> None:
    """A signal ends the waiting, and nothing was claimed."""
    orchd.claim(TRACK)
    with around(orchd, "touch ran", "--wait", "1h") as child:
        wait_for(
            lambda: Path(f"/proc/{child.pid}/wchan").exists() and "SigCgt" in _status(child.pid) and _catches(child.pid)
        )
        child.terminate()
        assert child.wait(10) == 143
    assert not (orchd.root / "ran").exists()


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text(encoding="ascii")


def _catches(pid: int) -> bool:
    """Tell whether a process has a handler for TERM."""
    line = next(line for line in _status(pid).splitlines() if line.startswith("SigCgt"))
    return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_passed_on(orchd: Orchd, number: signal.Signals) -> None:
    """The command gets the same signal, its own status is passed on, the track is free."""
    script = f"trap 'exit 9' {number.name.removeprefix('SIG')}; echo $$ > pid; while :; do sleep 0.05; done"
    with around(orchd, script) as child:
        number_in(orchd.root / "pid")
        child.send_signal(number)
        assert child.wait(10) == 9
    assert not orchd.lock(TRACK).exists()


def test_a_second_signal_kills(orchd: Orchd) -> None:
    """A command that does not heed TERM is killed when asked again, with all that it started."""
    with around(
        orchd, "trap 'touch heard' TERM; setsid sleep 60 & echo $! > pid; while :; do sleep 0.05; done"
    ) as child:
        pid = number_in(orchd.root / "pid")
        child.terminate()
        wait_for((orchd.root / "heard").exists)
        child.terminate()
        assert child.wait(10) == 137
    assert gone(pid)


def test_nothing_is_left_behind(orchd: Orchd) -> None:
    """What the command leaves in the background is ended, and that is said."""
    ended = orchd("claim", TRACK, "--", "sh", "-c", "setsid sleep 60 > /dev/null 2>&1 & echo $! > pid; exit 3")
    assert ended.status == 3
    assert ended.err == "orchd: ended what the command left behind, processes: 1\n"
    assert gone(number_in(orchd.root / "pid"))


def test_earlier_children_are_let_alone(orchd: Orchd) -> None:
    """What a shell had started before it became us is not ours to end."""
    script = (
        f"sleep 60 > /dev/null 2>&1 & echo $! > pid; exec {sys.executable} -P -m orchestrator claim {TRACK} -- true"
    )
    subprocess.run(["sh", "-c", script], cwd=orchd.root, env=orchd.env, check=True, timeout=30)
    pid = number_in(orchd.root / "pid")
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_killed_orchd_takes_the_command_along(orchd: Orchd) -> None:
    """After kill -9 the command is gone too, and the claim is dead."""
    with around(orchd, "echo $$ > pid; exec sleep 60") as child:
        pid = number_in(orchd.root / "pid")
        child.kill()
        child.wait(10)
    wait_for(lambda: gone(pid))
    seen = FileClaims(str(orchd.root)).read(TRACK)
    assert seen is not None
    assert seen.verdict.state == "dead"


def test_a_claim_that_was_taken_away(orchd: Orchd) -> None:
    """When the lock was freed meanwhile, that is said, and success becomes 76."""
    ended = orchd("claim", TRACK, "--", "sh", "-c", "rm .orchestrator_locks/*.lock")
    assert ended.status == 76
    assert "taken over" in ended.err
    assert orchd("claim", TRACK, "--", "sh", "-c", "rm .orchestrator_locks/*.lock; exit 4").status == 4


def test_for_the_calling_shell(orchd: Orchd) -> None:
    """Without a command the claim belongs to the caller and dies with it."""
    script = f"{sys.executable} -P -m orchestrator claim {TRACK} --json; echo $$; cat .orch*/{TRACK}.lock"
    ended = subprocess.run(
        ["sh", "-c", script], cwd=orchd.root, env=orchd.env, capture_output=True, check=True, timeout=30
    )
    told, pid, record = ended.stdout.decode().splitlines()
    assert f'"pid":{pid},' in record
    assert f'"track": "{TRACK}"' in told
    assert str(orchd.lock(TRACK)) in told
    seen = FileClaims(str(orchd.root)).read(TRACK)
    assert seen is not None
    assert seen.verdict.state == "dead"


def test_for_a_process(orchd: Orchd) -> None:
    """With --pid it belongs to that process; token and fence are printed."""
    with living() as owner:
        document = orchd("claim", TRACK, "--pid", str(owner.pid), "--json").document
        assert sorted(document) == ["fence", "path", "token", "track"]
        seen = FileClaims(str(orchd.root)).read(TRACK)
        assert seen is not None
        assert (seen.record.pid, seen.token, seen.fence) == (owner.pid, document["token"], document["fence"])
        assert orchd("release", TRACK, "--token", document["token"]).status == 0
        assert orchd("claim", TRACK, "--pid", str(owner.pid)).out.startswith(
            f"{TRACK}: claimed for process {owner.pid}, fence 2"
        )


def test_for_a_dead_process(orchd: Orchd) -> None:
    """Nobody can claim for a process that is gone, or for one that is none."""
    assert orchd("claim", TRACK, "--pid", str(dead())).status == 64
    assert orchd("claim", TRACK, "--pid", "1").status == 64
    assert orchd("claim", TRACK, "--pid", str(os.getpid()), "--", "true").status == 64
    assert not orchd.lock(TRACK).exists()


@pytest.mark.parametrize("option", ["", "--run", "--owner"])
def test_hostile_names(orchd: Orchd, option: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each is refused in one harmless line, and nothing is written or run."""
    names = [name for name in hostile_names() if isinstance(name, str)] if option else hostile_names()
    given = [(TRACK, f"{option}={name!s}") if option else ("--wait=0", name) for name in names]
    commands = [("claim", *words, "--", "touch", "ran") for words in given]
    for name, ended in zip(names, orchd.many(commands, tmp_path_factory.mktemp("said")), strict=True):
        assert (ended.status, ended.tame) == (64, True), name
    assert list(orchd.root.iterdir()) == []


@pytest.mark.parametrize("wait", ["soon", "-1", "1e9", "", "99999d"])
def test_a_wait_is_a_duration(orchd: Orchd, wait: str) -> None:
    """Anything else is refused."""
    assert orchd("claim", TRACK, f"--wait={wait}", "--", "true").status == 64


def test_a_short_claim_is_quick(orchd: Orchd) -> None:
    """Claim, run, release is a matter of a moment, and waits for nobody."""
    start = time.monotonic()
    assert orchd("claim", TRACK, "--", "true").status == 0
    assert time.monotonic() - start < 10
