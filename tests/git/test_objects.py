"""Objects asked of one git that stays: by any name, also those that break lines, and as they are at that moment."""

from pathlib import Path

import pytest

from orchestrator.errors import GitRefused
from orchestrator.git import refs
from orchestrator.git.command import Git
from tests.git.repos import git, make


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A repository with files of odd names and kinds."""
    made = make(tmp_path / "home", {"a.txt": b"a\n"})
    (made / "a\nb").write_bytes(b"broken\n")
    (made / "sub").mkdir()
    (made / "sub" / "run").write_bytes(b"\0x")
    (made / "sub" / "run").chmod(0o755)
    (made / "link").symlink_to("nowhere")
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "--message=odd")
    return made


def test_commits_blobs_and_folders(home: Path) -> None:
    """What is there is told as it is; what is not, or is something else, is None or nothing."""
    with Git(str(home)).conversing() as objects:
        head = git(home, "rev-parse", "HEAD")
        assert [objects.commit(each) for each in ("HEAD", head, "refs/heads/none", "no\nsuch")] == [
            head,
            head,
            None,
            None,
        ]
        assert objects.blob("HEAD:a\nb") == b"broken\n"
        assert objects.blob("HEAD:sub/run") == b"\0x"
        assert objects.blob("HEAD:sub") is None
        found = {name: (entry.mode, entry.kind) for name, entry in objects.entries("HEAD", "").items()}
        assert found[b"a\nb"] == (b"100644", b"blob")
        assert found[b"sub"] == (b"40000", b"tree")
        assert found[b"link"] == (b"120000", b"blob")
        assert objects.entries("HEAD", "sub")[b"run"].mode == b"100755"
        assert objects.entries("HEAD", "nowhere") == {}


def test_what_others_write_meanwhile_is_seen(home: Path) -> None:
    """A branch that moves, one that is packed, and a commit made after the first question."""
    there = Git(str(home))
    with there.conversing() as objects, there.conversing() as same:
        assert same is objects
        before = refs.tip(there, "main")
        git(home, "commit", "--quiet", "--allow-empty", "--message=more")
        git(home, "pack-refs", "--all")
        git(home, "branch", "other")
        after = git(home, "rev-parse", "HEAD")
        assert (before != after, refs.resolve_all(there, "refs/heads/main", "refs/heads/other")) == (True, [after] * 2)
    assert there.objects is None


def test_no_repository(tmp_path: Path) -> None:
    """git ends at once, and that is told when it is asked."""
    with Git(str(tmp_path)).conversing() as objects, pytest.raises(GitRefused, match="ended before"):
        objects.commit("HEAD")
