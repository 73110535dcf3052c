"""``[git] worktrees``: where tracks get their working trees."""

from pathlib import Path

import pytest

from orchestrator import settings
from orchestrator.errors import BadSettings
from orchestrator.state import results
from orchestrator.state.layout import Layout
from tests.projects import SETTINGS, Site, names, roadmap, script, writes

ONE, TWO = names(2)
FAILS = script(writes("half.txt"), "fail = 3")


@pytest.mark.parametrize("place", ["build/wt [x]", "outside"])
def test_worktrees_are_made_where_the_settings_say(tmp_path: Path, place: str) -> None:
    """There alone; the checkout stays clean without a change to .gitignore, and `orchd clean` finds what is left."""
    folder = str(tmp_path / place) if place == "outside" else place
    scripts = {ONE: script(writes("one.txt")), TWO: FAILS}
    chosen = f"{SETTINGS}\n[git]\nworktrees = '{folder}'\n"
    site = Site(tmp_path, roadmap("One", "Two"), scripts, settings=chosen, remote=False)
    ended = site("run", "ROADMAP.md", "--json")
    assert {each["track"]: each["outcome"] for each in ended.document["tracks"]} == {ONE: "merged", TWO: "failed"}
    left = site.root / folder / "agent-2"
    assert [each.worktree for each in results.read_run(Layout(str(site.root)).run("roadmap")).tracks][1] == str(left)
    assert (left / "half.txt").read_text() == "made\n"
    assert (sorted(each.name for each in left.parent.iterdir()), site.git("status", "--short")) == (["agent-2"], "")
    assert not (site.root / "worktrees").exists()
    if place == "outside":
        assert f"{left} belongs to no run" in site("doctor").out
    stranger = left.parent / "mine"
    stranger.mkdir()
    assert site("clean", "--yes").status == 0
    assert (left.exists(), stranger.exists()) == (False, place == "outside")


@pytest.mark.parametrize(
    "folder", ["", ".", "a/../b", "~/wt", "runtime/x", ".git/wt", "/", "a\\nb", ".orchestrator_locks"]
)
def test_folders_that_cannot_be_meant(tmp_path: Path, folder: str) -> None:
    """They are refused where the settings are read."""
    (tmp_path / "orchestrator.toml").write_text(f'[git]\nworktrees = "{folder}"\n')
    with pytest.raises(BadSettings, match="worktrees"):
        settings.load(str(tmp_path), {})


def test_a_folder_with_tracked_files_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """One clear line, the next step, and no trace of a run."""
    site = Site(tmp_path, roadmap("One"), {ONE: ""}, settings=f"{SETTINGS}\n[git]\nworktrees = 'agents/'\n")
    ended = site("run", "ROADMAP.md")
    assert (ended.status, "git has files of yours in it" in ended.err) == (9, True)
    assert "[git] worktrees" in ended.err
    assert not (site.root / "runtime" / "parallel").exists()
