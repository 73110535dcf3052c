"""Repositories out of the ordinary, through ``orchd run``: each works, or is refused before anything starts."""

from pathlib import Path

import pytest

from tests.projects import SETTINGS, Site, git, names, roadmap, script, writes

ONE, TWO = names(2)


def test_all_of_it_at_once(tmp_path: Path) -> None:
    """A linked, locked, sparse worktree of a shallow clone as the root, with a sub-module, pointers and new files."""
    site = Site(tmp_path, roadmap("One"), {}, remote=False)
    inner = tmp_path / "inner"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(inner))
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    git(inner, *identity, "commit", "--quiet", "--allow-empty", "--message=inner")
    allow = ("-c", "protocol.file.allow=always")
    site.git(*allow, "submodule", "--quiet", "add", str(inner), "sub")
    site.write(".gitattributes", "*.bin filter=lfs\n")
    site.write("big.bin", "version https://git-lfs.github.com/spec/v1\n")
    site.write("out/side.txt", "not checked out\n")
    site.write(f"agents/{ONE}.toml", script('run = ["git", "-C", "sub", "log", "-1"]', writes("one.txt")))
    site.git("add", "--all")
    site.git("commit", "--quiet", "--message=odd")
    clone, root = tmp_path / "clone", tmp_path / "root"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{site.root}", str(clone))
    git(clone, "worktree", "add", "--quiet", "-b", "work", str(root))
    git(clone, "worktree", "lock", "--reason=mine", str(root))
    git(root, "sparse-checkout", "set", "agents")
    git(root, *allow, "submodule", "--quiet", "update", "--init")
    (root / "one-more.txt").write_text("mine\n")
    inner.rename(tmp_path / "inner.gone")
    ended = site("run", "ROADMAP.md", "--no-push", "--root", str(root), cwd=root)
    assert ended.status == 0, ended.err
    assert "1 file in your checkout is changed or new and not committed" in ended.err
    assert git(root, "log", "--no-merges", "-1", "--format=%s") == "Implement One - Group A, Track 1"
    assert git(root, "status", "--porcelain") == "?? one-more.txt"
    assert ((root / "out").exists(), (root / "one.txt").read_text()) == (False, "made\n")
    assert list((root / "worktrees").iterdir()) == []
    assert len(git(clone, "worktree", "list").splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["config", "filter.lfs.required", "true"], "big.bin goes through the filter lfs", "filter.lfs.required false"),
        (["switch", "--quiet", "--orphan", "empty"], "has no commit yet", "git commit"),
    ],
)
def test_what_cannot_be_worked_on(tmp_path: Path, words: list[str], said: str, hint: str) -> None:
    """One clear line, the next step, and not a trace of a run."""
    site = Site(tmp_path, roadmap("One"), {ONE: script(writes("one.txt"))}, remote=False)
    site.write(".gitattributes", "*.bin filter=lfs\n")
    site.write("big.bin", "pointer\n")
    site.git("add", "--all")
    site.git("commit", "--quiet", "--message=pointer")
    site.git("config", "filter.lfs.smudge", "git-lfs-is-not-there smudge -- %f")
    (tmp_path / "ROADMAP.md").write_text(roadmap("One"))
    (tmp_path / "agents").mkdir()
    site.git(*words)
    if not (site.root / "orchestrator.toml").exists():
        site.write("orchestrator.toml", SETTINGS)
        site.write(f"agents/{ONE}.toml", "")
    ended = site("run", str(tmp_path / "ROADMAP.md"))
    assert (ended.status, ended.out) == (9, "")
    assert said in ended.err
    assert hint in ended.err
    assert not (site.root / "runtime" / "parallel").exists()
