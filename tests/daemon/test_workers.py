"""Whom we may signal: workers that are provably ours, and what they started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Seen, Wanted, Won
from orchestrator.daemon.workers import MODULE, Workers, place
from orchestrator.host import children
from orchestrator.state.layout import Layout
from tests.core import runs
from tests.processes import is_stopped
from tests.waiting import wait_for

SLEEPER = "import os, signal; signal.pause()"


@contextmanager
def process(argv: Sequence[str], **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until the end of the block."""
    with subprocess.Popen(argv, env={**os.environ, **env}, start_new_session=True) as child:
        try:
            yield child
        finally:
            child.kill()


def like_a_worker(job: str) -> list[str]:
    """Return a command line that ends as a worker's does."""
    return [sys.executable, "-c", SLEEPER, "-m", MODULE, job]


def claimed(root: Path, pid: int) -> Seen:
    """Claim t1 for a process."""
    store = FileClaims(str(root))
    assert isinstance(store.claim(Wanted("t1", "test", pid, runs.RUN, 1)), Won)
    seen = store.read("t1")
    assert seen is not None
    return seen


def test_the_owner_of_a_claim_that_is_a_worker_on_the_job(tmp_path: Path) -> None:
    """It is asked, even where it is stopped."""
    where = place(Layout(str(tmp_path)), runs.RUN, runs.spec(1))
    with process(like_a_worker(where.job)) as worker:
        seen = claimed(tmp_path, worker.pid)
        worker.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(worker.pid))
        Workers().ask(where, seen)
        assert worker.wait(10) == -signal.SIGTERM


def test_nobody_else(tmp_path: Path) -> None:
    """A worker on another job, a program that only mentions it, no claim at all: nobody gets a signal."""
    where = place(Layout(str(tmp_path)), runs.RUN, runs.spec(1))
    mentions = [sys.executable, "-c", SLEEPER, MODULE, where.job]
    with process(like_a_worker("/elsewhere/job.json")) as other, process(mentions) as stranger:
        for number, each in enumerate((other, stranger)):
            root = tmp_path / str(number)
            root.mkdir()
            seen = claimed(root, each.pid)
            Workers().ask(where, seen)
            Workers().kill(where, seen)
            Workers().ask(where, None)
            assert each.poll() is None


def test_a_child_before_it_has_a_claim(tmp_path: Path) -> None:
    """We know it, since we started it; how it ended is told once."""
    where = place(Layout(str(tmp_path)), runs.RUN, runs.spec(1))
    workers = Workers()
    child = children.detach(["sleep", "600"], cwd=str(tmp_path), env=os.environ, output=None)
    workers.add(where.job, child)
    assert workers.ended() == {}
    workers.ask(where, None)
    assert wait_for(workers.ended) == {where.job: -signal.SIGTERM}
    assert workers.ended() == {}


def test_one_that_somebody_else_started(tmp_path: Path) -> None:
    """It is found by its command line; that it ended is told, how is not."""
    package = tmp_path / "orchestrator" / "worker"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "__main__.py").write_text(SLEEPER)
    job = place(Layout(str(tmp_path)), runs.RUN, runs.spec(1))
    workers = Workers()
    assert workers.adopt([job.job]) == set()
    with subprocess.Popen([sys.executable, "-m", MODULE, job.job], cwd=tmp_path, env={"PYTHONPATH": ""}) as worker:
        assert wait_for(lambda: workers.adopt([job.job, "/other"])) == {job.job}
        assert workers.ended() == {}
        workers.ask(job, None)
        assert worker.wait(10) == -signal.SIGTERM
    assert workers.ended() == {job.job: None}


def test_what_a_dead_worker_left(tmp_path: Path) -> None:
    """It is known by its environment: asked first, killed where that is not enough; a neighbour's is let alone."""
    layout = Layout(str(tmp_path))
    where, neighbour = (place(layout, runs.RUN, runs.spec(number)) for number in (1, 2))
    with process(["sleep", "600"], **where.marks) as one, process(["sleep", "600"], **neighbour.marks) as two:
        Workers().ask(where, None)
        assert one.wait(10) == -signal.SIGTERM
        assert two.poll() is None
        Workers().kill(neighbour, None)
        assert two.wait(10) == -signal.SIGKILL


def test_killed_with_everything_that_it_started(tmp_path: Path) -> None:
    """The whole session, and what went elsewhere with the marks of an agent."""
    where = place(Layout(str(tmp_path)), runs.RUN, runs.spec(1))
    script = "import os, signal, subprocess; subprocess.Popen(['sleep', '600']); signal.pause()"
    argv = [sys.executable, "-c", script, "-m", MODULE, where.job]
    with process(argv) as worker, process(["sleep", "600"], **where.marks) as escaped:
        seen = claimed(tmp_path, worker.pid)
        child = wait_for(lambda: Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text())
        Workers().kill(where, seen)
        assert worker.wait(10) == escaped.wait(10) == -signal.SIGKILL
        wait_for(lambda: not Path(f"/proc/{child.strip()}").exists())


def test_the_end_of_a_former_worker_is_nobody_elses(tmp_path: Path) -> None:
    """Once another attempt begins on a job, it does not count how the worker before it ended; it is waited for."""
    workers, job = Workers(), place(Layout(str(tmp_path)), runs.RUN, runs.spec(1)).job
    former = children.detach(["false"], cwd=str(tmp_path), env={}, output=None)
    workers.add(job, former)
    os.waitid(os.P_PID, former.pid, os.WEXITED | os.WNOWAIT)
    workers.begin(job)
    workers.add(job, children.detach(["true"], cwd=str(tmp_path), env={}, output=None))
    assert wait_for(workers.ended) == {job: 0}
    with pytest.raises(ChildProcessError):
        os.waitpid(former.pid, os.WNOHANG)


def test_a_former_worker_that_was_adopted(tmp_path: Path) -> None:
    """The same is true of one that another process had started."""
    workers, job = Workers(), place(Layout(str(tmp_path)), runs.RUN, runs.spec(1)).job
    with process(like_a_worker(job)) as worker:
        assert wait_for(lambda: workers.adopt([job])) == {job}
        workers.begin(job)
        worker.kill()
        worker.wait()
        assert workers.ended() == {}
