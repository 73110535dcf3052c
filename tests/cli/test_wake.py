"""``orchd wake``: real processes with real claims, and commands that leave traces."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.orchd import Ended, Orchd
from tests.processes import living
from tests.waiting import wait_for


class Watch(Orchd):
    """A root with a wake file."""

    def told(self, text: str, **commands: str) -> None:
        """Write the file; ``commands`` are shell scripts by the kind of command."""
        tables = (
            f'[{kind}]\nargv = ["sh", "-c", {json.dumps(script)}]\n' + ('text = "hello"\n' if kind == "prompt" else "")
            for kind, script in commands.items()
        )
        (self.root / "w.toml").write_text(text + "".join(tables))

    def once(self, *more: str) -> Ended:
        """Wake once."""
        return self("wake", "w.toml", "--once", "--json", *more)

    def often(self, count: int, *more: str) -> list[Ended]:
        """Wake that often, each time by a process of its own."""
        commands = [["wake", "w.toml", "--once", *more]] * count
        return self.many(commands, self.root.parent / "scratch")

    def events(self) -> list[dict[str, Any]]:
        """Return what the journal says of wakes."""
        lines = (self.root / "runtime" / "events.jsonl").read_text().splitlines()
        return [each for each in map(json.loads, lines) if each["event"].startswith("wake.")]

    def lines(self, name: str) -> list[str]:
        """Return the lines of a file below the root; none where it is missing."""
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    @contextmanager
    def worker(self, track: str = "unit_a") -> Iterator[None]:
        """Have somebody at work on a track for the block."""
        with living() as child:
            token = self.claim(track, child.pid).token
            try:
                yield
            finally:
                self("release", track, "--token", token)


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """A root of its own."""
    (tmp_path / "root").mkdir()
    return Watch(tmp_path / "root")


def test_watches_until_it_is_complete(watch: Watch) -> None:
    """It wakes by itself while a worker lives; when that is gone and all is there it verifies, and ends with 0."""
    watch.told(
        'every = "0.05s"\nstuck_after = 1000\ntracks = ["unit_*"]\n[outputs]\nglobs = ["out/*"]\nexpected = 2\n',
        verify="ls out > verified",
    )
    with ExitStack() as stack:
        with watch.worker():
            child = stack.enter_context(watch.running("wake", "w.toml"))
            wait_for(lambda: len(watch.lines("runtime/events.jsonl")) > 3, 30)
            (watch.root / "out").mkdir()
            (watch.root / "out" / "1").write_text("x")
            (watch.root / "out" / "2").write_text("y")
        out, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].endswith("w  wake 1: 1 at work, 0 of 2 outputs; at work: next wake in 0s")
    assert lines[-1].endswith("the outputs are complete: over")
    assert "progress in outputs" in out
    assert watch.lines("verified") == ["1", "2"]
    assert watch.events()[-1] | {"at": ""} == {
        "v": 1, "at": "", "event": "wake.ended", "name": "w", "exit": 0, "why": "the outputs are complete",
    }  # fmt: skip


def test_one_clean_up_gets_exactly_what_is_missing(watch: Watch) -> None:
    """On its input and as a file; still partial after it: exit 2 with what is missing; no second one, ever."""
    watch.told(
        'tracks = ["unit_a"]\nrun = "docs"\n[outputs]\nfiles = ["a", "b", "c"]\n',
        cleanup='cat > got; cp "$ORCHD_MISSING" listed; echo "$ORCHD_WAKE $ORCHD_RUN $ORCHD_ROOT" > env; exit 3',
    )
    (watch.root / "b").write_text("x")
    (watch.root / "c").touch()
    *begun, over, again = watch.often(4, "--json")
    assert [each.document["decision"] for each in begun] == ["wait", "clean"]
    assert watch.lines("got") == watch.lines("listed") == ["a", "c"]
    assert watch.lines("env") == [f"w docs {watch.root}"]
    assert (over.status, over.document["missing"], over.document["exit"]) == (2, ["a", "c"], 2)
    assert (again.status, again.document["exit"], again.document["acted"]) == (2, 2, [])
    told = watch.events()
    assert {each["run"] for each in told} == {"docs"}
    acted = [each for each in told if each["event"] == "wake.acted"]
    assert [(each["action"], each["status"], each["why"]) for each in acted] == [("cleanup", 3, "ended with status 3")]


def test_a_check_that_refuses(watch: Watch) -> None:
    """The clean-up gets what the check printed; a check that accepts afterwards ends it well."""
    watch.told(
        'tracks = ["unit_a"]\n', verify="[ -e fixed ] || { echo a lacks a title; exit 1; }", cleanup="cat > fixed"
    )
    first, second = (each.document for each in watch.often(2, "--json"))
    assert (first["decision"], first["why"]) == ("clean", "not accepted: ended with status 1: a lacks a title")
    assert watch.lines("fixed") == ["a lacks a title"]
    assert second["exit"] == 0


def test_stuck_is_looked_at_restarted_once_and_given_up(watch: Watch) -> None:
    """A live worker that changes nothing: log and screen are shown, one restart, one more look, exit 1."""
    watch.told(
        'stuck_after = 1\ntracks = ["unit_*"]\n',
        look="echo the screen",
        restart="cat >> restarted",
        prompt="cat >> asked",
    )
    (watch.root / "orchestrator_logs").mkdir()
    (watch.root / "orchestrator_logs" / "unit_a.log").write_text("thinking\n")
    with watch.worker():
        wakes = watch.often(5, "--json")
    assert [each.document["decision"] for each in wakes] == ["wait", "look", "restart", "look", "end"]
    look, over = wakes[1].document, wakes[4]
    assert [each["said"] for each in look["acted"][:2]] == [["unit_a: thinking"], ["the screen"]]
    assert watch.lines("restarted") == ["unit_a"]
    assert over.status == 1
    assert over.document["why"] == "stuck: no progress for 2 wakes; restarted once already; a person is needed"
    asked = watch.lines("asked")
    assert asked.count("hello") == 5
    assert asked[-1].startswith("wake 5: 1 at work, 0 outputs; stuck: no progress")
    assert watch.once("--anew").document["wake"] == 1


@pytest.mark.parametrize("what", ["log", "output", "sign", "status"])
def test_what_moves_is_not_stuck(watch: Watch, what: str) -> None:
    """A log that grows, an output, a sign and a status that change are progress, each by its name."""
    watch.told('stuck_after = 1\nrun = "r"\ntracks = ["unit_*"]\nsigns = ["s/**"]\n[outputs]\nfiles = ["o"]\n')
    path = watch.root / {"log": "orchestrator_logs/unit_a.log", "output": "o", "sign": "s/x/y"}.get(what, "none")
    path.parent.mkdir(parents=True, exist_ok=True)
    with watch.worker():
        watch.once()
        for number in (1, 2):
            if what == "status":
                report(watch, number)
            else:
                path.write_text("x" * number)
            said = watch.once().document
            assert (said["decision"], said["progress"]) == ("wait", [f"{what}s".replace("statuss", "statuses")])
            assert said["next_seconds"] == (450.0 if number == 1 else 600.0)


def report(watch: Watch, percent: int, **more: object) -> None:
    """Write a status as a worker of another tool does."""
    folder = watch.root / "runtime" / "parallel" / "r"
    folder.mkdir(parents=True, exist_ok=True)
    time = f"2026-01-31T12:00:0{percent}Z"
    fields = {
        "schema_version": "1.0", "agent_id": "agent-1", "track": "unit_a", "status": "in_progress",
        "start_time": time, "last_update": time, "branch_name": "b", "progress_percentage": percent, **more,
    }  # fmt: skip
    (folder / "agent-1.status.json").write_text(json.dumps(fields))


def test_a_question_is_shown_and_nothing_restarted(watch: Watch) -> None:
    """Whoever asks a person waits for that person; a heartbeat alone is no progress."""
    watch.told('stuck_after = 1\nrun = "r"\ntracks = ["unit_*"]\n', restart="touch restarted")
    with watch.worker():
        for second in (1, 2, 3):
            report(watch, 5, needs_input={"question": "which \x1b[31mone?"}, last_update=f"2026-01-31T12:00:1{second}Z")
            said = watch.once().document
            assert said["decision"] == "wait"
            assert said["asking"] == ["agent-1: which \\x1b[31mone?"]
    assert watch.lines("restarted") == []


def test_owners_that_cannot_be_judged_count_as_at_work(watch: Watch) -> None:
    """A lock of another tool is held; a dead owner's is not."""
    watch.told('tracks = ["unit_*"]\n')
    watch.write_lock("unit_x", b'{"who": "knows"}')
    watch.dead_claim("unit_y")
    said = watch.once().document
    assert (said["working"], said["gone"], said["decision"]) == (["unit_x"], ["unit_y"], "wait")
    assert said["doubts"][0].startswith("unit_x: held, not judged")


