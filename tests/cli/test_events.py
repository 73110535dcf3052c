"""``orchd events``: the journal, for people and programs."""

import json
from pathlib import Path

from orchestrator.state.journal import Journal
from tests.cli.orchd import Orchd


def test_no_journal_is_no_event(tmp_path: Path) -> None:
    """Nothing has happened yet, and looking makes nothing."""
    orchd = Orchd(tmp_path)
    for words in (("events",), ("events", "--json")):
        ended = orchd(*words)
        assert (ended.status, ended.out, ended.err) == (0, "", "")
    assert orchd.files() == {}


def test_events_are_shown_in_their_order(tmp_path: Path) -> None:
    """A line each: when, what, which track, and the rest; in JSON the line as it was written."""
    orchd = Orchd(tmp_path)
    journal = Journal(str(tmp_path))
    journal.write("claim.won", {"track": "t", "pid": 7, "run": None})
    journal.write("push.done", {"why": "all good"})
    first, second = orchd("events").out.splitlines()
    assert first.split()[1:] == ["claim.won", "t", "pid=7"]
    assert second.split(maxsplit=2)[1:] == ["push.done", "why=all good"]
    documents = [json.loads(line) for line in orchd("events", "--json").out.splitlines()]
    assert [each["event"] for each in documents] == ["claim.won", "push.done"]
    assert documents[0]["pid"] == 7


def test_hostile_lines_are_shown_escaped(tmp_path: Path) -> None:
    """Whatever somebody wrote into the journal, one line stays one line, and no terminal acts on it."""
    orchd = Orchd(tmp_path)
    Journal(str(tmp_path)).write("claim.won", {"track": "a\x1b[31m\nb", "\x1bkey": "\u202e"})
    with (tmp_path / "runtime" / "events.jsonl").open("ab") as journal:
        journal.write(b"\x1b[2Jnot json\n\xff\xfe\n[1]\n" + b"[" * 100_000 + b"\n{}\n")
    ended = orchd("events")
    assert ended.status == 0
    assert ended.tame
    assert "a\\x1b[31m\\x0ab" in ended.out
    for line in orchd("events", "--json").out.splitlines():
        assert isinstance(json.loads(line), dict)


def test_following_shows_what_comes(tmp_path: Path) -> None:
    """With ``-f``, what was there comes first and every new event as it is written."""
    orchd = Orchd(tmp_path)
    journal = Journal(str(tmp_path))
    journal.write("claim.won", {"track": "old"})
    with orchd.running("events", "-f", "--json") as child:
        assert child.stdout
        assert json.loads(child.stdout.readline())["track"] == "old"
        journal.write("claim.released", {"track": "new"})
        assert json.loads(child.stdout.readline())["track"] == "new"
