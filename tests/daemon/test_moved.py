"""A run goes on after its repository was moved: its paths, its worktrees, and what was done in them."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.host import others
from tests.daemon.daemons import running
from tests.daemon.seen import RUN, Seen
from tests.projects import SETTINGS, names, roadmap, script, waits_for, writes
from tests.waiting import wait_for

ONE, TWO = names(2)
WAITS_ONCE = 'run = ["sh", "-c", "[ $ORCHD_ATTEMPT != 1 ] || exec sleep 600"]'


class Moving(Seen):
    """A project of two tracks: the first is committed and half merged, the second at work when all of it dies."""

    tracks = (ONE, TWO)

    def __init__(self, folder: Path) -> None:
        gate = folder / "go"
        scripts = {
            ONE: script(writes("one.txt"), waits_for(gate)),
            TWO: script(writes("two.txt"), 'print = "begun"', WAITS_ONCE),
        }
        settings = SETTINGS.replace("attempts = 1", "attempts = 2\nretry_delay = 0")
        super().__init__(folder, roadmap("One", "Two"), scripts, settings=settings)
        with self.running_with({"ORCHD_FAILPOINT": "integrate.merged:kill"}, "run", "ROADMAP.md") as child:
            self.wait_for_log(TWO, "begun")
            gate.touch()
            assert child.wait(60) == -signal.SIGKILL
        self.kill_all()

    def kill_all(self) -> None:
        """End whatever works for this project."""
        for pid in (self.owner(2), *others.carrying({"ORCHD_ROOT": str(self.root)})):
            with suppress(ProcessLookupError):
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)

    def move(self) -> None:
        """Move everything somewhere else."""
        there = self.root.parent / "elsewhere" / "renamed"
        there.parent.mkdir()
        self.root.rename(there)
        self.root = there
        self.env["ORCHD_ROOT"] = str(there)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Moving]:
    """The project, moved."""
    made = Moving(tmp_path)
    made.move()
    yield made
    made.kill_all()


@pytest.mark.parametrize("by_daemon", [False, True])
def test_it_goes_on_where_it_is_now(site: Moving, *, by_daemon: bool) -> None:
    """What was committed is merged, what was at work is tried again in its worktree; nothing is left behind."""
    if by_daemon:
        with running(site.root):
            site.wait_for_end(60)
    else:
        assert site("run", "ROADMAP.md", "--resume").status == 0
    assert site.outcomes() == ["merged", "merged"]
    assert [site.git("show", f"main:{name}.txt") for name in ("one", "two")] == ["made", "made"]
    assert site.outcome(2) is not None
    assert (site.pushes(), site.git("show", "main:ROADMAP.md").count("[DONE]")) == (1, 3)
    assert not (site.root.parents[1] / "project").exists()
    assert site.git("worktree", "list").count("\n") == 0
    assert site.git("branch", "--format=%(refname:short)") == "main"
    site.is_sound()


def test_what_failed_at_the_old_place_is_kept(site: Moving) -> None:
    """A track that is cancelled after the move has its uncommitted work kept as any other."""
    assert site("cancel", RUN).status == 0
    wait_for(lambda: len(site.outcomes()) == 2, 20)
    assert site.git("show", f"refs/orchd/backup/{RUN}/{TWO}/1:two.txt") == "made"
    assert site.git("status", "--porcelain") == ""
