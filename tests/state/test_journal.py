"""The journal: one line an event, whatever is in it; bounded; and read across rotations."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from orchestrator.claims.store import Journal as Told
from orchestrator.state.journal import KEPT, LONGEST, Event, Journal, follow, tail
from orchestrator.state.schemas import schema
from tests.processes import ended, python
from tests.waiting import wait_for


def _file(root: Path, rotated: str = "") -> Path:
    return root / "runtime" / f"events.jsonl{rotated}"


def _lines(root: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in _file(root).read_text(encoding="ascii").splitlines()]


def test_an_event_is_one_line(tmp_path: Path) -> None:
    """Version, time, name and fields stand on one line that the schema allows; the file is ours alone."""
    told: Told = Journal(str(tmp_path)).write
    told("claim.won", {"track": "t", "fence": 7, "run": None})
    (line,) = _lines(tmp_path)
    assert list(line) == ["v", "at", "event", "track", "fence", "run"]
    assert (line["v"], line["event"], line["fence"]) == (1, "claim.won", 7)
    Draft202012Validator(schema("event")).validate(line)
    assert _file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_fields_cannot_pretend(tmp_path: Path) -> None:
    """A field named like one of the journal's own does not replace it."""
    Journal(str(tmp_path)).write("claim.won", {"event": "claim.broken", "v": 9, "at": "never"})
    (line,) = _lines(tmp_path)
    assert (line["event"], line["v"]) == ("claim.won", 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.dictionaries(some.text(), some.text() | some.floats() | some.binary() | some.lists(some.text())))
def test_anything_can_be_told(tmp_path: Path, fields: dict[str, object]) -> None:
    """Control characters, half characters, NaN and bytes: always one line of ASCII that is JSON, never an error."""
    Journal(str(tmp_path)).write("claim.won", fields)
    data = _file(tmp_path).read_bytes()
    _file(tmp_path).unlink()
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    assert data.isascii()
    assert set(json.loads(data)) >= {"v", "at", "event"}


def test_a_line_is_bounded(tmp_path: Path) -> None:
    """A megabyte of text and twenty thousand fields each make a line of at most 64 kB."""
    journal = Journal(str(tmp_path))
    journal.write("track.failed", {"track": "t", "why": "x" * 10**6})
    journal.write("track.failed", {"track": "t", **{f"field {number}": number for number in range(20_000)}})
    sizes = [len(line) + 1 for line in _file(tmp_path).read_bytes().splitlines()]
    assert max(sizes) <= LONGEST
    assert [each["track"] for each in tail(str(tmp_path), 2)] == ["t", "t"]


@pytest.mark.parametrize("what", ["folder", "FIFO", "link", "file above"])
def test_writing_never_fails_the_caller(tmp_path: Path, what: str) -> None:
    """Whatever stands in the journal's place is left alone, and the caller does not notice."""
    path = _file(tmp_path)
    path.parent.mkdir()
    if what == "folder":
        path.mkdir()
    elif what == "FIFO":
        os.mkfifo(path)
    elif what == "link":
        (tmp_path / "elsewhere").touch()
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.parent.rmdir()
        path.parent.touch()
    Journal(str(tmp_path)).write("claim.won", {})
    assert tail(str(tmp_path), 5) == []
    assert what != "link" or (tmp_path / "elsewhere").read_bytes() == b""


def test_a_full_disk_is_survived(tmp_path: Path) -> None:
    """An event that cannot be written is lost; the next one begins on a line of its own."""
    journal = Journal(str(tmp_path))
    journal.write("claim.won", {"track": "one"})
    whole = _file(tmp_path).read_bytes()
    moved = tmp_path / "moved"
    _file(tmp_path).rename(moved)
    _file(tmp_path).symlink_to("/dev/full")
    journal.write("claim.won", {"track": "two"})
    _file(tmp_path).unlink()
    moved.write_bytes(whole + b'{"v": 1, "at": "2026')
    moved.rename(_file(tmp_path))
    journal.write("claim.won", {"track": "three"})
    assert [each.get("track", each["event"]) for each in tail(str(tmp_path), 9)] == ["one", "unreadable", "three"]


def test_rotation_keeps_the_newest_and_bounds_the_rest(tmp_path: Path) -> None:
    """Beyond the limit a new file is begun; four old ones stay, in order."""
    journal = Journal(str(tmp_path), limit=20_000)
    for number in range(3000):
        journal.write("claim.won", {"number": number})
    names = sorted(name for name in os.listdir(tmp_path / "runtime") if not name.endswith(".guard"))
    assert names == ["events.jsonl", *(f"events.jsonl.{number}" for number in range(1, KEPT + 1))]
    assert all(_file(tmp_path, name.removeprefix("events.jsonl")).stat().st_size < 21_000 for name in names)
    numbers = [each["number"] for each in tail(str(tmp_path), 600)]
    assert numbers == list(range(2400, 3000))


WRITE_MANY = """
import sys
from orchestrator.state.journal import Journal
journal = Journal(sys.argv[1], limit=20_000)
for number in range(400):
    journal.write("claim.won", {"who": int(sys.argv[2]), "number": number})
"""


