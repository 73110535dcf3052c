"""What a person who watches a run sees."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.cli.frame import Look, Row
from orchestrator.cli.views import Lines, Picture, Quiet
from orchestrator.cli.watching import EVERY, SHARE, Watched, between, follow, last_line
from orchestrator.core import result, run
from orchestrator.core.result import Attempt, PhaseResult, Result
from orchestrator.core.run import Agent, Options, Outcome, RunRecord, RunTrack
from orchestrator.daemon.instance import Instance
from orchestrator.state import results
from orchestrator.state.layout import Layout
from tests.state.records import begun, end
from tests.waiting import wait_for

ERASE = "\x1b[J"


def look(*rows: Row, ended: bool = False, seconds: float | None = 5.0) -> Look:
    """Return a look at a run."""
    return Look("roadmap", rows, seconds, ended)


def track(state: str, last: str = "", phase: str = "") -> Row:
    """Return the row of the only track."""
    return Row("t1", "One", state, phase, 5.0, 40, last)


def lines(*looks: Look) -> list[str]:
    """Return what the plain view says, without the times."""
    said: list[str] = []
    seen = Lines(said.append)
    for each in looks:
        seen.show(each)
    return [line.split("  ", 1)[1].rstrip("\n") for line in said]


def test_a_line_a_change() -> None:
    """What stays as it is is said once; what soon goes on is nothing to say; an end is said with its reason."""
    assert lines(
        look(track("waiting")),
        look(track("starting")),
        look(track("running")),
        look(track("running", "compiling", "work")),
        look(track("running", "linking", "work")),
        look(track("running", "linking", "review")),
        look(track("committed")),
        look(track("merged", "merged as 0123456789")),
    ) == ["t1  work", "t1  review", "t1  merged as 0123456789"]


def test_a_reason_is_said() -> None:
    """Who holds a track, why it failed, and what a worker asks."""
    assert lines(look(track("blocked", "held by bob"))) == ["t1  blocked: held by bob"]
    again = "attempt 1 failed (transient): TIMEOUT: 3 s; attempt 2 follows"
    assert lines(look(track("waiting", again))) == [f"t1  {again}"]
    assert lines(look(track("validating", "comparing", "proof"))) == ["t1  proof"]
    assert lines(look(track("merged", "merged as 01")), look(track("done", "merged as 01"))) == ["t1  merged as 01"]
    assert lines(look(track("failed", "TIMEOUT: 3 s"))) == ["t1  failed: TIMEOUT: 3 s"]
    assert lines(look(track("running", "needs input: which?", "work"))) == ["t1  needs input: which?"]


def test_a_line_begins_with_the_time() -> None:
    """ISO 8601, in whole seconds, UTC; what is noted has it too, and comes out escaped."""
    said: list[str] = []
    Lines(said.append).note("over\x1b[2J")
    assert len(said[0].split("  ")[0]) == len("2026-01-31T12:00:00Z")
    assert said[0].endswith("Z  over\\x1b[2J\n")


class Terminal:
    """A terminal that keeps what it gets."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.size = os.terminal_size((columns, rows))
        self.said: list[str] = []
        self.picture = Picture(self.said.append, lambda: self.size)

    def show(self, *looks: Look) -> list[str]:
        """Show these, and return what they made the view write."""
        before = len(self.said)
        for each in looks:
            self.picture.show(each)
        return self.said[before:]


def test_the_picture_is_drawn_in_place() -> None:
    """A second picture goes to the top of the first; where nothing changed nothing is drawn."""
    terminal = Terminal()
    first = terminal.show(look(track("running", "a", "work")))
    assert first == [
        f"roadmap: 0 of 1 merged, 1 running · 5s\x1b[K\nt1  One  work           5s   40%  a\x1b[K\n{ERASE}"
    ]
    assert terminal.show(look(track("running", "a", "work"))) == []
    (second,) = terminal.show(look(track("running", "b", "work")))
    assert second.startswith("\r\x1b[2Aroadmap")


