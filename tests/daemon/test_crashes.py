"""A daemon that dies, is refused or is stopped anywhere in a run: the run ends as if nothing had happened."""

import os
import random
import signal
import time
from pathlib import Path

from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import Daemon, environment, running
from tests.processes import is_stopped
from tests.projects import git
from tests.waiting import wait_for

STEPS = (
    "run.worktree_made",
    "run.job_written",
    "run.worker_spawned",
    "integrate.merged",
    "integrate.advanced",
    "integrate.checked_out",
    "run.outcome_written",
    "publication.pushed",
    "finish.reported",
)


def failing(site: Accepted, failpoint: str) -> Daemon:
    """Start a daemon that comes to grief at a step."""
    return Daemon(site.root, environment(ORCHD_FAILPOINT=failpoint))


def test_killed_at_each_step_of_one_run(tmp_path: Path) -> None:
    """One daemon after the other dies a step further on; the last one brings the run to its end."""
    site = Accepted(tmp_path, [makes(1), makes(2)], {"agents": 1})
    for step in STEPS:
        daemon = failing(site, f"{step}:kill")
        assert daemon.process.wait(30) == -signal.SIGKILL, step
        daemon.close()
        assert not Path(site.paths.metrics).exists()
    with running(site.root):
        site.wait_for_end()
    site.is_done_once()
    assert len(site.events("worker.started")) <= 2


def test_a_worker_on_its_way_is_found(tmp_path: Path) -> None:
    """The daemon dies right after it started a worker that does not get to its claim: nobody starts a second."""
    site = Accepted(tmp_path, [makes(1)])
    daemon = failing(site, "run.worker_spawned:kill,claim.temp_written:stop")
    assert daemon.process.wait(30) == -signal.SIGKILL
    daemon.close()
    (pid,) = wait_for(lambda: [each for each in workers(site) if is_stopped(each)])
    with running(site.root):
        wait_for(lambda: site.events("run.adopted"))
        wait_for(lambda: len(site.events("daemon.started")) == 2)
        assert workers(site) == [pid]
        os.kill(pid, signal.SIGCONT)
        site.wait_for_end()
    site.is_done_once()
    assert site.events("worker.started") == []


def test_an_adopted_worker_that_dies_at_once_is_not_started_again(tmp_path: Path) -> None:
    """It had begun, whatever the daemon had seen of it by then: its attempt is over, and nobody repeats it."""
    site = Accepted(tmp_path, [makes(1)])
    daemon = failing(site, "run.worker_spawned:kill,claim.temp_written:stop,worker.started:kill")
    assert daemon.process.wait(30) == -signal.SIGKILL
    daemon.close()
    (pid,) = wait_for(lambda: [each for each in workers(site) if is_stopped(each)])
    with running(site.root):
        wait_for(lambda: site.events("run.adopted"))
        os.kill(pid, signal.SIGCONT)
        site.wait_for_end()
    assert site.outcomes() == ["failed"]
    ended = site.outcome(1)
    assert ended is not None
    assert "the worker died" in ended.error
    assert len(site.events("claim.won")) == 1
    site.is_sound()