def test_several_processes_write_whole_lines(tmp_path: Path) -> None:
    """Four processes that write and rotate at once mix no lines and lose none that is still kept."""
    for each in [python(WRITE_MANY, str(tmp_path), str(who)) for who in range(4)]:
        ended(each, 100)
    events = tail(str(tmp_path), 10_000)
    assert all(each["event"] == "claim.won" for each in events)
    for who in range(4):
        own = [each["number"] for each in events if each["who"] == who]
        assert own == list(range(400 - len(own), 400))


def test_the_tail_is_what_was_asked_for(tmp_path: Path) -> None:
    """The last n, oldest first; all where there are fewer; none without a journal."""
    assert tail(str(tmp_path), 5) == []
    journal = Journal(str(tmp_path))
    for number in range(10):
        journal.write("claim.won", {"number": number})
    assert [each["number"] for each in tail(str(tmp_path), 3)] == [7, 8, 9]
    assert len(tail(str(tmp_path), 100)) == 10
    assert tail(str(tmp_path), 0) == []


@pytest.mark.parametrize(
    "line",
    [b"\x1b[2J", b"[]", b'{"no": "event"}', b'{"event": 7}', b"\xff", b'{"event": "a", "event": "b"}', b"x" * 10**6],
)
def test_a_bad_line_is_shown_escaped(tmp_path: Path, line: bytes) -> None:
    """What is no event comes as one named unreadable, with the reason, safe to show; its neighbours stay."""
    journal = Journal(str(tmp_path))
    journal.write("claim.won", {"track": "one"})
    with _file(tmp_path).open("ab") as file:
        file.write(line + b"\n\n")
    journal.write("claim.won", {"track": "two"})
    one, bad, two = tail(str(tmp_path), 9)
    assert (one["track"], bad["event"], two["track"]) == ("one", "unreadable", "two")
    assert str(bad["line"]).isprintable()
    assert str(bad["why"]).isprintable()
    assert len(str(bad["line"])) <= 250


def test_a_line_without_an_end_is_not_waited_for(tmp_path: Path) -> None:
    """A gigabyte of nothing is no line; memory and time stay small."""
    path = _file(tmp_path)
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(1 << 30)
    assert all(each["event"] == "unreadable" for each in tail(str(tmp_path), 5))
    Journal(str(tmp_path)).write("claim.won", {})
    assert not path.exists()
    Journal(str(tmp_path)).write("claim.won", {"number": 2})
    assert tail(str(tmp_path), 1)[0]["number"] == 2


@contextmanager
def _following(root: Path, last: int = 0) -> Iterator[list[object]]:
    """Collect the numbers of events as they come."""
    seen: list[object] = []
    over = threading.Event()
    begun = threading.Event()

    def show(event: Event) -> None:
        seen.append(event.get("number", event["event"]))

    def collect() -> None:
        def ended() -> bool:
            begun.set()
            return over.is_set()

        for event in follow(str(root), last=last, ended=ended):
            show(event)

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        assert begun.wait(10)
        yield seen
    finally:
        over.set()
        thread.join(10)


def test_following_begins_before_the_journal_does(tmp_path: Path) -> None:
    """Without a journal it waits for one, and then shows every event."""
    with _following(tmp_path) as seen:
        journal = Journal(str(tmp_path))
        for number in range(3):
            journal.write("claim.won", {"number": number})
        wait_for(lambda: seen == [0, 1, 2])


def test_following_goes_on_after_the_last_ones(tmp_path: Path) -> None:
    """The last n come first, then what is new: nothing twice, nothing missing."""
    journal = Journal(str(tmp_path))
    for number in range(5):
        journal.write("claim.won", {"number": number})
    with _following(tmp_path, last=2) as seen:
        wait_for(lambda: seen == [3, 4])
        journal.write("claim.won", {"number": 5})
        wait_for(lambda: seen == [3, 4, 5])


def test_following_survives_rotation(tmp_path: Path) -> None:
    """Every event comes once and in order, although the file is begun anew again and again."""
    journal = Journal(str(tmp_path), limit=20_000)
    with _following(tmp_path) as seen:
        for number in range(2000):
            journal.write("claim.won", {"number": number})
            if number % 300 == 0:
                wait_for(lambda expected=number: seen and seen[-1] == expected)  # type: ignore[misc]  # bound now
        wait_for(lambda: len(seen) == 2000)
    assert seen == list(range(2000))


def test_following_shows_a_line_when_it_is_whole(tmp_path: Path) -> None:
    """Half a line is waited for; one that is too long is shown cut, once."""
    path = _file(tmp_path)
    path.parent.mkdir()
    path.touch()
    with _following(tmp_path) as seen, path.open("ab", buffering=0) as file:
        file.write(b'{"event": "claim.won", ')
        file.write(b'"number": 1}\n')
        wait_for(lambda: seen == [1])
        for _ in range(4):
            file.write(b"x" * LONGEST)
        wait_for(lambda: seen == [1, "unreadable"])
        file.write(b'x\n{"event": "claim.won", "number": 2}\n')
        wait_for(lambda: seen == [1, "unreadable", 2])


def test_nothing_heavy_is_loaded() -> None:
    """The worker and quick commands write events: pydantic and its like stay out."""
    code = """
import sys, orchestrator.state.journal, orchestrator.state.status, orchestrator.state.results
print([each for each in ("pydantic", "psutil", "asyncio", "logging", "click") if each in sys.modules])
"""
    top = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", code], cwd=top, capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "[]\n"
