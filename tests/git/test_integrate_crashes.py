"""Integration under fire: a kill at every step, and several processes at once."""

import signal
from pathlib import Path

import pytest

from tests.git import repos
from tests.git.repos import git
from tests.waiting import wait_for

REF = "refs/orchd/runs/demo/integrated"
POINTS = ("integrate.merged", "integrate.advanced", "integrate.checked_out")


def merges(home: Path) -> list[str]:
    """Return the subjects of the merges on main."""
    return sorted(git(home, "log", "--merges", "--format=%s", "main").splitlines())


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_step_is_finished_by_the_next_call(home: Path, point: str) -> None:
    """Whatever was done is found, the rest is done, and nothing is merged twice."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    words = ("integrate", str(home), "demo", "main", "one")
    repos.ended(repos.drive(*words, failpoint=f"{point}:kill"), -signal.SIGKILL)
    repos.assert_sound(home)
    assert git(home, "status", "--porcelain") == ""
    recorded = repos.tip(home, REF)
    answer = repos.ended(repos.drive(*words))
    assert answer.startswith("Merged(" if point == "integrate.merged" else "AlreadyIn(")
    assert recorded in {"", repos.tip(home, "main")}
    assert merges(home) == ["Merge track one: A title"]
    assert (home / "one.txt").read_bytes() == b"1\n"
    assert (home / "ROADMAP.md").read_bytes() == b"- one [DONE]\n- two\n"
    assert git(home, "status", "--porcelain") == ""
    assert repos.tip(home, REF) == repos.tip(home, "refs/orchd/runs/demo/landed") == repos.tip(home, "main")


@pytest.mark.parametrize("strategy", ["squash", "rebase"])
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_no_strategy_half_done(home: Path, point: str, strategy: str) -> None:
    """What came in without being a parent is found as well, and comes in once."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main", message="first")
    tip = repos.grow(home, "one", {"two.txt": b"2\n"}, message="second")
    words = ("replay", str(home), "demo", "main", strategy, "one")
    repos.ended(repos.drive(*words, failpoint=f"{point}:kill"), -signal.SIGKILL)
    repos.assert_sound(home)
    answer = repos.ended(repos.drive(*words))
    assert answer.startswith("Merged(" if point == "integrate.merged" else "AlreadyIn(")
    said = git(home, "log", "--format=%s", "main").splitlines()
    assert said[:-1] == (["A title"] if strategy == "squash" else ["second", "first"])
    assert repos.tip(home, "refs/orchd/runs/demo/branches/one") == tip
    assert repos.tip(home, REF) == repos.tip(home, "refs/orchd/runs/demo/landed") == repos.tip(home, "main")
    assert git(home, "status", "--porcelain") == ""


@pytest.mark.parametrize("point", POINTS)
def test_a_refusal_of_the_machine_at_any_step_is_finished_too(home: Path, point: str) -> None:
    """An error instead of a kill, with the user's own commit before the next call."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    words = ("integrate", str(home), "demo", "main", "one")
    repos.ended(repos.drive(*words, failpoint=f"{point}:error"), 1)
    repos.write(home, {"mine": b"mine"})
    git(home, "add", "mine")
    git(home, "commit", "--quiet", "-m", "mine")
    repos.ended(repos.drive(*words))
    assert merges(home).count("Merge track one: A title") == 1
    assert repos.on_disk(home).keys() >= {"mine", "one.txt"}
    assert git(home, "status", "--porcelain") == ""


@pytest.mark.parametrize("branch", ["main", "elsewhere"])
def test_a_commit_of_the_user_s_in_the_very_middle_is_joined(home: Path, branch: str) -> None:
    """Between the record and the checkout the target goes its own way: the same call joins both."""
    git(home, "checkout", "--quiet", "-B", branch)
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    child = repos.drive("integrate", str(home), "demo", "main", "one", failpoint="integrate.advanced:stop")
    wait_for(lambda: stopped(child.pid))
    mine = repos.grow(home, "main", {"mine": b"mine"})
    if branch == "main":
        git(home, "reset", "--quiet", "--hard")
    child.send_signal(signal.SIGCONT)
    commit = repos.tip(home, REF)
    wait_for(lambda: stopped(child.pid) and repos.tip(home, REF) != commit)
    child.send_signal(signal.SIGCONT)
    assert repos.ended(child).startswith(f"Merged(commit='{commit}', note=''")
    assert repos.parents(home, "main") == [mine, commit]
    assert git(home, "status", "--porcelain") == ""


@pytest.mark.parametrize("lock", ["refs/heads/main.lock", "HEAD.lock"])
def test_a_branch_that_cannot_be_moved_leaves_the_files_alone(home: Path, lock: str) -> None:
    """Git writes the files first: they go back, the user's changes stay, and later it all goes through."""
    repos.grow(home, "one", {"a.txt": None, "one.txt": b"1\n", "src/b.txt": b"one\n"}, base="main")
    repos.write(home, {"mine.txt": b"mine\n", "staged.txt": b"mine\n"})
    git(home, "add", "staged.txt")
    disk, status = repos.on_disk(home), git(home, "status", "--porcelain")
    (home / ".git" / lock).touch()
    answer = repos.ended(repos.drive("integrate", str(home), "demo", "main", "one"))
    assert answer.startswith("Merged(")
    assert "main stays behind" in answer
    assert (repos.on_disk(home), git(home, "status", "--porcelain")) == (disk, status)
    (home / ".git" / lock).unlink()
    assert "note=''" in repos.ended(repos.drive("integrate", str(home), "demo", "main", "one"))
    assert git(home, "status", "--porcelain") == status
    assert (home / "one.txt").exists()


