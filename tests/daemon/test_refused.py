"""Work that passed and is not merged: a check that fails, and conflicts that an agent resolves, in real runs."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

from orchestrator.core.run import GitOptions, Outcome
from orchestrator.state import refusals
from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import environment, running
from tests.projects import script, waits_for, writes

CHECK = ("sh", "-c", "echo looked >> ../looked; if [ -e bad.txt ]; then echo bad.txt is bad; exit 3; fi")
MENDS = 'run = ["sh", "-c", "if [ -e bad.txt ]; then rm bad.txt; echo good > good.txt; else echo > bad.txt; fi"]'
RESOLVES = """
[[resolve]]
run = ["sh", "-c", "set -x; head=$(git rev-parse main); git merge --no-commit $head; echo both > shared.txt; git add ."]
"""


def site_of(folder: Path, scripts: list[str], git: GitOptions, **options: object) -> Accepted:
    """Return a project with a run that retries at once."""
    return Accepted(folder, scripts, {"retry_delay_seconds": 0.01, "attempts": 2, "git": git, **options}, remote=False)


def prompt(site: Accepted, number: int, phase: str) -> str:
    """Return the last prompt that an agent was given in a phase."""
    return Path(site.paths.prompt(f"agent-{number}", phase)).read_text(encoding="utf-8")


def test_a_merge_that_the_check_refuses_never_lands_and_is_mended(tmp_path: Path) -> None:
    """The track goes back with the output, the queue goes on, and nothing is left of the checking."""
    site = site_of(tmp_path, [script(MENDS), makes(2)], GitOptions(check=CHECK))
    with running(site.root):
        site.wait_for_end()
    assert site.outcomes() == ["merged", "merged"]
    assert site.git("log", "--format=%s", "--", "bad.txt", "good.txt").splitlines()[0].startswith("Implement T1")
    for commit in site.git("rev-list", "--first-parent", "main").splitlines():
        assert "bad.txt" not in site.git("ls-tree", "--name-only", commit).splitlines()
    said = "TEST_FAILURE: the check of the merge, `sh -c"
    assert [each["error"][: len(said)] for each in site.events("track.refused")] == [said]
    told = prompt(site, 1, "work")
    assert "ended with status 3: bad.txt is bad" in told
    assert "This is attempt 2." in told
    assert (Path(site.paths.private) / "looked").read_text().count("looked") == 3
    assert not (Path(site.paths.private) / "check").exists()
    assert len(site.git("worktree", "list").splitlines()) == 1
    assert not any("a bug" in line for line in Path(site.layout.daemon_log).read_text().splitlines())
    site.is_sound()


def test_what_the_check_never_lets_pass_has_failed(tmp_path: Path) -> None:
    """Its work is kept, the report has the reason."""
    site = site_of(tmp_path, [script(writes("bad.txt"))], GitOptions(check=CHECK), attempts=1)
    with running(site.root):
        site.wait_for_end()
    outcome = site.outcome(1)
    assert outcome is not None
    assert (outcome.ended, outcome.error.partition(":")[0]) == ("failed", "TEST_FAILURE")
    assert "branch feat/t1" in outcome.kept
    assert site.git("rev-list", "--count", "main") == "1"
    assert site.git("show", "feat/t1:bad.txt") == "made"


def test_a_kill_around_the_check_changes_nothing(tmp_path: Path) -> None:
    """Before the merge is on record, and after the refusal is: the next daemon goes on from there."""
    site = site_of(tmp_path, [script(MENDS)], GitOptions(check=CHECK))
    for point in ("integrate.checked", "run.refusal_written"):
        with running(site.root, environment(ORCHD_FAILPOINT=f"{point}:kill")) as daemon:
            assert daemon.process.wait(30) == -signal.SIGKILL
        assert site.git("rev-list", "--count", "main") == "1"
    with running(site.root):
        site.wait_for_end()
    assert site.outcomes() == ["merged"]
    assert len(refusals.known(site.paths, "agent-1", site.tracks[0]).refusals) == 1
    assert json.loads(Path(site.paths.job("agent-1")).read_bytes())["attempt"] == 2
    site.is_sound()


def test_a_check_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """After its time it counts as failed."""
    check = ("sh", "-c", "sleep 60 & sleep 60")
    site = site_of(tmp_path, [makes(1)], GitOptions(check=check, check_timeout_seconds=0.3), attempts=1)
    with running(site.root):
        site.wait_for_end()
    outcome = site.outcome(1)
    assert outcome is not None
    assert outcome.error.startswith("TEST_TIMEOUT: ")
    site.is_sound()


def conflicting(folder: Path, second: str, **options: object) -> tuple[Accepted, Outcome]:
    """Run two tracks that change one line, the second of which does ``second`` then; return its outcome."""
    first, gate = script('append = "shared.txt"\ntext = "one\\n"'), folder / "gate"
    text = script('append = "shared.txt"\ntext = "two\\n"', waits_for(gate)) + second
    site = site_of(folder, [first, text], GitOptions(resolve=True), attempts=1, **options)
    with running(site.root):
        site.wait_for_merge("T1")
        gate.touch()
        site.wait_for_end()
    outcome = site.outcome(2)
    assert outcome is not None
    return site, outcome


def test_a_conflict_is_resolved_by_the_agent_in_its_worktree(tmp_path: Path) -> None:
    """It gets one more attempt, and is told which files and which tracks are on the other side."""
    site, outcome = conflicting(tmp_path, RESOLVES)
    assert (outcome.ended, outcome.attempt) == ("merged", 2)
    assert site.git("show", "main:shared.txt") == "both"
    told = prompt(site, 2, "resolve")
    assert "> in conflict: shared.txt" in told
    assert f"> merged before: feat/t1 ({site.tracks[0]}: T1)" in told
    assert "`git merge --no-commit" in told
    site.is_sound()


def test_a_conflict_that_stays_is_reported_with_both_sides(tmp_path: Path) -> None:
    """Once is tried, whether the agent gives up or ends well without having resolved anything."""
    site, outcome = conflicting(tmp_path / "a", "[[resolve]]\nfail = 1\n")
    assert outcome.ended == "conflict"
    assert outcome.files == ("shared.txt",)
    assert outcome.error.startswith("FILE_CONFLICT: shared.txt with feat/t1; its conflict was not resolved: ")
    assert "branch feat/t2" in outcome.kept
    site, outcome = conflicting(tmp_path / "b", '[[resolve]]\nprint = "nothing"\n')
    assert (outcome.ended, outcome.attempt, outcome.files) == ("conflict", 2, ("shared.txt",))
    assert site.metrics()["conflicts"] == 1 if "conflicts" in site.metrics() else True
    assert os.path.isdir(replace(site.record.tracks[1]).worktree)
