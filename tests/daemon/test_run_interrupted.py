"""Runs that are cut short, handed over, or meet each other: nothing is lost, and nothing is done twice."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from tests.cli.orchd import ARGV, Ended
from tests.cli.terminals import terminal
from tests.daemon.daemons import running
from tests.projects import Site, names, roadmap, script, waits_for, writes
from tests.waiting import wait_for

ONE, TWO = names(2)


class Gated(Site):
    """Two tracks; the second waits, after it has written something, until :meth:`open` lets it go on."""

    def __init__(self, folder: Path) -> None:
        self.gate = folder / "go"
        gated = script(writes("two.txt"), 'print = "begun"', waits_for(self.gate), 'print = "went on"')
        super().__init__(folder, roadmap("One", "Two"), {ONE: script('print = "begun"', writes("one.txt")), TWO: gated})

    def open(self) -> None:
        """Let the second track go on."""
        self.gate.touch()

    def wait_until_begun(self) -> None:
        """Wait until the first track is merged and the second is at work."""
        self.wait_for_merge("One")
        self.wait_for_log(TWO, "begun")

    def is_done_once(self) -> None:
        """Check that everything happened, and no part of it twice."""
        assert sorted(self.subjects()) == [
            "Implement One - Group A, Track 1",
            "Implement Two - Group A, Track 2",
            "start",
        ]
        assert [self.log(track).splitlines().count("begun") for track in (ONE, TWO)] == [1, 1]
        assert self.pushes() == 1
        assert self.git("status", "--porcelain") == ""
        assert self.git("branch", "--format=%(refname:short)") == "main"
        assert self.locks() == []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Gated]:
    """A project whose second track waits; let go at the end, so that no worker stays."""
    made = Gated(tmp_path)
    yield made
    made.open()
    wait_for(lambda: made.locks() == [], 15, "workers that end")


def worker(site: Site, track: str) -> int:
    """Return the process that holds a track."""
    (lock,) = [each for each in site("locks", "--json").document["locks"] if each["track"] == track]
    pid: int = lock["pid"]
    return pid


def ended(child: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a command."""
    out, err = child.communicate(timeout=60)
    return Ended(child.returncode, out, err)


def test_killed_and_resumed(site: Gated) -> None:
    """kill -9 in the middle: the worker goes on; ``--resume`` ends the run as if nothing had happened."""
    with site.running("run", "ROADMAP.md") as child:
        site.wait_until_begun()
        child.kill()
    pid = worker(site, TWO)
    again = site("run", "ROADMAP.md")
    assert (again.status, again.out) == (75, "")
    assert "--resume" in again.err
    assert worker(site, TWO) == pid
    with site.running("run", "ROADMAP.md", "--resume", "--json") as child:
        site.open()
        said = ended(child)
    assert said.status == 0
    assert [each["outcome"] for each in said.document["tracks"]] == ["merged", "merged"]
    site.is_done_once()


@pytest.mark.parametrize("point", ["run.accepted", "run.worker_spawned", "integrate.advanced"])
def test_killed_at_a_step(site: Gated, point: str) -> None:
    """Wherever the command that drives a run dies, the next one goes on from there; test_crashes has every step."""
    site.open()
    with site.running_with({"ORCHD_FAILPOINT": f"{point}:kill"}, "run", "ROADMAP.md") as child:
        assert ended(child).status == -signal.SIGKILL
    said = site("run", "ROADMAP.md", "--resume")
    assert (said.status, said.err) == (0, "")
    site.is_done_once()


def test_the_machine_refuses(site: Gated) -> None:
    """What cannot be done is tried again, and whoever watches is told why; the run goes on when it can be."""
    with site.running_with({"ORCHD_FAILPOINT": "finish.reported:error=ENOSPC"}, "run", "ROADMAP.md") as child:
        site.open()
        out = child.stdout
        assert out is not None
        wait_for(lambda: "No space left on device" in out.readline(), 30, "a word about it")
        child.kill()
    said = site("run", "ROADMAP.md", "--resume")
    assert said.status == 0
    site.is_done_once()