def test_a_branch_that_is_locked_for_a_moment_is_waited_for(home: Path) -> None:
    """Another git may be about to move it."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    lock = home / ".git" / "refs" / "heads" / "main.lock"
    lock.touch()
    child = repos.drive("integrate", str(home), "demo", "main", "one")
    wait_for((home / "one.txt").exists)
    lock.unlink()
    assert "note=''" in repos.ended(child)


def stopped(pid: int) -> bool:
    """Tell whether a process was stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] == "T"


def test_two_processes_take_turns(home: Path) -> None:
    """Each branch is merged once, whoever does it, and every mark is set."""
    names = [f"t{number}" for number in range(6)]
    repos.grow(home, "main", {"ROADMAP.md": "".join(f"- {name}\nfiller\n\n" for name in names).encode()})
    git(home, "reset", "--quiet", "--hard")
    for name in names:
        repos.grow(home, name, {f"{name}.txt": b"x"}, base="main")
    words = ("integrate", str(home), "demo", "main")
    first, second = repos.drive(*words, *names), repos.drive(*words, *reversed(names))
    answers = (repos.ended(first) + repos.ended(second)).splitlines()
    assert sum(answer.startswith("Merged(") for answer in answers) == len(names)
    assert sum(answer.startswith("AlreadyIn(") for answer in answers) == len(names)
    assert merges(home) == [f"Merge track {name}: A title" for name in names]
    assert (home / "ROADMAP.md").read_bytes().count(b"[DONE]") == len(names)
    assert git(home, "status", "--porcelain") == ""


def test_two_runs_take_turns(home: Path) -> None:
    """In one repository at once, whoever drives them: all of both lands, and neither takes the other's for its own."""
    for run in ("left", "right"):
        for number in range(3):
            repos.grow(home, f"{run}-{number}", {f"{run}-{number}.txt": b"x"}, base="main")
    driven = [
        repos.drive("integrate", str(home), run, "main", *(f"{run}-{number}" for number in range(3)))
        for run in ("left", "right")
    ]
    answers = "".join(repos.ended(each) for each in driven).splitlines()
    assert sum(answer.startswith("Merged(") for answer in answers) == 6
    assert all("note=''" in answer for answer in answers)
    assert len(merges(home)) == 6
    landed = [repos.tip(home, f"refs/orchd/runs/{run}/landed") for run in ("left", "right")]
    assert repos.tip(home, "main") in landed
    assert git(home, "status", "--porcelain") == ""


def test_a_process_killed_while_it_merges_holds_up_nobody(home: Path) -> None:
    """The guard goes with the process; the others go on."""
    for name in ("one", "two"):
        repos.grow(home, name, {f"{name}.txt": b"x"}, base="main")
    words = ("integrate", str(home), "demo", "main")
    killed = repos.drive(*words, "one", failpoint="integrate.advanced:stop")
    wait_for(lambda: stopped(killed.pid))
    waiting = repos.drive(*words, "two")
    killed.kill()
    killed.communicate()
    assert repos.ended(waiting).startswith("Merged(")
    assert repos.ended(repos.drive(*words, "one")).startswith("AlreadyIn(")
    assert merges(home) == ["Merge track one: A title", "Merge track two: A title"]
