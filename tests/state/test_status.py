"""Writing status files: whole, one at a time, never over a later claim's, and nothing lost."""

import json
import os
import stat
from pathlib import Path

import pytest

from orchestrator.core.status import LARGEST
from orchestrator.errors import BadName, GuardBusy, Superseded, SystemFailure, UnsafeFolder
from orchestrator.host import files, temps
from orchestrator.state.door import read_status
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import MOST_KEPT, Fields, aside, keep_superseded, prepare, sweep, temp, update
from tests.core.statuses import FULL
from tests.processes import ended, python
from tests.state.malformed import GOOD, ODD, texts
from tests.state.writer import start

TEXTS = texts()


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """The files of a run that does not exist yet."""
    return Layout(str(tmp_path)).run("1783")


def _full(now: Fields) -> Fields:
    return FULL | now


def _written(paths: RunLayout, agent_id: str = "agent-1") -> Fields:
    fields: Fields = json.loads(Path(paths.status(agent_id)).read_bytes())
    return fields


def _aside(paths: RunLayout) -> list[str]:
    return sorted(os.listdir(aside(paths)))


def test_the_first_update_makes_the_file_and_the_next_changes_it(paths: RunLayout) -> None:
    """``change`` gets what stands there; version, agent, time and fence are filled in."""
    seen: list[Fields] = []

    def change(now: Fields) -> Fields:
        seen.append(now)
        return {name: FULL[name] for name in ("track", "status", "start_time", "branch_name")} | now | {"mood": "good"}

    first = update(paths, "agent-1", change, fence=7)
    second = update(paths, "agent-1", change, fence=8)
    assert seen == [{}, first]
    assert _written(paths) == second
    assert second["metadata"] == {"fence": 8}
    assert (second["agent_id"], second["schema_version"], second["mood"]) == ("agent-1", "1.0", "good")
    read_status(paths.status("agent-1"), Path(paths.status("agent-1")).read_bytes())


