"""What the person does in the repository, and others do to the run, while it goes on."""

from pathlib import Path

from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import Daemon, running
from tests.daemon.seen import RUN
from tests.projects import git, waits_for
from tests.waiting import wait_for


def gated(tmp_path: Path, count: int) -> list[str]:
    """Return scripts whose agents each wait for a file of their own."""
    return [makes(number, waits_for(tmp_path / f"go-{number}")) for number in range(1, count + 1)]


def merged(site: Accepted, number: int, tmp_path: Path) -> None:
    """Let a track go on, and wait until it is merged."""
    (tmp_path / f"go-{number}").touch()
    wait_for(lambda: site.outcome(number), 20, f"the end of track {number}")


def test_the_person_goes_on_working(tmp_path: Path) -> None:
    """Commits on main, another branch, no branch at all: everything is merged into main, and theirs is as it was."""
    site = Accepted(tmp_path, gated(tmp_path, 4), {"agents": 4})
    with running(site.root):
        merged(site, 1, tmp_path)
        site.write("mine.txt", "mine\n")
        site.git("add", "mine.txt")
        site.git("commit", "--quiet", "--message=mine")
        merged(site, 2, tmp_path)
        site.git("switch", "--quiet", "--create", "elsewhere")
        site.write("ROADMAP.md", "something else\n")
        site.git("commit", "--quiet", "--all", "--message=else")
        merged(site, 3, tmp_path)
        site.git("switch", "--quiet", "--detach")
        site.write("mine.txt", "changed and not committed\n")
        merged(site, 4, tmp_path)
        site.wait_for_end()
    assert site.outcomes() == ["merged"] * 4
    names = site.git("ls-tree", "--name-only", "main").splitlines()
    assert {"1.txt", "2.txt", "3.txt", "4.txt", "mine.txt"} <= set(names)
    assert site.git("show", "main:ROADMAP.md").count("[DONE]") == 5
    assert (site.root / "ROADMAP.md").read_text() == "something else\n"
    assert site.git("status", "--porcelain") == " M mine.txt"
    assert git(site.remote, "rev-parse", "main") == site.git("rev-parse", "main")
    assert site.pushes() == 1
    site.git("checkout", "--quiet", "mine.txt")
    site.is_sound()


def test_the_folder_of_the_run_is_removed(tmp_path: Path) -> None:
    """Then it is no run any more: nothing is begun again, others go on, and the daemon lives."""
    site = Accepted(tmp_path, gated(tmp_path, 1), {"agents": 1})
    with running(site.root) as daemon:
        site.wait_for_log(site.tracks[0], "begun")
        Path(site.paths.folder).rename(tmp_path / "removed")
        wait_for(lambda: site("status", "--json").document["runs"] == [], 10)
        (tmp_path / "go-1").touch()
        wait_for(lambda: site.locks() == [], 20)
        site.accept("other", {})
        wait_for(Path(site.layout.run("other").metrics).exists, 30)
        assert daemon.process.poll() is None
    assert site.log(site.tracks[0]).splitlines().count("begun") == 2
    assert site.git("log", "--format=%s", "--merges", "main").splitlines() == [f"Merge track {site.tracks[0]}: T1"]


def test_the_target_branch_is_gone(tmp_path: Path) -> None:
    """The run ends, says why, and keeps the work."""
    site = Accepted(tmp_path, gated(tmp_path, 1), {"agents": 1})
    with running(site.root):
        site.wait_for_log(site.tracks[0], "begun")
        site.git("branch", "--move", "main", "renamed")
        (tmp_path / "go-1").touch()
        site.wait_for_end()
    ended = site.outcome(1)
    assert ended is not None
    assert (ended.ended, ended.error) == ("failed", "UNKNOWN: the branch main does not exist")
    assert site.git("show", "feat/t1:1.txt") == "made"


def test_one_drives_and_the_other_watches(tmp_path: Path) -> None:
    """A daemon, a second one, and the command itself, all at once: each run is driven by exactly one."""
    site = Accepted(tmp_path, [makes(number) for number in range(1, 4)])
    daemons = [Daemon(site.root), Daemon(site.root)]
    with site.running("run", "ROADMAP.md", "--resume") as command:
        site.wait_for_end()
        assert command.wait(20) == 0
    wait_for(lambda: sum(each.process.poll() is None for each in daemons) == 1, 20)
    for each in daemons:
        each.kill()
    site.is_done_once()
    assert len(site.events("run.ended")) == 1
    assert len({each["pid"] for each in site.events("run.adopted") if each["run"] == RUN}) == 1