def workers(site: Accepted) -> list[int]:
    """Return the processes that are workers of the project."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if b"orchestrator.worker" in words and os.fsencode(site.root) in b" ".join(words):
                found.append(int(entry.name))
    return found


def test_killed_ten_times_at_random(tmp_path: Path) -> None:
    """Each track is carried out once, by the worker that had it first, whoever the daemon is."""
    site = Accepted(tmp_path, [makes(number, "sleep = 1.5") for number in range(1, 7)], {"agents": 3})
    dice = random.Random(1)
    for _ in range(10):
        daemon = Daemon(site.root).ready()
        instant = time.monotonic() + dice.random() / 4
        wait_for(lambda until=instant: time.monotonic() > until)  # type: ignore[misc]  # bound now
        daemon.kill()
    with running(site.root):
        site.wait_for_end(60)
    site.is_done_once()
    assert sorted(each["track"] for each in site.events("claim.won")) == sorted(site.tracks)
    assert len(site.events("worker.started")) <= 6


ERRORS = {
    "run.worktree_made": "failed",
    "run.job_written": "failed",
    "run.worker_spawned": "merged",
    "integrate.merged": "failed",
    "integrate.advanced": "merged",
    "integrate.checked_out": "merged",
    "run.outcome_written": "merged",
    "publication.pushed": "merged",
}
"""How a track ends where the machine refuses this very step each time, and nothing else."""


def test_refused_at_each_step(tmp_path: Path) -> None:
    """It is tried again a few times, and then told: the report says what is true in the repository."""
    sites = {step: Accepted(tmp_path / step, [makes(1)]) for step in ERRORS}
    daemons = [failing(site, f"{step}:error") for step, site in sites.items()]
    try:
        for step, site in sites.items():
            site.wait_for_end(60)
            assert site.outcomes() == [ERRORS[step]], step
            assert site.pushes() == (ERRORS[step] == "merged"), step
            is_truthful(site)
    finally:
        for daemon in daemons:
            daemon.kill()


def is_truthful(site: Accepted) -> None:
    """Check that the report says where the work is: on main, on the remote, or on its branch; and why."""
    ended = site.outcome(1)
    assert ended is not None
    on_main = "1.txt" in site.git("ls-tree", "--name-only", "main")
    if ended.ended == "failed":
        assert not on_main
        assert ended.error.endswith("the machine refused: Input/output error")
        assert "the machine refused: Input/output error" in Path(site.paths.summary).read_text()
        assert not site.log(site.tracks[0]) or site.git("show", "feat/t1:1.txt") == "made"
    else:
        assert git(site.remote, "show", "main:1.txt") == "made"
        assert on_main or "git merge --ff-only refs/orchd/runs/roadmap/integrated" in ended.note
        assert (ended.lines_added, ended.lines_removed) == (1, 0)  # its file, and not its mark
    site.is_sound()


def test_killed_while_it_catches_up(tmp_path: Path) -> None:
    """The remote has moved on when the run is over; whoever comes next brings both together, and pushes."""
    site = Accepted(tmp_path, [makes(1)])
    tree = git(site.remote, "rev-parse", "main^{tree}")
    who = ("-c", "user.name=B", "-c", "user.email=b@example.org")
    theirs = git(site.remote, *who, "commit-tree", tree, "-p", "main", "-m", "theirs")
    git(site.remote, "update-ref", "refs/heads/main", theirs)
    daemon = failing(site, "publication.recorded:kill")
    assert daemon.process.wait(60) == -signal.SIGKILL
    daemon.close()
    with running(site.root):
        site.wait_for_end()
    assert (site.outcomes(), site.metrics()["publication"]) == (["merged"], "pushed")
    assert git(site.remote, "rev-parse", "main") == site.git("rev-parse", "main")
    assert sorted(site.subjects()) == ["Implement T1 - Group A, Track 1", "start", "theirs"]
    site.is_sound()


def test_the_report_is_refused(tmp_path: Path) -> None:
    """It is tried on and on; the next daemon, which is not refused, ends the run."""
    site = Accepted(tmp_path, [makes(1)])
    daemon = failing(site, "finish.reported:error")
    wait_for(lambda: Path(site.paths.summary).exists(), 30)
    wait_for(lambda: "trying again" in Path(site.layout.daemon_log).read_text(), 10)
    assert not Path(site.paths.metrics).exists()
    daemon.kill()
    with running(site.root):
        site.wait_for_end()
    site.is_done_once()


def test_stopped_in_the_middle_of_a_merge(tmp_path: Path) -> None:
    """The workers of other tracks go on to their ends; when the daemon goes on, so does the run."""
    site = Accepted(tmp_path, [makes(1), makes(2, "sleep = 0.5")])
    daemon = failing(site, "integrate.advanced:stop")
    wait_for(lambda: is_stopped(daemon.process.pid), 30)
    result = Path(site.paths.result("agent-2"))
    wait_for(lambda: result.exists() and '"finished": true' in result.read_text(), 20)
    wait_for(lambda: site.owner(2) is None)
    assert not Path(site.paths.metrics).exists()

    def goes_on() -> bool:
        daemon.process.send_signal(signal.SIGCONT)  # it stops at this step again for the second track
        return Path(site.paths.metrics).exists()

    wait_for(goes_on, 30, "the end of the run")
    daemon.process.send_signal(signal.SIGCONT)
    daemon.process.terminate()
    daemon.close()
    site.is_done_once()
