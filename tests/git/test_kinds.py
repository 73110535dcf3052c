"""One track from beginning to end, in repositories of every kind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from orchestrator.git import integrate, repository, worktree
from orchestrator.git.integrate import Integration, Merged
from orchestrator.git.publish import Published, publish
from tests.git import repos
from tests.git.repos import git

FILES: Final = {"a.txt": b"a\nb\nc\n", "ROADMAP.md": b"- one\n", "d/x": b""}


def plain(folder: Path) -> Path:
    """Nothing special."""
    return repos.make(folder / "plain", FILES)


def odd_path(folder: Path) -> Path:
    """A path that a shell would stumble over, and that is no text."""
    return repos.make(folder / os.fsdecode(b'it\'s "a" $(b)\n;c\xff'), FILES)


def sha256(folder: Path) -> Path:
    """Longer names of objects."""
    git(folder, "init", "--quiet", "--object-format=sha256", "sha256")
    return repos.make(folder / "sha256", FILES)


def shallow(folder: Path) -> Path:
    """A clone without history."""
    origin = plain(folder)
    for number in range(3):
        repos.grow(origin, "main", {"n": b"%d" % number})
    git(folder, "clone", "--quiet", "--bare", str(origin), "remote.git")
    git(folder, "clone", "--quiet", "--depth=1", f"file://{folder}/remote.git", "shallow")
    return folder / "shallow"


def submodule(folder: Path) -> Path:
    """A submodule that is not checked out."""
    inner = repos.make(folder / "inner", {"x": b""})
    outer = plain(folder)
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    git(outer, "commit", "--quiet", "-m", "sub")
    git(outer, "submodule", "--quiet", "deinit", "--force", "sub")
    return outer


def crlf(folder: Path) -> Path:
    """Line ends as on Windows, in the checkout only."""
    made = plain(folder)
    git(made, "config", "core.autocrlf", "true")
    (made / "a.txt").unlink()
    git(made, "checkout", "--quiet", "a.txt")
    return made


def apart(folder: Path) -> Path:
    """Git's own folder somewhere else."""
    git(folder, "init", "--quiet", "--separate-git-dir", str(folder / "apart.git"), "apart")
    return repos.make(folder / "apart", FILES)


def linked(folder: Path) -> Path:
    """The user works in a linked worktree of a bare repository."""
    git(folder, "clone", "--quiet", "--bare", str(plain(folder)), "bare")
    git(folder / "bare", "remote", "remove", "origin")
    git(folder / "bare", "worktree", "add", "--quiet", str(folder / "linked"), "main")
    return folder / "linked"


def locked(folder: Path) -> Path:
    """The user works in a linked worktree that is locked."""
    git(plain(folder), "worktree", "add", "--quiet", str(folder / "locked"), "-b", "work")
    git(folder / "plain", "worktree", "lock", "--reason=mine", str(folder / "locked"))
    git(folder / "plain", "switch", "--quiet", "--detach")
    git(folder / "locked", "switch", "--quiet", "main")
    return folder / "locked"


def sparse(folder: Path) -> Path:
    """Only some folders are checked out."""
    made = plain(folder)
    repos.write(made, {"out/side": b"o"})
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "-m", "more")
    git(made, "sparse-checkout", "set", "d", "new")
    return made


def sparse_patterns(folder: Path) -> Path:
    """The same, by patterns."""
    made = sparse(folder)
    git(made, "sparse-checkout", "set", "--no-cone", "/*", "!/out")
    return made


def packed(folder: Path) -> Path:
    """All refs and objects packed, hooks in a folder of the user's own, and settings that get in the way."""
    made = plain(folder)
    (folder / "hooks").mkdir()
    settings = {
        "core.hooksPath": str(folder / "hooks"),
        "merge.ff": "false",
        "branch.main.mergeOptions": "--no-ff --no-commit",
        "commit.cleanup": "scissors",
        "commit.verbose": "true",
        "diff.noprefix": "true",
        "status.short": "true",
        "core.quotePath": "true",
        "push.followTags": "true",
        "color.ui": "always",
        "column.ui": "always",
        "log.showSignature": "true",
    }
    for name, value in settings.items():
        git(made, "config", name, value)
    git(made, "gc", "--quiet")
    git(made, "pack-refs", "--all")
    return made


def through_link(folder: Path) -> Path:
    """Reached over a symbolic link."""
    (folder / "link").symlink_to(plain(folder))
    return folder / "link"


KINDS: Final = (
    plain,
    odd_path,
    sha256,
    shallow,
    submodule,
    crlf,
    apart,
    linked,
    locked,
    sparse,
    sparse_patterns,
    packed,
    through_link,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_track_from_beginning_to_end(tmp_path: Path, kind: Callable[[Path], Path]) -> None:
    """Worktree, commit phase, merge with its mark, push, and nothing left behind."""
    home = kind(tmp_path)
    if not git(home, "remote"):
        form = git(home, "rev-parse", "--show-object-format")
        git(tmp_path, "init", "--quiet", "--bare", f"--object-format={form}", "remote.git")
        git(home, "remote", "add", "origin", str(tmp_path / "remote.git"))
    repo = repository.survey(str(home))
    repository.exclude(repo, ["/worktrees/"])
    place = Path(repo.top, "worktrees", "agent-1")
    worktree.add(repo, str(place), "feat/x", integrate.tip(repo, "demo", "main"))
    assert (place / "out").exists() == (home / "out").exists()
    repos.write(place, {"new \u00e4\n": b"1\r\n2\n", "a.txt": (place / "a.txt").read_bytes() + b"more\n", "d/x": None})
    commit_phase(place, repo.head)
    answer = integrate.integrate(
        repo,
        Integration(
            "demo", "one", "One", "feat/x", "main", "ROADMAP.md", lambda data: data.replace(b"- one", b"- one [DONE]")
        ),
    )
    assert answer == Merged(repos.tip(home, "main"))
    assert git(home, "status", "--porcelain") == ""
    assert (home / "ROADMAP.md").read_bytes().startswith(b"- one [DONE]")
    assert not (home / "d").exists()
    assert publish(repo, "demo") == Published(answer.commit, already=False)
    assert worktree.forget(repo, str(place), "feat/x") == ""
    assert not place.exists()
    repos.assert_sound(home)


def test_what_is_written_outside_of_a_sparse_checkout_is_committed(tmp_path: Path) -> None:
    """It is the track's work, wherever it stands; what is not checked out stays as it is."""
    home = sparse(tmp_path)
    repo = repository.survey(str(home))
    repository.exclude(repo, ["/worktrees/"])
    place = Path(repo.top, "worktrees", "agent-1")
    worktree.add(repo, str(place), "feat/x", repo.head)
    repos.write(place, {"out/new": b"n"})
    commit_phase(place, repo.head)
    assert git(home, "diff", "--name-only", "main", "feat/x") == "out/new"


def commit_phase(place: Path, base: str) -> None:
    """Run the commit phase in a worktree."""
    spec = {"v": 1, "branch": "feat/x", "base": base, "subject": "One", "what": [], "trailers": {"Orchd-Run": "demo"}}
    path = place.parent / "spec.json"
    path.write_text(json.dumps(spec), encoding="ascii")
    argv = [sys.executable, "-P", "-m", "orchestrator.git.commit", str(path)]
    subprocess.run(
        argv, cwd=place, env={**os.environ, "PYTHONPATH": str(repos.TOP)}, check=True, capture_output=True, timeout=60
    )
