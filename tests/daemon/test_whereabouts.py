"""Where a track's committed work stands, whatever its agent did to the branches."""

import shutil
from pathlib import Path

import pytest

from orchestrator.core.actions import EndTrack
from orchestrator.daemon import perform
from tests.cli.over import Over
from tests.daemon.seen import RUN
from tests.projects import git

OWN = "the track's own branch feat/t1 is "


def told(site: Over) -> tuple[str, str]:
    """End the track; return what its outcome says of its work, and what holds that."""
    said = perform.end_track(site.layout, site.record, EndTrack(RUN, "agent-1", "failed", "TEST_FAILURE: red", 1))
    assert said == site.outcome(1)
    return said.kept, said.kept_on


@pytest.mark.parametrize("gone", [True, False])
def test_a_branch_of_the_agent_s_own(tmp_path: Path, *, gone: bool) -> None:
    """It is named, and so is what became of the track's branch."""
    site = Over(tmp_path, 1)
    place = site.begin(1)
    git(place, "checkout", "--quiet", "-b", "rogue")
    if gone:
        git(place, "branch", "--quiet", "-D", "feat/t1")
    said, holds = told(site)
    became = "gone" if gone else "left as it was"
    assert said.startswith(f"worktree worktrees/t1, branch rogue; {OWN}{became}; uncommitted")
    assert holds == "rogue"


def test_no_branch(tmp_path: Path) -> None:
    """Then it is the commit."""
    site = Over(tmp_path, 1)
    place = site.begin(1)
    commit = git(place, "rev-parse", "HEAD")
    git(place, "checkout", "--quiet", "--detach")
    said, holds = told(site)
    assert said.startswith(f"worktree worktrees/t1, on no branch, at commit {commit}; {OWN}left as it was")
    assert holds == commit


def test_the_track_s_branch(tmp_path: Path) -> None:
    """As it should be; with the branch deleted below the worktree, and with the worktree removed."""
    site = Over(tmp_path, 1)
    place = site.begin(1)
    said, holds = told(site)
    assert (said.startswith("worktree worktrees/t1, branch feat/t1; uncommitted"), holds) == (True, "feat/t1")
    Path(site.paths.outcome("agent-1")).unlink()
    shutil.rmtree(place)
    said, holds = told(site)
    assert (said.startswith("branch feat/t1; its worktree is gone"), holds) == (True, "feat/t1")
    Path(site.paths.outcome("agent-1")).unlink()
    site.git("update-ref", "-d", "refs/heads/feat/t1")
    assert told(site)[1] == ""


def test_a_branch_deleted_under_its_worktree(tmp_path: Path) -> None:
    """Nothing holds what was committed but the backup."""
    site = Over(tmp_path, 1)
    site.begin(1)
    site.git("update-ref", "-d", "refs/heads/feat/t1")
    said, holds = told(site)
    assert (said.startswith("worktree worktrees/t1; its branch feat/t1 is gone"), holds) == (True, "")
