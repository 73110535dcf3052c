"""The request to end a run, or some of its tracks."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from orchestrator.errors import GuardBusy, SystemFailure, Unreadable
from orchestrator.host import files
from orchestrator.state import cancel
from orchestrator.state.layout import Layout, RunLayout
from tests.processes import ended, python

TRACKS = ("t1", "t2", "t3")


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """The files of a run."""
    return Layout(str(tmp_path)).run("roadmap")


def asked(paths: RunLayout, tracks: Iterable[str] = TRACKS) -> set[str]:
    """Return which of the tracks are to end."""
    request = cancel.read_request(paths.cancel)
    return {each for each in tracks if request is not None and request.is_about(each)}


def test_nothing_was_asked_for(paths: RunLayout) -> None:
    """Without a request nothing ends, and reading makes none."""
    assert cancel.read_request(paths.cancel) is None
    assert not os.path.lexists(paths.folder)


def test_one_then_another_then_all(paths: RunLayout) -> None:
    """Requests add up, each as often as one likes; what was asked for as a whole stays so."""
    found = []
    for track in ("t2", "t2", "t1", None, None, "t3"):
        cancel.request(paths, track)
        found.append(asked(paths))
    assert found == [{"t2"}, {"t2"}, {"t1", "t2"}, *[set(TRACKS)] * 3]
    fields = json.loads(Path(paths.cancel).read_bytes())
    assert (fields["v"], fields["tracks"]) == (1, None)
    assert os.stat(paths.cancel).st_mode & 0o777 == 0o600
    assert os.listdir(f"{paths.private}/tmp") == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[]", "not an object"),
        (b'{"tracks": null}', "version 1"),
        (b'{"v": 2, "tracks": null}', "version 1"),
        (b'{"v": 1, "tracks": "t1"}', "tracks"),
        (b'{"v": 1, "tracks": [1]}', "tracks"),
        (b"x" * 1_000_000, "at most"),
    ],
)
def test_what_is_no_request(paths: RunLayout, content: bytes, why: str) -> None:
    """It is told, ends nothing, and the next request takes its place."""
    cancel.request(paths, "t1")
    Path(paths.cancel).write_bytes(content)
    with pytest.raises(Unreadable, match=why):
        asked(paths)
    cancel.request(paths, "t2")
    assert asked(paths) == {"t2"}


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc/passwd", path)])
def test_something_else_in_its_place(paths: RunLayout, make: object) -> None:
    """A link or FIFO gives way to the request, a folder is told; nothing is followed or waited for."""
    cancel.request(paths, "t1")
    os.unlink(paths.cancel)
    assert callable(make)
    make(paths.cancel)
    with pytest.raises(Unreadable):
        asked(paths)
    if make is os.mkdir:
        with pytest.raises(SystemFailure, match="cannot write"):
            cancel.request(paths, "t1")
    else:
        cancel.request(paths, "t1")
        assert asked(paths) == {"t1"}


def test_two_at_once(paths: RunLayout) -> None:
    """Each asks for a track of its own; none is lost."""
    code = """
import sys
from orchestrator.state import cancel
from orchestrator.state.layout import RunLayout
sys.stdin.readline()
for number in range(20):
    cancel.request(RunLayout(sys.argv[1]), f"{sys.argv[2]}-{number}")
"""
    names = {f"{letter}-{number}" for letter in "abc" for number in range(20)}
    children = [python(code, paths.folder, letter) for letter in "abc"]
    for each in children:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    assert [ended(each) for each in children] == ["", "", ""]
    assert asked(paths, names) == names


def test_a_process_that_is_stopped_in_it(paths: RunLayout) -> None:
    """Waiting for it is bounded, and the refusal says so."""
    cancel.request(paths, "t1")
    with files.guard(f"{paths.private}/cancel.guard", 1, "a test"), pytest.raises(GuardBusy):
        cancel.request(paths, "t2", wait=0.1)
    assert asked(paths) == {"t1"}


@pytest.mark.parametrize("step", ["publish.written", "publish.synced", "publish.renamed"])
@pytest.mark.parametrize("action", ["kill", "error=ENOSPC"])
def test_cut_short_at_any_step(paths: RunLayout, step: str, action: str) -> None:
    """Before or after, never between; the same request again does it."""
    cancel.request(paths, "t1")
    code = "import sys; from orchestrator.state import cancel; from orchestrator.state.layout import RunLayout\n"
    code += "cancel.request(RunLayout(sys.argv[1]), 't2')"
    child = python(code, paths.folder, failpoint=f"{step}:{action}")
    _, err = child.communicate(timeout=20)
    assert child.returncode != 0
    assert action == "kill" or "SystemFailure" in err or "NoSpace" in err
    assert asked(paths) in ({"t1"}, {"t1", "t2"})
    cancel.request(paths, "t2")
    assert asked(paths) == {"t1", "t2"}