def test_a_terminal_that_got_narrower() -> None:
    """The lines of the old picture are broken now; the new one begins above all of their pieces."""
    terminal = Terminal(columns=60)
    terminal.show(look(track("running", "x" * 80, "work")))
    terminal.size = os.terminal_size((30, 24))
    (drawn,) = terminal.show(look(track("running", "x" * 80, "work")))
    assert drawn.startswith(f"\r\x1b[4A{ERASE}")
    assert max(map(len, drawn.replace("\x1b[K", "").split(ERASE)[1].split("\n"))) <= 30


def test_a_note_stands_above_the_picture() -> None:
    """It stays there; the picture goes on below it."""
    terminal = Terminal()
    terminal.show(look(track("merged")))
    terminal.picture.note("cancelled")
    (drawn,) = terminal.show(look(track("merged")))
    assert drawn.startswith("\r\x1b[2Acancelled\x1b[K\nroadmap")


def test_the_end_of_a_run_is_work_too() -> None:
    """When every track is over and the report is not there yet, the head says what is going on."""
    (drawn,) = Terminal().show(look(track("merged"), seconds=None))
    assert drawn.startswith("roadmap: 1 of 1 merged, publishing\x1b[K\n")


def test_what_is_done_was_merged() -> None:
    """When the run has ended, its merged tracks are done; the head counts them all the same."""
    rows = (track("done"), track("failed"), track("done"))
    (drawn,) = Terminal().show(look(*rows, ended=True, seconds=None))
    assert drawn.startswith("roadmap: 2 of 3 merged, 1 failed\x1b[K\n")


def test_nobody_reads_any_more() -> None:
    """A closed pipe or terminal ends the showing and nothing else."""
    tries = []

    def broken(text: str) -> None:
        tries.append(text)
        raise BrokenPipeError

    seen = Lines(Quiet(broken))
    for state in ("blocked", "merged"):
        seen.show(look(track(state, "so it is")))
    assert len(tries) == 1


class Slow(Watched):
    """A run of which each look takes some time of the processor."""

    def look(self) -> Look:
        """Look at it, and do some work."""
        until = time.thread_time() + 0.03
        while time.thread_time() < until:
            pass
        return super().look()


def test_a_look_that_takes_long_is_taken_seldom(layout: Layout) -> None:
    """Who only watches leaves the machine to the work: a twentieth of the time at most."""
    results.write_run(layout.run("roadmap"), record(layout))
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return True

    for watched in (Watched(layout, record(layout)), Slow(layout, record(layout))):
        follow(watched, Terminal().picture, pause)
    assert pauses[0] >= EVERY
    assert pauses[1] >= 0.03 / SHARE > EVERY


