"""Others interfere in the middle of an operation: thieves without the guard, moved folders, dying claimants."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Lost, Won
from orchestrator.core.claim import BarePid, Claim
from tests.claims.owners import lock, locks, record, wanted, won, write
from tests.faults.claimant import start
from tests.processes import dead, ended, is_stopped, kill, living, python
from tests.waiting import wait_for

CLAIM = ["claim.temp_written", "claim.guarded", "claim.fenced", "claim.stamped", "claim.linked"]


def _by_hand(root: Path) -> None:
    lock(root).unlink()
    lock(root).write_text(f"{os.getpid()}\n", "ascii")


def _by_us(root: Path) -> None:
    lock(root).unlink()
    write(root, record(os.getpid()), token="f" * 32)


@pytest.mark.parametrize("point", ["remove.guarded", "remove.journaled", "remove.kept"])
@pytest.mark.parametrize("act", ["release", "break_", "reap"])
@pytest.mark.parametrize("thief", [_by_hand, _by_us])
def test_a_lock_that_a_thief_put_there_meanwhile_is_not_removed(
    tmp_path: Path, act: str, point: str, thief: Callable[[Path], None]
) -> None:
    """Somebody who does not take the guard replaces the lock between our look and our removal: it is left to him."""
    token = won(FileClaims(str(tmp_path))).token
    if act == "reap":
        token = write(tmp_path, record(dead()), start_ticks=1).token
    child = start(tmp_path, act, f"{point}:stop", token)
    try:
        wait_for(lambda: is_stopped(child.pid))
        thief(tmp_path)
        theirs = lock(tmp_path).read_bytes()
        child.send_signal(signal.SIGCONT)
        assert ended(child) == "Kept\n"
    finally:
        kill(child)
    assert lock(tmp_path).read_bytes() == theirs


@pytest.mark.parametrize("point", CLAIM)
def test_a_stranger_who_takes_the_track_without_the_guard_has_it(tmp_path: Path, point: str) -> None:
    """A shell script may link its lock at any moment: the claimant has lost, unless its own was there first."""
    child = start(tmp_path, "claim", f"{point}:stop")
    try:
        wait_for(lambda: is_stopped(child.pid))
        ours = os.path.lexists(lock(tmp_path))
        if not ours:
            lock(tmp_path).write_text(f"{os.getpid()}\n", "ascii")
        child.send_signal(signal.SIGCONT)
        assert ended(child) == ("Won\n" if ours else "Lost\n")
    finally:
        kill(child)
    seen = FileClaims(str(tmp_path)).read("t")
    assert seen is not None
    assert isinstance(seen.record, Claim if ours else BarePid)


@pytest.mark.parametrize("point", CLAIM)
@pytest.mark.parametrize("part", ["", ".d"])
@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_folder_that_goes_in_the_middle_of_a_claim_takes_the_claim_along(
    tmp_path: Path, point: str, part: str, how: str
) -> None:
    """Who claims in the new folder has the track; the other is told to try again, and leaves no lock behind."""
    rivals = FileClaims(str(tmp_path))
    won(rivals, "other")
    child = start(tmp_path, "claim", f"{point}:stop")
    try:
        wait_for(lambda: is_stopped(child.pid))
        linked = os.path.lexists(lock(tmp_path))
        folder = locks(tmp_path) / part
        if how == "moved":
            folder.rename(tmp_path / "moved")
        else:
            shutil.rmtree(folder)
        answer = rivals.claim(wanted())
        child.send_signal(signal.SIGCONT)
        said = ended(child)
    finally:
        kill(child)
    if linked and part:  # its lock was there first, and still is
        assert (type(answer), said) == (Lost, "Won\n")
    else:
        assert isinstance(answer, Won)
        seen = rivals.read("t")
        assert seen is not None
        assert seen.token == answer.claim.token
        assert said.startswith("system: cannot claim t: No such file or directory") or said == "Lost\n"
    assert list((tmp_path / "moved").glob("t.lock")) == []


@pytest.mark.parametrize("point", ["claim.guarded", "claim.fenced", "claim.stamped"])
def test_who_holds_a_guard_that_others_do_not_find_gives_up(tmp_path: Path, point: str) -> None:
    """Even where the track is free: another one counts the fences by now, and his must stay the greater."""
    store = FileClaims(str(tmp_path))
    won(store, "other")
    child = start(tmp_path, "claim", f"{point}:stop")
    try:
        wait_for(lambda: is_stopped(child.pid))
        (locks(tmp_path) / ".d" / "guards").rename(tmp_path / "moved")
        store.release("t", won(store).token)
        child.send_signal(signal.SIGCONT)
        assert ended(child).startswith("system: cannot claim t: No such file or directory")
    finally:
        kill(child)
    assert won(store).fence == 2


def test_the_claimant_dies_between_the_check_and_the_link(tmp_path: Path) -> None:
    """A claim made for another process, which dies meanwhile, is a dead owner's: free for the next."""
    code = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
print(type(FileClaims(sys.argv[1]).claim(Wanted("t", "me", int(sys.argv[2])))).__name__)
"""
    with living() as owner:
        child = python(code, str(tmp_path), str(owner.pid), failpoint="claim.stamped:stop")
        wait_for(lambda: is_stopped(child.pid))
    child.send_signal(signal.SIGCONT)
    assert ended(child) == "Won\n"
    store = FileClaims(str(tmp_path))
    seen = store.read("t")
    assert seen is not None
    assert seen.verdict.why == f"process {owner.pid} is gone"
    assert won(store).fence == 2


def test_the_claimant_dies_before_the_check(tmp_path: Path) -> None:
    """Then nothing is taken, and whoever claims for him is told."""
    code = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
from orchestrator.errors import UsageError
try:
    FileClaims(sys.argv[1]).claim(Wanted("t", "me", int(sys.argv[2])))
except UsageError as error:
    print(error.message)
"""
    with living() as owner:
        child = python(code, str(tmp_path), str(owner.pid), failpoint="claim.guarded:stop")
        wait_for(lambda: is_stopped(child.pid))
    child.send_signal(signal.SIGCONT)
    assert ended(child) == f"process {owner.pid} ended before it could claim t\n"
    assert FileClaims(str(tmp_path)).list() == []
