"""Which way out of a track keeps what: on each, all that no branch holds is backed up before anything goes.

| way | what becomes of the worktree | backup |
|---|---|---|
| failure, cancel, quarantine | stays | of that attempt |
| conflict | stays | of that attempt |
| merged, with something left in the worktree | goes | of that attempt |
| merged before a crash, and found so afterwards | goes | of that attempt |
| merged, and written to after the backup | stays | what came later is in the worktree |
| another attempt | used again | of the attempt before |
| the first attempt of a later run, in the same worktree | used again | as attempt 0 |
| its folder deleted by hand | is forgotten | what was staged |
| the end without any attempt | stays with work in it | none is needed |
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.actions import EndTrack, Integrate, StartWorker, Unmerged
from orchestrator.core.run import Outcome
from orchestrator.daemon import perform
from orchestrator.errors import GitRefused
from orchestrator.git import integrate, repository, restore, worktree
from orchestrator.git.command import Git
from orchestrator.git.integrate import Integration
from tests.cli.over import Over
from tests.daemon.seen import RUN
from tests.projects import git

AGENT = "agent-1"


def ends(how: Unmerged) -> Callable[[Over], Outcome]:
    """Return what ends the first track in that way."""
    return lambda site: perform.end_track(site.layout, site.record, EndTrack(RUN, AGENT, how, "TIMEOUT: x", 1))


def merges(site: Over) -> Outcome:
    """Merge the first track."""
    said = perform.merge_track(site.layout, site.record, Integrate(RUN, AGENT, attempt=1, fence=0))
    if isinstance(said, perform.TakenIn):
        return perform.wind_up(site.layout, site.record, said)
    assert isinstance(said, Outcome)
    return said


def conflicts(site: Over) -> Outcome:
    """Merge it after somebody else wrote the same file."""
    site.write("half.txt", "other\n")
    site.git("add", "half.txt")
    site.git("commit", "--quiet", "--message=other")
    return merges(site)


def crashes(site: Over) -> Outcome:
    """Merge it, forget that, and find it merged."""
    request = Integration(RUN, site.tracks[0], "T1", "feat/t1", "main")
    integrate.integrate(repository.survey(str(site.root), "main"), request)
    return ends("failed")(site)


def starts(site: Over, attempt: int) -> None:
    """Start an attempt that comes no further than its worktree, which stands on another branch."""
    git(Path(site.record.tracks[0].worktree), "checkout", "--quiet", "-b", "elsewhere")
    with pytest.raises(GitRefused, match="stands on elsewhere"):
        perform.make_ready(site.layout, site.record, StartWorker(RUN, AGENT, attempt))


def kept(site: Over) -> dict[str, dict[str, bytes]]:
    """Return what is backed up, by attempt: every file that is in no commit."""
    there = Git(str(site.root))
    found = {}
    for one in restore.backups(there, RUN, site.tracks[0]):
        folder = site.root.parent / f"back-{one.attempt}"
        restore.to_folder(there, one, str(folder))
        found[one.attempt] = {
            each.name: each.read_bytes() for each in folder.iterdir() if each.name in {"rest.txt", "x.log", "new.txt"}
        }
    return found


@pytest.mark.parametrize(
    ("way", "ended", "stays"),
    [
        (ends("failed"), "failed", True),
        (ends("cancelled"), "cancelled", True),
        (ends("quarantined"), "quarantined", True),
        (conflicts, "conflict", True),
        (merges, "merged", False),
        (crashes, "merged", False),
    ],
)
@pytest.mark.parametrize("ignored", [False, True])
def test_each_ending(tmp_path: Path, way: Callable[[Over], Outcome], ended: str, *, stays: bool, ignored: bool) -> None:
    """What is untracked is kept, and what is ignored where that is asked for; the outcome names the way back."""
    site = Over(tmp_path, 1)
    options = replace(site.record.options, git=replace(site.record.options.git, keep_ignored=ignored))
    site.record = replace(site.record, options=options)
    with (site.root / ".git" / "info" / "exclude").open("a") as file:
        file.write("*.log\n")
    place = site.begin(1)
    (place / "x.log").write_bytes(b"\xff\r\n")
    said = way(site)
    assert said.ended == ended
    assert f"orchd restore {RUN} {site.tracks[0]} --attempt 1" in said.kept + said.note
    assert place.exists() == stays
    assert kept(site) == {"1": {"rest.txt": b"rest\n", **({"x.log": b"\xff\r\n"} if ignored else {})}}
    assert git(site.root, "fsck", "--strict", "--no-dangling") == ""


@pytest.mark.parametrize("attempt", [1, 2])
def test_another_attempt(tmp_path: Path, attempt: int) -> None:
    """What the one before left, or a former run, is kept before anybody goes on in it."""
    site = Over(tmp_path, 1)
    site.begin(1)
    starts(site, attempt)
    assert kept(site) == {str(attempt - 1): {"rest.txt": b"rest\n"}}


def test_what_is_written_after_the_backup(tmp_path: Path) -> None:
    """It is in no backup, so the worktree stays, also where the branch is merged."""
    site = Over(tmp_path, 1)
    place = site.begin(1)
    ends("failed")(site)
    (place / "new.txt").write_text("new\n")
    site.git("merge", "--quiet", "feat/t1")
    assert "kept nowhere: new.txt" in worktree.forget(repository.survey(str(site.root)), str(place), "feat/t1")
    assert (place / "new.txt").read_text() == "new\n"
    assert kept(site) == {"1": {"rest.txt": b"rest\n"}}


def test_a_folder_that_was_deleted(tmp_path: Path) -> None:
    """What was staged in it is kept."""
    site = Over(tmp_path, 1)
    place = site.begin(1)
    git(place, "add", "rest.txt")
    shutil.rmtree(place)
    assert "orchd restore" in ends("failed")(site).kept
    assert kept(site) == {"1": {"rest.txt": b"rest\n"}}


def test_an_end_without_an_attempt(tmp_path: Path) -> None:
    """Nothing was done in this run: what stands in the worktree stays there."""
    site = Over(tmp_path, 1)
    place = site.begin(1)
    perform.end_track(site.layout, site.record, EndTrack(RUN, AGENT, "cancelled", "UNKNOWN: x", 0))
    assert (place / "rest.txt").read_text() == "rest\n"