def test_follows_to_the_end(layout: Layout) -> None:
    """Until there is a report; or, when told to stop waiting, with one more look."""
    watched = Watched(layout, record(layout))
    paths = layout.run("roadmap")
    results.write_run(paths, record(layout))
    said: list[str] = []

    def pause(_seconds: float) -> None:
        end(paths, 2)

    follow(watched, Terminal().picture, pause)
    for path in (paths.metrics, paths.outcome("agent-1"), paths.outcome("agent-2")):
        Path(path).unlink()
    watched = Watched(layout, record(layout))
    follow(watched, Lines(said.append), lambda _seconds: said.append("stop") or True)  # type: ignore[func-returns-value]  # append says nothing
    assert said == ["stop"]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A fresh root."""
    return Layout(str(tmp_path))


def record(layout: Layout) -> RunRecord:
    """Return a run of two tracks, the second of which waits for the first."""
    tracks = tuple(
        RunTrack(
            f"agent-{number}",
            f"t{number}",
            f"Track {number}",
            f"feat/t{number}",
            layout.worktree(f"agent-{number}"),
            depends_on=needs,
        )
        for number, needs in ((1, ()), (2, ("t1",)))
    )
    at = "2026-01-31T12:00:00.000Z"
    agent = Agent("scripted", scripts="/agents")
    return RunRecord("roadmap", "o", "/s.md", "roadmap", at, "main", "c" * 40, None, agent, Options(), tracks)


def test_who_drives_a_run_says_when_it_ends(layout: Layout) -> None:
    """An agent may have put a report and outcomes there: as long as somebody drives the run, it is not over."""
    ours = record(layout)
    results.write_run(layout.run(ours.run), ours)
    driver = Instance(layout.run(ours.run).conductor)
    assert driver.take()
    end(layout.run(ours.run), 2)
    assert not Watched(layout, ours).look().ended
    driver.release()
    assert Watched(layout, ours).look().ended


def test_a_look_at_the_files(layout: Layout) -> None:
    """What waits says for what; what ended says how, and how long it took."""
    paths = layout.run("roadmap")
    results.write_run(paths, record(layout))
    watched = Watched(layout, record(layout))
    first, second = watched.look().rows
    assert (first.state, first.last, first.seconds) == ("ready", "", None)
    assert (second.state, second.last) == ("waiting", "waits for t1")
    phase = PhaseResult("work", "exited", 0, None, "2026-01-31T12:00:01Z", "2026-01-31T12:00:05Z", 4.0, 1.0, 10)
    attempt = Attempt(1, 1, "a" * 32, "2026-01-31T12:00:01Z", (phase,), finished=True, ended_at="2026-01-31T12:00:06Z")
    Path(paths.result("agent-1")).write_bytes(result.encode(Result("agent-1", "t1", (attempt,))))
    begun(paths, 1)
    Path(paths.outcome("agent-1")).write_bytes(
        run.encode(Outcome("agent-1", "t1", "merged", "2026-01-31T12:00:07Z", 1, commit="d" * 40))
    )
    first, second = watched.look().rows
    assert (first.state, first.last) == ("merged", "merged as dddddddddd")
    assert second.last == ""


def test_what_has_ended_is_shown_as_it_was(layout: Layout) -> None:
    """Its files are not read again; but when it has not ended after all, what is true now is shown."""
    paths = layout.run("roadmap")
    results.write_run(paths, record(layout))
    begun(paths, 1)
    results.write_outcome(paths, Outcome("agent-1", "t1", "failed", "2026-01-31T12:00:07Z", 1, error="UNKNOWN: 1"))
    watched = Watched(layout, record(layout))
    rows = [watched.look().rows for _ in range(3)]
    assert rows[0] == rows[2]
    Path(paths.job("agent-1")).write_text("not looked at again")

    def first() -> Row:
        return watched.look().rows[0]

    wait_for(lambda: first() is first(), 10, "the row as it was")
    assert (first().state, first().last) == ("failed", "UNKNOWN: 1")
    begun(paths, 1)
    Path(paths.outcome("agent-1")).unlink()
    assert first().state == "ready"
    store = FileClaims(layout.root)
    won = store.claim(Wanted("t1", "somebody", os.getpid(), "roadmap", 1))
    assert isinstance(won, Won)
    assert first().state == "running"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", ""),
        (b"one\ntwo\n\n", "two"),
        (b"one\ntwo", "two"),
        (b"10%\r20%\r30%", "30%"),
        (b"\x1b[32mgreen\x1b[0m\n\x1b[2K\n", "green"),
        (b"\x1b]0;title\x07said\n", "said"),
        (b"[orchd 2026-01-31T12:00:00.000Z] phase work: ended\n", "phase work: ended"),
        (b"\xff\xfe\n", "\ufffd\ufffd"),
        (b"x" * 10_000 + b"\nend\n", "end"),
    ],
)
def test_the_last_line(tmp_path: Path, data: bytes, line: str) -> None:
    """Of a log of any size, without what moves the cursor or paints."""
    path = tmp_path / "t.log"
    path.write_bytes(data)
    assert last_line(str(path)) == line


@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, lambda path: Path(path).symlink_to("/etc/hostname"), lambda _path: None]
)
def test_what_is_no_log(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A folder, a FIFO, a link or nothing at all has no last line and stops nobody."""
    path = tmp_path / "t.log"
    make(path)
    assert last_line(str(path)) == ""


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:07.500Z", 7.5),
        ("2026-01-31T12:00:00", "2026-01-31T12:00:07Z", 7.0),
        ("2026-01-31T12:00:09Z", "2026-01-31T12:00:07Z", 0.0),
        ("2026-13-31T12:00:00Z", "2026-01-31T12:00:07Z", None),
        ("", "", None),
    ],
)
def test_between_two_times(start: str, end: str, seconds: float | None) -> None:
    """Whatever a worker wrote: seconds, never less than none, or nothing."""
    assert between(start, end) == seconds
