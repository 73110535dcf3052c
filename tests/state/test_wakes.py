"""What is kept from wake to wake."""

import json
import os
from pathlib import Path

import pytest

from orchestrator.core.wake import Memory
from orchestrator.errors import Unreadable, UsageError
from orchestrator.state import wakes
from orchestrator.state.layout import Layout
from orchestrator.state.wakes import Kept, WakePaths

MEMORY = Memory(3, 1, 0, begun=True, cleaned=True, marks={"outputs": "x"}, ended=2, why="missing: a")


@pytest.fixture
def paths(tmp_path: Path) -> WakePaths:
    """The files of a watch."""
    return WakePaths(Layout(str(tmp_path)), "condense")


def test_what_is_written_is_read(paths: WakePaths) -> None:
    """Nothing kept is an empty memory, and reading makes nothing; afterwards all of it comes back."""
    assert wakes.read(paths, "/w.toml") == Kept("/w.toml", Memory())
    assert not os.path.lexists(paths.folder)
    kept = Kept("/w.toml", MEMORY, 5)
    wakes.write(paths, kept)
    assert wakes.read(paths, "/w.toml") == kept
    assert os.listdir(paths.folder) == ["condense.json"]
    assert json.loads(Path(paths.memory).read_bytes())["v"] == 1


def test_two_files_of_one_name(paths: WakePaths) -> None:
    """One's memory is not taken for the other's."""
    wakes.write(paths, Kept("/w.toml", MEMORY))
    with pytest.raises(UsageError, match=r"the name condense is that of /w\.toml"):
        wakes.read(paths, "/other.toml")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"v": 2}', b'{"v": 1, "file": "/w.toml"}'])
def test_a_memory_that_cannot_be_read(paths: WakePaths, content: bytes) -> None:
    """It is named, with the way out; nothing is done twice by guessing."""
    os.makedirs(paths.folder)
    Path(paths.memory).write_bytes(content)
    with pytest.raises(Unreadable, match=r"condense\.json: ") as refused:
        wakes.read(paths, "/w.toml")
    assert "--anew" in refused.value.hint


def test_what_is_missing_is_a_list(paths: WakePaths) -> None:
    """A line each, replaced by the next list; names that are no text come out as their bytes."""
    wakes.write_missing(paths, ("a.md", os.fsdecode(b"\xff.md")))
    assert Path(paths.missing).read_bytes() == b"a.md\n\xff.md\n"
    wakes.write_missing(paths, ())
    assert Path(paths.missing).read_bytes() == b""
