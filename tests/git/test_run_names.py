"""Names of runs, where several roots share a repository."""

import shutil
from pathlib import Path

from orchestrator.git import repository, run_names
from orchestrator.state.layout import Layout
from tests.git.repos import git


def test_a_name_is_another_roots_as_long_as_it_has_that_run(home: Path, tmp_path: Path) -> None:
    """It is seen from every worktree; a root that was removed, or its run, has none any more."""
    other = tmp_path / "other"
    git(home, "worktree", "add", "--quiet", "-b", "release", str(other))
    run = Path(Layout(str(other)).run("demo").folder)
    run.mkdir(parents=True)
    here, there = repository.survey(str(home), "main"), repository.survey(str(other), "release")
    assert not run_names.is_anothers(here, "demo", str(home))
    run_names.take(there, "demo", str(other))
    assert run_names.is_anothers(here, "demo", str(home))
    assert not run_names.is_anothers(there, "demo", str(other))
    shutil.rmtree(run)
    assert not run_names.is_anothers(here, "demo", str(home))
