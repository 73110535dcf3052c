"""Two roots in one repository: the checkout, and a worktree of the user's."""

from pathlib import Path

from tests.cli.orchd import Orchd
from tests.projects import Site, git, names, roadmap, script, writes

(ONE,) = names(1)


def test_runs_of_the_same_source_do_not_take_in_each_other_s_work(tmp_path: Path) -> None:
    """What one root has merged and its branch does not hold yet is none of the other branch's."""
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("one.txt"))}, remote=False)
    other = tmp_path / "other"
    site.git("worktree", "add", "--quiet", "-b", "release", str(other))
    (site.root / "one.txt").write_text("mine\n")
    assert "main stays behind" in site("run", "ROADMAP.md").out
    (other / "agents" / f"{ONE}.toml").write_text(script(writes("two.txt")))
    git(other, "commit", "--quiet", "--all", "--message=two")
    ended = Orchd(other)("run", "ROADMAP.md", "--json")
    assert (ended.status, ended.document["run"]) == (0, "roadmap-2")
    assert (other / "two.txt").exists()
    assert not (other / "one.txt").exists()
    assert site.git("for-each-ref", "--format=%(refname)", "refs/orchd/runs/roadmap/") == (
        "refs/orchd/runs/roadmap/integrated"
    )