@pytest.mark.parametrize(("script", "working"), [("exit 0", True), ("exit 1", False), ("kill -9 $$", True)])
def test_workers_that_claim_nothing(watch: Watch, script: str, *, working: bool) -> None:
    """The command [alive] tells; where it cannot, somebody may be at work."""
    watch.told("", alive=script)
    said = watch.once().document
    assert said["working"] == (["sh"] if working else [])
    assert said["decision"] == ("wait" if working else "end")
    assert bool(said["doubts"]) == ("kill" in script)


def test_a_command_that_hangs_is_ended(watch: Watch) -> None:
    """And the wake goes on; one that is not there is named."""
    (watch.root / "w.toml").write_text(
        'tracks = ["t"]\n[verify]\nargv = ["sleep", "60"]\ntimeout = "0.1s"\n[cleanup]\nargv = ["no-such-command"]\n'
    )
    said = watch.once().document
    assert said["why"] == "not accepted: sleep did not end within 0.1 s and was ended"
    assert said["acted"][0]["why"] == "no-such-command cannot be started: No such file or directory"


def test_never_two_at_once(watch: Watch) -> None:
    """The second is refused with 75 and told by whom; another name is not in the way."""
    watch.told('tracks = ["unit_*"]\n')
    with watch.worker(), watch.running("wake", "w.toml") as child:
        wait_for(lambda: watch.lines("runtime/events.jsonl"))
        refused = watch.once()
        (watch.root / "v.toml").write_text((watch.root / "w.toml").read_text())
        assert watch("wake", "v.toml", "--once").status == 0
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
        assert child.returncode == 130
    assert (refused.status, refused.error["holder"]) == (75, {"pid": child.pid})


