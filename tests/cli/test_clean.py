"""`orchd clean`: it lists what it would remove and why, removes exactly that, and touches nothing that holds work."""

import json
import os
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims
from orchestrator.cli import check_left
from orchestrator.git import backup, restore
from orchestrator.git.command import Git
from orchestrator.state import results
from tests.cli.orchd import ARGV
from tests.cli.over import Over
from tests.cli.terminals import terminal
from tests.daemon.seen import RUN
from tests.projects import git

REF = "refs/orchd/backup"


def listed(site: Over, *words: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what would go and what stays, each with its reason."""
    said = site("clean", "--dry-run", "--json", *words).document
    going, staying = ({each["name"]: each["why"] for each in said[key]} for key in ("remove", "keep"))
    return going, staying


@pytest.fixture
def site(tmp_path: Path) -> Over:
    """A run that is over: the first track's branch is merged, the second's is backed up, both have worktrees."""
    site = Over(tmp_path)
    first, second = site.begin(1), site.begin(2)
    (first / "rest.txt").unlink()
    git(site.root, "merge", "--quiet", "--no-edit", "feat/t1")
    git(second, "commit", "--quiet", "--allow-empty", "--message=second")
    assert backup.keep(str(second), f"{REF}/{RUN}/{site.tracks[1]}/1")
    site.end("merged", "failed")
    return site


def seen(site: Over) -> dict[str, tuple[int, int]]:
    """Return every file with its time, but for what git compares with: objects, and an index of its own."""
    own = ("/.git/objects", "/.git/orchd")
    return {name: facts for name, facts in site.files().items() if not any(each in name for each in own)}


def trees(site: Over) -> list[str]:
    """Return the paths of both worktrees."""
    return [each.worktree for each in site.record.tracks]


def test_exactly_what_is_listed_goes(site: Over) -> None:
    """With the reason for each; a second time there is nothing; what was backed up comes back."""
    going, staying = listed(site)
    one, two = trees(site)
    assert going == {
        one: "everything in it is committed",
        "feat/t1": "all of it is in main",
        two: f"what is not committed in it is kept as {REF}/{RUN}/{site.tracks[1]}/1",
        "feat/t2": f"all of it is in {REF}/{RUN}/{site.tracks[1]}/1",
    }
    assert staying == {}
    before = seen(site)
    assert "4 to remove, 0 to keep" in site("clean", "--dry-run").out
    assert seen(site) == before
    said = site("clean", "--yes", "--json")
    assert (said.status, [each["removed"] for each in said.document["remove"]]) == (0, [True] * 4)
    assert site.git("branch", "--format=%(refname:short)") == "main"
    assert list((site.root / "worktrees").iterdir()) == []
    assert listed(site) == ({}, {})
    back = site.root.parent / "back"
    assert site("restore", RUN, "--into", str(back)).status == 0
    assert ((back / "half.txt").read_text(), (back / "rest.txt").read_text()) == ("half\n", "rest\n")
    assert git(site.root, "fsck", "--strict", "--no-dangling") == ""


def test_nobody_to_ask_is_no_yes(site: Over) -> None:
    """Without a terminal it takes --yes."""
    for words in (["clean"], ["clean", "--json"]):
        said = site(*words)
        assert said.status == 64
        assert "--yes" in said.err
    assert all(Path(each).is_dir() for each in trees(site))


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 2), ("", 2)])
def test_a_person_is_shown_the_list_and_asked(site: Over, answer: str, left: int) -> None:
    """Only a yes is one."""
    with terminal([*ARGV, "clean"], site.root, site.env) as seat:
        seat.shows("y and Enter removes exactly that")
        assert "remove  branch feat/t1: all of it is in main" in seat.shown
        seat.type(f"{answer}\n")
        assert seat.ends(30) == 0
    assert len(list((site.root / "worktrees").iterdir())) == left


def test_what_holds_work_stays(site: Over) -> None:
    """Changed since the backup, a branch of its own, a repository within, a process in it, a claim."""
    one, two = map(Path, trees(site))
    (two / "later.txt").write_text("later\n")
    (one / "sub").mkdir()
    git(one / "sub", "init", "--quiet")
    going, staying = listed(site)
    assert going == {}
    assert "later.txt" in staying[str(two)]
    assert "repositories of their own in it: sub" in staying[str(one)]
    assert "stands on it" in staying["feat/t1"]
    (two / "later.txt").unlink()
    (one / "sub" / ".git").rename(site.root.parent / "elsewhere")
    (one / "sub").rmdir()
    with subprocess.Popen(["sleep", "60"], cwd=one) as child:
        assert f"process {child.pid} (sleep) is at work in it" in listed(site)[1][str(one)]
        child.kill()
    claim = site.claim(site.tracks[0])
    assert "is claimed" in listed(site)[1][str(one)]
    FileClaims(str(site.root)).release(claim.track, claim.token)
    assert len(listed(site)[0]) == 4


def test_a_run_that_has_not_ended_is_left_alone(site: Over) -> None:
    """Its worktrees are named, with the reason; so are those that a later run of the same tracks goes on in."""
    Path(site.paths.metrics).unlink()
    going, staying = listed(site)
    assert going == {}
    assert all("has not ended" in staying[each] for each in trees(site))


def test_what_is_not_ours_is_left_alone(site: Over) -> None:
    """A worktree that somebody made among ours, a folder with files; an empty one goes."""
    top = site.root / "worktrees"
    site.git("worktree", "add", "--quiet", "-b", "mine", str(top / "mine"))
    (top / "files").mkdir()
    (top / "files" / "x").touch()
    (top / "empty").mkdir()
    going, staying = listed(site)
    assert staying[str(top / "mine")] == "orchd did not make it"
    assert "no worktree" in staying[str(top / "files")]
    assert going[str(top / "empty")] == "nothing is in it"
    assert site("clean", "--yes").status == 0
    assert sorted(each.name for each in top.iterdir()) == ["files", "mine"]


def test_backups_go_only_when_asked_for(site: Over) -> None:
    """And never together with what only they hold."""
    ref = f"{REF}/{RUN}/{site.tracks[1]}/1"
    going, staying = listed(site, "--backups-older-than", "0")
    assert "you asked for it" in going[ref]
    assert staying[trees(site)[1]] == "its backup is to go, too"
    assert "no backup does" in staying["feat/t2"]
    assert ref not in listed(site, "--backups-older-than", "1d")[0]
    assert "'30' has no unit" in site("clean", "--yes", "--backups-older-than", "30").err
    assert site("clean", "--yes", "--backups-older-than", "0").status == 0
    assert "no backups" in site("restore", "--list").out
    assert (Path(trees(site)[1]) / "rest.txt").read_text() == "rest\n"


def test_where_a_run_before_had_its_worktree(site: Over) -> None:
    """It is that of the run whose branch it stands on, and goes with it."""
    paths = site.layout.run("before")
    earlier = tuple(replace(each, branch=f"feat/before-{each.agent_id}") for each in site.record.tracks)
    assert results.write_run(paths, replace(site.record, run="before", tracks=earlier))
    site.end("merged", "merged", run="before")
    going, staying = listed(site)
    assert (list(going), staying) == ([trees(site)[0], "feat/t1", trees(site)[1], "feat/t2"], {})
    assert listed(site, "--run", "before") == ({}, {})
    assert site("clean", "--yes").status == 0
    assert not any(os.path.lexists(each) for each in trees(site))


def test_only_what_one_run_left(site: Over) -> None:
    """Another run's is not even looked at; one that is none is an error."""
    site.accept("other", {})
    assert len(listed(site, "--run", RUN)[0]) in {0, 4}
    assert listed(site, "--run", "other")[0] == {}
    assert site("clean", "--run", "none").status == 64


@pytest.mark.parametrize("point", ["clean.judged", "clean.removed"])
def test_killed_at_any_step_it_is_done_again(site: Over, point: str) -> None:
    """Each time a little further, until nothing is left; nothing is lost."""
    for _ in range(5):
        if site("clean", "--yes", ORCHD_FAILPOINT=f"{point}:kill").status == 0:
            break
    assert site("clean", "--yes").status == 0
    assert listed(site) == ({}, {})
    assert list((site.root / "worktrees").iterdir()) == []
    assert git(site.root, "fsck", "--strict", "--no-dangling") == ""


def test_what_changes_meanwhile_is_left(site: Over) -> None:
    """Stopped right before it removes: what was written then stays, and is said."""
    one = Path(trees(site)[0])
    with site.running_with({"ORCHD_FAILPOINT": "clean.judged:stop"}, "clean", "--yes", "--json") as child:
        while _state(child.pid) != "T":
            assert child.poll() is None
        (one / "new.txt").write_text("new\n")
        while child.poll() is None:
            os.kill(child.pid, 18)
        said = json.loads(child.communicate()[0])
    assert child.returncode == 1
    assert "it changed meanwhile" in {each["name"]: each["why"] for each in said["keep"]}[str(one)]
    assert (one / "new.txt").read_text() == "new\n"


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_doctor_names_it(site: Over) -> None:
    """Worktrees and branches that runs left, with the command that looks after them; a fresh backup is no trouble."""
    said = site("doctor", "--json").document["findings"]
    left = [each for each in said if each["check"] in {"worktrees", "branches", "backups"}]
    assert [each["check"] for each in left] == ["worktrees"] * 2 + ["branches"] * 2
    assert "the branch feat/t1 of run" in left[2]["what"]
    backup = next(iter(restore.backups(Git(str(site.root)))))
    made = datetime.fromisoformat(backup.when)
    assert check_left.old([backup], made + check_left.OLD) == []
    assert check_left.old([backup], made + check_left.OLD * 1.01) == [backup]
    assert all("orchd clean" in each["cure"] for each in left)