def test_the_worker_died_too(site: Gated) -> None:
    """A worker that was killed is not taken for success: its track failed, and what it wrote is kept."""
    with site.running("run", "ROADMAP.md") as child:
        site.wait_until_begun()
        pid = worker(site, TWO)
        child.kill()
    os.kill(pid, signal.SIGKILL)
    site.open()
    said = site("run", "ROADMAP.md", "--resume", "--json")
    one, two = said.document["tracks"]
    assert (said.status, one["outcome"], two["outcome"]) == (2, "merged", "failed")
    assert "died" in two["error"]
    assert site.git("show", f"refs/orchd/backup/roadmap/{TWO}/1:two.txt") == "made"


def test_the_run_is_removed(site: Gated) -> None:
    """Who removes its folder is told so; the worker ends by itself, and what it did stays."""
    with site.running("run", "ROADMAP.md") as child:
        site.wait_until_begun()
        site.run_file("run.json").parent.rename(site.root / "removed")
        said = ended(child)
    assert said.status == 9
    assert "was removed, so run roadmap is over without a report" in said.err
    site.open()
    wait_for(lambda: site.locks() == [], 20)
    assert "went on" in site.log(TWO)
    assert list((site.root / "worktrees").glob("*/two.txt"))


def test_control_c(site: Gated) -> None:
    """Workers are ended, what they wrote is kept, the report is written, and the exit code is 130."""
    with site.running("run", "ROADMAP.md") as child:
        site.wait_until_begun()
        pid = worker(site, TWO)
        child.send_signal(signal.SIGINT)
        said = ended(child)
    assert said.status == 130
    assert "cancelled" in said.out
    assert not os.path.exists(f"/proc/{pid}")
    assert site.locks() == []
    assert site.git("show", f"refs/orchd/backup/roadmap/{TWO}/1:two.txt") == "made"
    assert (site.root / "worktrees" / "agent-2" / "two.txt").exists()
    assert "cancelled" in site.run_file("summary.md").read_text()
    assert "went on" not in site.log(TWO)
    assert site.pushes() == 0


def test_control_c_twice(tmp_path: Path) -> None:
    """The second one leaves at once; ``--resume`` brings what was begun to its end."""
    stubborn = script("ignore_term = true", 'print = "begun"', "hang = true")
    site = Site(tmp_path, roadmap("One"), {ONE: stubborn})
    with site.running("run", "ROADMAP.md") as child:
        site.wait_for_log(ONE, "begun")
        child.send_signal(signal.SIGINT)
        wait_for(site.run_file("cancel.json").exists, 10, "a request to cancel")
        child.send_signal(signal.SIGTERM)
        said = ended(child)
    assert said.status == 130
    assert "--resume" in said.err
    assert not site.run_file("metrics.json").exists()
    said = site("run", "ROADMAP.md", "--resume", "--json")
    assert [each["outcome"] for each in said.document["tracks"]] == ["cancelled"]
    assert site.locks() == []


def test_control_c_on_a_terminal(site: Gated) -> None:
    """The key reaches the command alone, its worker gets time to end; the picture is drawn in place."""
    with terminal([*ARGV, "run", "ROADMAP.md"], site.root, site.env | {"TERM": "xterm"}) as screen:
        site.wait_until_begun()
        screen.type("\x03")
        screen.shows("summary.md", 30)
        assert screen.ends() == 130
    shown = screen.shown
    assert "roadmap: 1 of 2 merged" in shown
    assert "\r\x1b[3A" in shown
    assert "cancelled: the workers are asked to end" in shown
    assert shown.rstrip().endswith("summary.md")
    assert "went on" not in site.log(TWO)
    assert site.pushes() == 0


def test_a_track_is_cancelled(site: Gated) -> None:
    """``orchd cancel RUN TRACK`` from elsewhere: that one ends, the others are merged and pushed."""
    with site.running("run", "ROADMAP.md", "--json") as child:
        site.wait_until_begun()
        assert site("cancel", "roadmap", TWO).out == f"{TWO} is asked to end\n"
        said = ended(child)
    assert [each["outcome"] for each in said.document["tracks"]] == ["merged", "cancelled"]
    assert (said.status, site.pushes()) == (2, 1)


def test_a_second_run_of_the_same_source(site: Gated) -> None:
    """Refused while the first goes on; ``--resume`` watches that one."""
    with site.running("run", "ROADMAP.md") as first:
        site.wait_until_begun()
        said = site("run", "ROADMAP.md")
        assert (said.status, said.out) == (75, "")
        assert "is going on" in said.err
        with site.running("run", "ROADMAP.md", "--resume", "--json") as second:
            assert second.stderr is not None
            assert second.stderr.readline()  # it looks on
            site.open()
            assert [ended(second).status, ended(first).status] == [0, 0]
    site.is_done_once()


