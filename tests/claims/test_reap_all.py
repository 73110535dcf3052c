"""Freeing the tracks of many dead owners in one go."""

import os
import signal
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Kept, Removed
from orchestrator.claims.removal import NOT_THERE
from orchestrator.errors import BadName, GuardBusy
from orchestrator.host import files
from orchestrator.state.journal import tail
from tests.claims.owners import lock, locks, record, won, write
from tests.processes import dead, ended, python

MANY = [f"t{number}" for number in range(20)]
REAPER = """
import sys
from orchestrator.claims import FileClaims
from orchestrator.state.journal import Journal

store = FileClaims(sys.argv[1], journal=Journal(sys.argv[1]).write)
print(*sorted(track for track, answer in store.reap_all(sys.argv[2:]).items() if type(answer).__name__ == "Removed"))
"""


def orphaned(root: Path, *tracks: str) -> None:
    """Put the locks of a dead owner there."""
    for track in tracks:
        write(root, record(dead(), track), start_ticks=1)


def test_each_as_if_alone(tmp_path: Path) -> None:
    """The dead lose their tracks, each journaled first and kept; a living owner, a free track and a bad name stay."""
    told: list[object] = []
    store = FileClaims(str(tmp_path), journal=lambda event, fields: told.append((event, fields["track"])))
    won(store, "living")
    told.clear()
    orphaned(tmp_path, *MANY)
    answers = store.reap_all([*MANY, "living", "free", "../x"])
    assert all(isinstance(answers[track], Removed) for track in MANY)
    assert told == [("claim.reaped", track) for track in MANY]
    assert len(os.listdir(locks(tmp_path) / ".d" / "reaped")) == len(MANY)
    assert [path.name for path in locks(tmp_path).glob("*.lock")] == ["living.lock"]
    assert isinstance(answers["living"], Kept)
    assert answers["free"] == Kept("free", NOT_THERE)
    assert isinstance(answers["../x"], BadName)


def test_a_busy_guard_hinders_no_other(tmp_path: Path) -> None:
    """The track whose guard another one holds says so, and stays; the others go."""
    store = FileClaims(str(tmp_path), wait=0.0)
    won(store, "first")
    orphaned(tmp_path, "a", "b", "c")
    with files.guard(str(locks(tmp_path) / ".d" / "guards" / "b"), 0, "b"):
        answers = store.reap_all(["a", "b", "c"])
    assert [type(answers[track]) for track in "abc"] == [Removed, GuardBusy, Removed]
    assert lock(tmp_path, "b").exists()
    assert isinstance(store.reap_all(["b"])["b"], Removed)


@pytest.mark.parametrize("point", ["remove.guarded", "remove.journaled", "remove.kept", "remove.unlinked"])
def test_killed_in_the_midst(tmp_path: Path, point: str) -> None:
    """Whoever comes next frees what is left; no track goes that the journal does not name."""
    orphaned(tmp_path, "a", "b", "c")
    killed = python(REAPER, str(tmp_path), "a", "b", "c", failpoint=f"{point}:kill")
    killed.communicate(timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert lock(tmp_path, "b").exists()
    assert ended(python(REAPER, str(tmp_path), "a", "b", "c")).split() == ["a", "b", "c"][point == "remove.unlinked" :]
    named = [str(event["track"]) for event in tail(str(tmp_path), 10)]
    assert sorted(set(named)) == ["a", "b", "c"]


def test_no_folder_no_answers(tmp_path: Path) -> None:
    """Where there is no folder of locks there is nothing to free, and none is made."""
    assert FileClaims(str(tmp_path)).reap_all(["t"]) == {}
    assert os.listdir(tmp_path) == []


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """However many are freed."""
    orphaned(tmp_path, *MANY)
    before = os.listdir("/proc/self/fd")
    FileClaims(str(tmp_path)).reap_all(MANY)
    assert os.listdir("/proc/self/fd") == before
