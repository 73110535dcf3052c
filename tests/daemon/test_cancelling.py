"""A run, or one track of it, is cancelled: whatever state it is in, it ends, and nothing that was done is lost."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from orchestrator.errors import NotFound
from orchestrator.host import files
from orchestrator.state import cancel
from orchestrator.wire.client import call
from orchestrator.wire.messages import Adopt, Cancel
from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import environment, running
from tests.daemon.seen import RUN
from tests.processes import is_stopped, living, state
from tests.projects import waits_for
from tests.waiting import wait_for


def nobody_merges(site: Accepted) -> AbstractContextManager[int]:
    """Hold the guard of the repository's merges for a block."""
    guard = site.root / ".git" / "orchd" / "integrate.guard"
    guard.parent.mkdir(mode=0o700)
    return files.guard(str(guard), 5, "a test")


def finished(site: Accepted, number: int) -> bool:
    """Tell whether the attempt at a track came to its end."""
    path = Path(site.paths.result(f"agent-{number}"))
    return path.exists() and '"finished": true' in path.read_text() and site.owner(number) is None


def test_in_every_state(tmp_path: Path) -> None:
    """A merge under way is made; what is finished stays on its branch; what runs is ended; the rest is not begun.

    Nothing is pushed: that is for the person to say.
    """
    scripts = [makes(1), makes(2), makes(3, waits_for(tmp_path / "never")), makes(4), makes(5)]
    site = Accepted(tmp_path, scripts, {"agents": 2, "batch_size": 3})
    with living() as stranger, running(site.root):
        site.write_lock(site.tracks[4], f"{stranger.pid}\n".encode())
        with nobody_merges(site):
            wait_for(lambda: finished(site, 1) and finished(site, 2), 20)
            site.wait_for_owner(3)
            site.wait_for_log(site.tracks[2], "begun")
            for _ in range(2):
                call(str(site.root), Cancel(RUN))
            wait_for(lambda: site.outcomes() == ["cancelled"] * 4, 20)
        site.wait_for_end()
        for _ in range(2):
            call(str(site.root), Cancel(RUN))
    first, later = (1, 2) if site.outcomes()[0] == "merged" else (2, 1)
    assert sorted(site.outcomes()) == [*["cancelled"] * 4, "merged"]
    errors = [each.error for number in (later, 3, 4, 5) if (each := site.outcome(number)) is not None]
    assert errors == [
        "cancelled before it was merged",
        "UNKNOWN: cancelled (SIGTERM)",
        "cancelled before it started",
        "cancelled before it started",
    ]
    assert site.git("show", f"feat/t{later}:{later}.txt") == "made"
    assert site.git("show", f"main:{first}.txt") == "made"
    assert site.pushes() == 0
    assert sorted(each.name for each in (site.root / "worktrees").iterdir()) == [f"t{later}", "t3"]
    assert site.locks() == [site.tracks[4]]
    site.lock(site.tracks[4]).unlink()
    site.is_sound()


def test_asked_for_while_nobody_was_there(tmp_path: Path) -> None:
    """The request waits in its file: what it names is not begun, the rest is carried out."""
    site = Accepted(tmp_path, [makes(1), makes(2)])
    cancel.request(site.paths, site.tracks[1])
    with running(site.root):
        site.wait_for_end()
    assert site.outcomes() == ["merged", "cancelled"]
    assert site.log(site.tracks[1]) == ""
    site.is_sound()


def test_a_request_that_cannot_be_read(tmp_path: Path) -> None:
    """It is told and stops nothing; a good one takes its place."""
    site = Accepted(tmp_path, [makes(1, waits_for(tmp_path / "go"))])
    Path(site.paths.cancel).write_text("{")
    with running(site.root):
        site.wait_for_owner(1)
        status = site("status", "--json").document
        assert [each["path"] for each in status["problems"]] == [site.paths.cancel]
        call(str(site.root), Cancel(RUN, site.tracks[0]))
        site.wait_for_end()
    assert site.outcomes() == ["cancelled"]


@pytest.mark.parametrize("request_", [Cancel("nobody"), Cancel("nobody", "t1"), Adopt("nobody")])
def test_a_run_that_is_not_there(tmp_path: Path, request_: Cancel | Adopt) -> None:
    """The daemon refuses, and makes nothing of that name."""
    with running(tmp_path):
        with pytest.raises(NotFound, match="no run is called nobody"):
            call(str(tmp_path), request_)
        assert list((tmp_path / "runtime" / "parallel").iterdir()) == []


def test_a_worker_that_never_gets_to_its_claim(tmp_path: Path) -> None:
    """It is stopped on its way to it: cancelled, it is ended, and so is the run."""
    site = Accepted(tmp_path, [makes(1)])
    with running(site.root, environment(ORCHD_FAILPOINT="claim.temp_written:stop")):
        private = site.root / ".orchestrator_locks" / ".d" / "tmp"
        (temp,) = wait_for(lambda: list(private.glob("*")) if private.exists() else [], 20)
        worker = int(temp.name.split("-")[1])
        wait_for(lambda: is_stopped(worker))
        call(str(site.root), Cancel(RUN))
        site.wait_for_end()
    assert site.outcomes() == ["cancelled"]
    assert state(worker) in ("", "Z")
    assert site.locks() == []