def test_two_runs_at_once(tmp_path: Path) -> None:
    """Two sources in one repository: each is carried out, once, with names of its own."""
    both = [*names(2), *names(2, "B")]
    site = Site(tmp_path, roadmap("One", "Two"), {track: script(writes(f"{track}.txt")) for track in both})
    site.write("OTHER.md", roadmap("Left", "Right", group="B"))
    site.git("add", "--all")
    site.git("commit", "--quiet", "--message=more")
    with (
        site.running("run", "ROADMAP.md", "--no-push") as first,
        site.running("run", "OTHER.md", "--no-push") as second,
    ):
        assert [ended(each).status for each in (first, second)] == [0, 0]
    found = sorted(each for each in site.subjects() if each.startswith("Implement"))
    assert found == [
        "Implement Left - Group B, Track 1",
        "Implement One - Group A, Track 1",
        "Implement Right - Group B, Track 2",
        "Implement Two - Group A, Track 2",
    ]
    assert site.git("status", "--porcelain") == ""


def test_two_runs_with_the_same_track(site: Gated) -> None:
    """A track has one claim and one log, whatever the source: the second run is refused while the first goes on."""
    site.write("OTHER.md", roadmap("Another"))
    with site.running("run", "ROADMAP.md") as child:
        site.wait_until_begun()
        said = site("run", "OTHER.md")
        assert (said.status, said.out) == (75, "")
        assert f"run roadmap carries {ONE} too" in said.err
        site.open()
        assert ended(child).status == 0


def test_a_daemon_drives_the_run(site: Gated) -> None:
    """The command hands it over and watches; Ctrl-C ends the watching, not the run."""
    with running(site.root):
        with site.running("run", "ROADMAP.md") as child:
            site.wait_until_begun()
            child.send_signal(signal.SIGINT)
            said = ended(child)
        assert said.status == 130
        assert "goes on without being watched" in said.err
        assert not site.run_file("cancel.json").exists()
        with site.running("run", "ROADMAP.md", "--resume") as child:
            assert child.stdout is not None
            assert child.stdout.readline()  # it has found the run
            site.open()
            assert ended(child).status == 0
    site.is_done_once()


def test_the_daemon_is_killed(site: Gated) -> None:
    """Workers go on, the next daemon takes the run up, whoever watches sees it to its end."""
    with running(site.root) as daemon, site.running("run", "ROADMAP.md") as child:
        site.wait_until_begun()
        pid = worker(site, TWO)
        daemon.kill()
        assert worker(site, TWO) == pid
        with running(site.root):
            site.open()
            assert ended(child).status == 0
    site.is_done_once()


def test_the_daemon_is_stopped(site: Gated) -> None:
    """Whoever watches drives the run from then on; no other daemon is needed, and Ctrl-C then ends the run."""
    with running(site.root), site.running("run", "ROADMAP.md") as child:
        site.wait_until_begun()
        pid = worker(site, TWO)
        assert site("stop").status == 0
        assert worker(site, TWO) == pid
        out = child.stdout
        assert out is not None
        wait_for(lambda: "this command does now" in out.readline(), 30, "a word about who drives")
        site.open()
        assert ended(child).status == 0
    site.is_done_once()


@pytest.mark.parametrize("somebody", [running, nullcontext], ids=["daemon", "nobody"])
def test_detached(site: Gated, somebody: Callable[[Path], AbstractContextManager[object]]) -> None:
    """The command returns once somebody drives the run, and says how to follow it."""
    with somebody(site.root):
        said = site("run", "ROADMAP.md", "--detach")
        site.wait_until_begun()
        site.open()
        wait_for(site.run_file("metrics.json").exists, 20, "the report")
    assert said.status == 0
    assert "orchd status" in said.out
    site.is_done_once()


@pytest.mark.parametrize("words", [["--agents", "2"], ["--no-push"], ["--group", "A"], ["--dry-run"], []])
def test_nothing_to_resume(tmp_path: Path, words: list[str]) -> None:
    """What was accepted holds, so that no option goes with it; without an interrupted run there is nothing to do."""
    site = Site(tmp_path, roadmap("One"), {ONE: script()})
    said = site("run", "ROADMAP.md", "--resume", *words)
    assert (said.status, said.out, said.err.count("\n")) == (64, "", 2)