def test_folders_and_files_are_private(paths: RunLayout) -> None:
    """What is made is for us alone, and temporary files do not stay."""
    update(paths, "agent-1", _full, fence=7)
    assert stat.S_IMODE(os.stat(paths.folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(paths.status("agent-1")).st_mode) == 0o600
    assert os.listdir(temp(paths)) == []
    assert sorted(os.listdir(paths.folder)) == [".d", "agent-1.status.json"]


@pytest.mark.parametrize("name", ["../agent-1", "", "agent-1\n", "a" * 101, "x.json"])
def test_a_hostile_agent_name_writes_nothing(paths: RunLayout, name: str) -> None:
    """A name that cannot be a file name of ours is refused before anything is made."""
    with pytest.raises(BadName):
        update(paths, name, _full, fence=7)
    assert not os.path.exists(paths.folder)


def test_a_link_in_a_folders_place_is_refused(paths: RunLayout, tmp_path: Path) -> None:
    """Nothing is written through a link that stands where a folder of ours should."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for link in (Layout(str(tmp_path)).runtime, paths.folder, paths.private, temp(paths), aside(paths)):
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(elsewhere, link)
        with pytest.raises(UnsafeFolder):
            update(paths, "agent-1", _full, fence=7)
        os.unlink(link)
    assert list(elsewhere.iterdir()) == []


def test_a_huge_change_still_fits(paths: RunLayout) -> None:
    """A text of a megabyte is cut, and the file can be read."""
    update(paths, "agent-1", lambda now: _full(now) | {"error": "UNKNOWN: " + "x" * 10**6}, fence=7)
    data = files.read(paths.status("agent-1"), LARGEST).data
    assert (read_status(paths.status("agent-1"), data).error or "").startswith("UNKNOWN: xxx")


@pytest.mark.parametrize("name", ["an empty object", "NaN", "UTF-16", "agent_id is words", "metadata is list"])
def test_bad_content_is_moved_aside(paths: RunLayout, name: str) -> None:
    """What cannot be believed is kept byte for byte, and the status begins anew."""
    prepare(paths)
    Path(paths.status("agent-1")).write_bytes(TEXTS[name])
    update(paths, "agent-1", _full, fence=7)
    assert _aside(paths) == ["agent-1.bad.1.status.json"]
    assert Path(aside(paths), "agent-1.bad.1.status.json").read_bytes() == TEXTS[name]
    assert _written(paths)["status"] == "in_progress"


@pytest.mark.parametrize("name", ODD)
def test_whatever_stands_there_is_moved_aside(paths: RunLayout, name: str) -> None:
    """A folder, a FIFO, a link … makes place for the file; nothing is written through it or removed."""
    prepare(paths)
    ODD[name](paths.status("agent-1"))
    before = os.lstat(paths.status("agent-1"))
    update(paths, "agent-1", _full, fence=7)
    kept = os.lstat(f"{aside(paths)}/agent-1.bad.1.status.json")
    assert (kept.st_ino, kept.st_mode, kept.st_size) == (before.st_ino, before.st_mode, before.st_size)
    assert _written(paths)["agent_id"] == "agent-1"


def test_a_later_claim_wins(paths: RunLayout) -> None:
    """An update under a lower fence changes nothing, raises Superseded, and is kept to the last byte."""
    update(paths, "agent-1", _full, fence=8)
    before = _written(paths)
    for _ in range(2):
        with pytest.raises(Superseded, match="fence is 8, yours is 7"):
            update(paths, "agent-1", lambda now: now | {"error": "UNKNOWN: late"}, fence=7)
    assert _written(paths) == before
    assert _aside(paths) == ["agent-1.7.1.status.json", "agent-1.7.2.status.json"]
    kept = json.loads(Path(aside(paths), "agent-1.7.1.status.json").read_bytes())
    assert (kept["error"], kept["metadata"]["fence"]) == ("UNKNOWN: late", 7)


def test_a_later_claim_wins_before_it_has_written(paths: RunLayout) -> None:
    """The claim's own fence counts, where the caller knows it."""
    update(paths, "agent-1", _full, fence=7)
    with pytest.raises(Superseded):
        update(paths, "agent-1", _full, fence=7, claim_fence=8)
    assert update(paths, "agent-1", _full, fence=7, claim_fence=7)["agent_id"] == "agent-1"


def test_a_file_that_lies_about_its_fence_does_not_lock_anybody_out(paths: RunLayout) -> None:
    """A fence that was never given out is not believed by a writer who knows the last one."""
    prepare(paths)
    Path(paths.status("agent-1")).write_bytes(GOOD.replace(b'"fence": 7', b'"fence": 999'))
    with pytest.raises(Superseded):
        update(paths, "agent-1", _full, fence=7)
    update(paths, "agent-1", _full, fence=7, claim_fence=7)
    assert _written(paths)["metadata"] == {"fence": 7, "retry_count": 1, "cost_usd": 0.25}
    assert "agent-1.bad.1.status.json" in _aside(paths)


def test_what_is_kept_aside_is_bounded(paths: RunLayout) -> None:
    """The newest hundred stay."""
    update(paths, "agent-1", _full, fence=8)
    for number in range(MOST_KEPT + 5):
        Path(aside(paths), f"old.{number}.status.json").touch()
    with pytest.raises(Superseded):
        update(paths, "agent-1", _full, fence=7)
    assert len(_aside(paths)) == MOST_KEPT
    assert "agent-1.7.1.status.json" in _aside(paths)


def test_a_superseded_file_can_be_kept(paths: RunLayout) -> None:
    """A copy goes aside and the file stays; one that is not superseded, bad or gone is not copied."""
    prepare(paths)
    path = Path(paths.status("agent-1"))
    assert keep_superseded(paths, "agent-1", 8) is None
    path.write_bytes(GOOD)
    assert keep_superseded(paths, "agent-1", 7) is None
    kept = keep_superseded(paths, "agent-1", 8)
    assert kept == f"{aside(paths)}/agent-1.7.1.status.json"
    assert Path(kept).read_bytes() == path.read_bytes() == GOOD
    path.write_bytes(b"{")
    assert keep_superseded(paths, "agent-1", 8) is None


def test_the_machine_refusing_is_said_in_one_line(paths: RunLayout) -> None:
    """Where the file cannot be opened for a passing reason it is left alone and the reason is given."""
    update(paths, "agent-1", _full, fence=7)
    os.unlink(f"{paths.private}/agent-1.guard")
    os.mkdir(f"{paths.private}/agent-1.guard")
    with pytest.raises((SystemFailure, UnsafeFolder)):
        update(paths, "agent-1", _full, fence=7)
    assert _written(paths)["agent_id"] == "agent-1"


COUNT_UP = """
import sys
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import update
from tests.core.statuses import FULL
from tests.processes import ended, python
paths = RunLayout(sys.argv[1])
for _ in range(100):
    update(paths, "agent-1", lambda now: FULL | now | {"count": now.get("count", 0) + 1}, fence=7, wait=60)
"""


def test_no_update_is_lost_between_processes(paths: RunLayout) -> None:
    """Four processes that change one file a hundred times each make four hundred changes."""
    for each in [python(COUNT_UP, paths.folder) for _ in range(4)]:
        ended(each, 100)
    assert _written(paths)["count"] == 400
    assert os.listdir(temp(paths)) == []


def test_a_guard_that_is_held_is_waited_for_and_named(paths: RunLayout) -> None:
    """Somebody else inside the same agent's update: a bounded wait, then who is waited for."""
    update(paths, "agent-1", _full, fence=7)
    with (
        files.guard(f"{paths.private}/agent-1.guard", 0, "it"),
        pytest.raises(GuardBusy, match="the status of agent-1"),
    ):
        update(paths, "agent-1", _full, fence=7, wait=0.05)
    update(paths, "agent-2", lambda now: FULL | now | {"agent_id": "agent-2"}, fence=7, wait=0.0)


def test_sweeping_removes_what_the_dead_left(paths: RunLayout) -> None:
    """The temporary file of a killed writer goes, that of a living one stays."""
    assert sweep(paths) == 0
    update(paths, "agent-1", _full, fence=7)
    with start(paths, "agent-1", "in_progress", 50, "publish.written:kill") as killed:
        killed.wait(30)
    mine = Path(temp(paths), temps.name())
    mine.touch()
    assert sweep(paths) == 1
    assert os.listdir(temp(paths)) == [mine.name]