def test_a_killed_wake_goes_on_where_it_was(watch: Watch) -> None:
    """A clean-up that was begun is not begun again; wakes are counted on; the next one is when it was due."""
    watch.told('every = "2s"\ntracks = ["unit_a"]\n[outputs]\nfiles = ["a"]\n', cleanup="echo begun >> began; sleep 60")
    watch.once()
    with watch.running("wake", "w.toml", "--once") as child:
        wait_for(lambda: watch.lines("began"))
        child.kill()
    memory = json.loads((watch.root / "runtime" / "wakes" / "w.json").read_text())["memory"]
    assert (memory["wakes"], memory["cleaned"]) == (2, True)
    with watch.running("wake", "w.toml", "--json") as child:
        out, _ = child.communicate(timeout=30)
    (last,) = [json.loads(line) for line in out.splitlines()]
    assert (last["wake"], last["exit"], child.returncode) == (3, 2, 2)
    assert watch.lines("began") == ["begun"]


def test_what_a_person_reads(watch: Watch) -> None:
    """A line a wake, and below it what was done; hostile output comes out escaped."""
    watch.told('tracks = ["unit_a"]\n[outputs]\nfiles = ["a"]\n', cleanup="printf 'no\\033[31m\\n'; exit 1")
    _, said, _, over = watch.often(4)
    assert said.tame
    head, did, line = (each.split("  ", 1)[1] for each in said.out.splitlines())
    assert head == "w  wake 2: 0 at work, 0 of 1 outputs; missing: a: one clean-up and next wake in 5m"
    assert (did, line) == ("w  cleanup: ended with status 1", "w    no\\x1b[31m")
    assert over.status == 2
    assert over.out.rstrip().endswith("over: missing: a; cleaned up once already; --anew begins again")


def test_a_command_that_prints_without_end(watch: Watch) -> None:
    """The log of the commands is bounded while it prints, and its end is what counts."""
    watch.told('tracks = ["unit_a"]\n', verify="yes no | head -c 30000000; sleep 1; echo the reason; exit 1")
    assert watch.once().document["why"] == "not accepted: ended with status 1: the reason"
    logs = (watch.root / "runtime" / "wakes").glob("w.log*")
    assert sum(each.stat().st_blocks * 512 for each in logs) < 10_000_000


def test_wrong_files(watch: Watch) -> None:
    """One line, exit 64, and nothing is made."""
    (watch.root / "w.toml").write_text('track = ["t"]\n')
    for words, what in ((("w.toml",), "w.toml:1: track: no such key"), (("x.toml",), "there is no file 'x.toml'")):
        said = watch("wake", *words)
        assert (said.status, said.out) == (64, "")
        assert what in said.err
    assert os.listdir(watch.root) == ["w.toml"]
