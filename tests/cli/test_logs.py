"""``orchd logs``: what the agent on a track printed."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.state import results
from orchestrator.state.layout import Layout
from tests.cli.orchd import Orchd
from tests.state.records import RUN


def _log(orchd: Orchd, data: bytes) -> Path:
    path = orchd.root / "orchestrator_logs" / "t.log"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_log_is_shown(tmp_path: Path) -> None:
    """Line by line, the last one too when it is not finished; tabs become columns."""
    orchd = Orchd(tmp_path)
    _log(orchd, "one\nzwei ä\n\ta\r\nlast".encode())
    ended = orchd("logs", "t")
    assert (ended.status, ended.out) == (0, "one\nzwei ä\n        a\nlast\n")


def test_no_agent_has_printed_yet(tmp_path: Path) -> None:
    """No log: exit code 64 and where to look; nothing is made."""
    orchd = Orchd(tmp_path)
    ended = orchd("logs", "t", "--json")
    assert (ended.status, ended.out) == (64, "")
    assert ended.error["code"] == "not_found"
    assert ended.error["message"] == "no run, claim or log knows the track t"
    assert "`orchd status` shows the tracks" in ended.error["hint"]
    assert orchd.files() == {}


def test_a_track_that_is_known(tmp_path: Path) -> None:
    """A claim or a run has it: its agent has not printed anything yet."""
    orchd = Orchd(tmp_path)
    orchd.claim("claimed")
    results.write_run(Layout(str(tmp_path)).run(RUN.run), RUN)
    for track in ("claimed", RUN.tracks[0].track):
        ended = orchd("logs", track)
        assert (ended.status, ended.out) == (64, "")
        assert f"no agent has printed anything for {track} yet" in ended.err


def test_control_characters_are_written_out(tmp_path: Path) -> None:
    """An agent's output never acts on the terminal, nor on whatever it is piped into."""
    orchd = Orchd(tmp_path)
    _log(orchd, b"\x1b[31mred\x1b[0m \x07 \x9b \xff \x00\n\xe2\x80\xae\n\x1b]0;title\x07" + b"x" * 200_000)
    ended = orchd("logs", "t")
    assert ended.status == 0
    assert ended.tame
    assert ended.out.startswith("\\x1b[31mred\\x1b[0m \\x07 \\x9b \\xff \\x00\n\\u202e\n")
    assert sum(map(len, re.findall("x{100,}", ended.out))) == 200_000
    lines = [json.loads(line)["line"] for line in orchd("logs", "t", "--json").out.splitlines()]
    assert lines[0].startswith("\x1b[31mred")


def test_following_waits_for_the_log(tmp_path: Path) -> None:
    """With ``-f`` it may be asked for before there is one, and shows lines as they come."""
    orchd = Orchd(tmp_path)
    with orchd.running("logs", "t", "-f") as child:
        assert child.stdout
        path = _log(orchd, b"one\n")
        assert child.stdout.readline() == "one\n"
        with path.open("ab") as more:
            more.write(b"two\x1b\n")
        assert child.stdout.readline() == "two\\x1b\n"


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("make", [_link, Path.mkdir, os.mkfifo])
def test_what_is_no_log_is_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A link, a folder or a FIFO in its place is refused in one line, at once."""
    orchd = Orchd(tmp_path)
    path = _log(orchd, b"")
    path.unlink()
    make(path)
    ended = orchd("logs", "t")
    assert (ended.status, ended.out) == (9, "")
    assert ended.tame
    assert len(ended.err.splitlines()) == 2
