"""The worker's entry in the result file."""

import resource
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core import result
from orchestrator.core.claim import Claim
from orchestrator.core.phase import Job, Phase
from orchestrator.core.result import PhaseResult
from orchestrator.errors import Superseded
from orchestrator.state.layout import RunLayout
from orchestrator.worker.record import Record

CLAIM = Claim("t", "0" * 32, 12, 99, 1, None, None, "h", "host", 99, "me", "demo", 1, "now")
JOB = Job("/r", "demo", "agent-1", "t", 1, "me", "/w", "br", (Phase("work", ("x",), 1.0),))
DONE = PhaseResult("work", "exited", 0, None, "a", "b", 1.0, 0.5, 1000)


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """A run's folder that is not there yet."""
    return RunLayout(str(tmp_path / "runtime" / "parallel" / "demo"))


def record_of(paths: RunLayout, job: Job, claim: Claim, *, holds: bool = False) -> Record:
    """The entry of an attempt whose claim is gone, unless it ``holds``."""
    return Record(paths, job, claim, lambda: holds)


def read(paths: RunLayout) -> result.Result:
    """What the file says."""
    return result.decode(Path(paths.result("agent-1")).read_bytes())


def test_an_entry_grows(paths: RunLayout) -> None:
    """Phase by phase, and is finished only at the end."""
    record = record_of(paths, JOB, CLAIM)
    record.write([DONE])
    assert record.finished() is None
    assert (read(paths).attempts[0].phases, read(paths).attempts[0].finished) == ((DONE,), False)
    record.finish([DONE, DONE], "UNKNOWN: x")
    entry = record.finished()
    assert entry is not None
    assert (entry.fence, entry.token, entry.phases, entry.error) == (12, CLAIM.token, (DONE, DONE), "UNKNOWN: x")


def test_a_later_claim_is_not_written_over(paths: RunLayout) -> None:
    """The entry of a worker with a greater fence stays, whoever comes late."""
    late, early = record_of(paths, JOB, replace(CLAIM, fence=13)), record_of(paths, JOB, CLAIM)
    late.finish([DONE], "")
    with pytest.raises(Superseded, match="fence 13, ours was 12"):
        early.finish([], "UNKNOWN: y")
    assert [each.fence for each in read(paths).attempts] == [13]


def test_whoever_holds_the_claim_is_believed(paths: RunLayout) -> None:
    """While it is ours nobody comes after us: an agent that wrote so, or of an attempt to come, wrote what is not."""
    record_of(paths, JOB, replace(CLAIM, fence=999)).finish([DONE], "")
    record_of(paths, replace(JOB, attempt=2), replace(CLAIM, fence=13)).finish([DONE], "")
    record_of(paths, JOB, CLAIM, holds=True).finish([], "UNKNOWN: y")
    assert [(each.attempt, each.fence, each.error) for each in read(paths).attempts] == [(1, 12, "UNKNOWN: y")]


def test_another_attempt_is_another_entry(paths: RunLayout) -> None:
    """Each attempt has its own, whatever their fences."""
    record_of(paths, JOB, replace(CLAIM, fence=13)).finish([DONE], "")
    record_of(paths, replace(JOB, attempt=2), CLAIM).write([])
    assert [(each.attempt, each.fence) for each in read(paths).attempts] == [(1, 13), (2, 12)]


@pytest.mark.parametrize("garbage", [b"", b"{}", b"\xff", b'{"v": 9}'])
def test_garbage_is_kept_aside(paths: RunLayout, garbage: bytes) -> None:
    """What is no result is set aside under another name, not lost and not in the way."""
    Path(paths.folder).mkdir(mode=0o700, parents=True)
    Path(paths.result("agent-1")).write_bytes(garbage)
    record_of(paths, JOB, CLAIM).finish([DONE], "")
    assert read(paths).attempts[0].passed
    assert [each.read_bytes() for each in Path(paths.private, "aside").iterdir()] == [garbage]


@pytest.mark.parametrize(("fence", "kept"), [(13, 13), (14, 12)])
def test_a_finished_entry_is_taken_over(paths: RunLayout, fence: int, kept: int) -> None:
    """With the fence of the next claim; where a stranger's came in between it stays as it is."""
    record_of(paths, JOB, CLAIM).finish([DONE], "")
    late = record_of(paths, JOB, replace(CLAIM, fence=fence, token="1" * 32))
    late.inherit()
    entry = read(paths).of(1)
    assert entry is not None
    assert (entry.fence, entry.phases, entry.passed) == (kept, (DONE,), True)


def test_what_is_not_finished_is_not_taken_over(paths: RunLayout) -> None:
    """An entry of a worker that died, or of another attempt."""
    record_of(paths, replace(JOB, attempt=2), CLAIM).finish([DONE], "")
    record_of(paths, JOB, CLAIM).write([DONE])
    record_of(paths, JOB, replace(CLAIM, fence=13)).inherit()
    assert [each.fence for each in read(paths).attempts] == [12, 12]


def test_what_we_ran_out_of_is_not_the_file_s_fault(paths: RunLayout) -> None:
    """Without a free descriptor the result cannot be read, and stays where it is."""
    record_of(paths, JOB, CLAIM).finish([DONE], "")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    record = record_of(paths, JOB, CLAIM)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            record.finished()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert read(paths).attempts[0].passed
