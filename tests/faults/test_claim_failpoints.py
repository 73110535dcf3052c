"""Crashes, pauses and refusals at every step of a claim and a removal: before or after, never between."""

import errno
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Lost, Removed, Seen, Won
from orchestrator.core.claim import Claim
from orchestrator.errors import GuardBusy
from orchestrator.host import clock, files, temps
from orchestrator.host.failpoint import POINTS
from tests.claims.owners import debris, record, wanted, won, write
from tests.faults.claimant import start
from tests.processes import dead, ended, is_stopped, kill, python
from tests.waiting import wait_for

FIRST = ["publish.written", "publish.renamed"]
CLAIM = ["claim.temp_written", "claim.guarded", "claim.fenced", "claim.stamped", "claim.linked", "claim.unguarded"]
REMOVE = ["remove.journaled", "remove.kept", "remove.unlinked"]
STEPS = (
    [("first claim", point) for point in [*FIRST, *CLAIM, "guard.reserved"]]
    + [("take-over", point) for point in [*REMOVE, "claim.linked"]]
    + [(act, point) for act in ("reap", "release", "break_") for point in ["remove.guarded", *REMOVE]]
)
ERRORS = [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EACCES, errno.EROFS, errno.ENOLCK, errno.EDQUOT]


def prepare(root: Path, act: str) -> tuple[str, str]:
    """Bring the track into the state that the act starts from; return the method and the token to give to it."""
    if act == "first claim":
        return "claim", ""
    store = FileClaims(str(root))
    if act in ("take-over", "reap"):
        won(store, "other")
        return ("claim" if act == "take-over" else act), write(root, record(dead()), start_ticks=1).token
    return act, won(store).token


def token_now(root: Path) -> str | None:
    """Return the token of the lock, None where there is none; what is there must be whole and ours."""
    seen: Seen | None = FileClaims(str(root)).read("t")
    assert seen is None or isinstance(seen.record, Claim)
    return seen.token if seen is not None else None


def assert_free_in_the_end(root: Path, act: str, token: str) -> None:
    """Whatever happened, doing it again works, the track can be had, and a sweep leaves nothing lying about."""
    store = FileClaims(str(root))
    if act in ("release", "break_") and token_now(root) == token:
        assert isinstance(getattr(store, act)("t", token), Removed)
    if act == "release":
        assert isinstance(store.release("t", token), Removed)
    before = store.last_fence("t")
    claim = won(store)
    assert claim.fence > before
    store.release("t", claim.token)
    assert debris(root) == []


@pytest.mark.parametrize(("act", "point"), STEPS)
def test_killed(tmp_path: Path, act: str, point: str) -> None:
    """After SIGKILL the lock is the old one, the new one or none; never half of one, and nobody is stuck."""
    method, token = prepare(tmp_path, act)
    child = start(tmp_path, method, f"{point}:kill", token)
    child.communicate(timeout=30)
    assert child.returncode == -signal.SIGKILL
    now = token_now(tmp_path)
    if method == "claim":
        linked = point in ("claim.linked", "claim.unguarded")
        old = act == "take-over" and not linked and point != "remove.unlinked"
        assert now == token if old else (now is not None) == linked
    else:
        assert now == (None if point == "remove.unlinked" else token)
    assert_free_in_the_end(tmp_path, act, token)


@pytest.mark.parametrize(("act", "point"), STEPS)
def test_refused(tmp_path: Path, act: str, point: str) -> None:
    """An error of the machine is told in one line; a claim has then taken nothing, and a retry works."""
    method, token = prepare(tmp_path, act)
    number = ERRORS[STEPS.index((act, point)) % len(ERRORS)]
    line = ended(start(tmp_path, method, f"{point}:error={errno.errorcode[number]}", token))
    assert line.startswith(("system: cannot ", "resources: cannot "))
    assert os.strerror(number) in line
    now = token_now(tmp_path)
    if method == "claim":
        assert now in (None, token)
    else:
        assert now == (None if point == "remove.unlinked" else token)
    assert_free_in_the_end(tmp_path, act, token)


@pytest.mark.parametrize(("act", "point"), STEPS)
def test_stopped(tmp_path: Path, act: str, point: str) -> None:
    """A process that is paused on its way delays no other track, and of two claimants one wins."""
    method, token = prepare(tmp_path, act)
    child = start(tmp_path, method, f"{point}:stop", token)
    try:
        wait_for(lambda: is_stopped(child.pid))
        rivals = FileClaims(str(tmp_path), wait=0.0)
        begin = clock.steady()
        rivals.release("another", won(rivals, "another").token)
        assert clock.steady() - begin < 5
        answer: object = None
        with suppress(GuardBusy):
            answer = rivals.claim(wanted())
        child.send_signal(signal.SIGCONT)
        said = ended(child).strip()
    finally:
        kill(child)
    _assert_one_owner(tmp_path, method, answer, said)
    if isinstance(answer, Won):
        assert isinstance(rivals.release("t", answer.claim.token), Removed)
    assert_free_in_the_end(tmp_path, act, token)


def _assert_one_owner(root: Path, method: str, answer: object, said: str) -> None:
    """Both cannot have the track; what the rival won is still his."""
    if isinstance(answer, Won):
        assert token_now(root) == answer.claim.token
        assert said in ({"Lost"} if method == "claim" else {"Kept", "Removed"})
    elif method == "claim":
        assert said == "Won"
        assert answer is None or isinstance(answer, Lost)
    else:
        assert said == "Removed"


def test_every_point_of_the_claims_is_tried() -> None:
    """A new step gets its tests."""
    tried = {point for _, point in STEPS} | {"publish.synced"}
    assert tried == {point for point in POINTS if point.startswith(("claim.", "remove.", "guard.", "publish."))}


@pytest.mark.parametrize("point", ["publish.written", "publish.synced", "publish.renamed"])
@pytest.mark.parametrize("action", ["kill", "error=ENOSPC", "stop"])
def test_publish(tmp_path: Path, point: str, action: str) -> None:
    """A file that is published is the old or the new one at every step, and nothing is left after a sweep."""
    (tmp_path / "a").write_bytes(b"old")
    code = """
import sys
from orchestrator.errors import SystemFailure
from orchestrator.host import files
try:
    files.publish(sys.argv[1] + "/a", b"new", sys.argv[1], durable=True)
except SystemFailure as error:
    print(error.message)
"""
    child = python(code, str(tmp_path), failpoint=f"{point}:{action}")
    if action == "stop":
        wait_for(lambda: is_stopped(child.pid))
        assert (tmp_path / "a").read_bytes() == (b"new" if point == "publish.renamed" else b"old")
        child.send_signal(signal.SIGCONT)
    stdout, _ = child.communicate(timeout=30)
    new = action == "stop" or point == "publish.renamed"
    assert (tmp_path / "a").read_bytes() == (b"new" if new else b"old")
    assert stdout == (f"cannot write {tmp_path}/a: No space left on device\n" if action.startswith("error") else "")
    fd = files.open_folder(str(tmp_path))
    temps.sweep(fd)
    os.close(fd)
    assert os.listdir(tmp_path) == ["a"]
