"""Work in the user's own checkout: only the track's files are committed, kept, or put back; all else is as it was."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.core.run import GitOptions
from orchestrator.errors import GitRefused
from orchestrator.git import integrate, repository, restore, shared
from orchestrator.git.command import Git
from orchestrator.git.integrate import Integration, Merged
from orchestrator.git.own import Own
from tests.git import repos
from tests.git.repos import git

BRANCH = "feat/x"
REF = "refs/orchd/backup/run/track/1"
LINE = GitOptions(strategy="squash")
OWN = Own(("src", "new*.txt"), ("src/left.out",))
ODD = os.fsdecode(b"src/odd \xff\n'\"")


@pytest.fixture
def place(home: Path) -> Path:
    """A checkout in which the user has changed, staged and begun things, and the branch of a track."""
    repos.write(home, {"mine.txt": b"mine\n", "a.txt": b"changed by me\n", "staged.txt": b"staged\n"})
    git(home, "add", "staged.txt")
    (home / "staged.txt").write_text("and changed again\n")
    repo = repository.survey(str(home))
    shared.begin(repo, OWN, BRANCH, repo.head, first=True)
    return home


def seen(place: Path) -> tuple[str, dict[str, bytes]]:
    """Return all that is the user's: what is staged, and the files that are not the track's."""
    files = {name: data for name, data in repos.on_disk(place).items() if not OWN.covers(name)}
    rows = git(place, "ls-files", "--stage", "-z").split("\0")[:-1]
    return "\n".join(row for row in rows if not OWN.covers(row.partition("\t")[2])), files


def work(place: Path) -> None:
    """Do what an agent does."""
    repos.write(place, {"src/b.txt": None, "src/c.txt": b"c\r\n", ODD: b"o", "new1.txt": b"n", "src/left.out": b"l"})
    (place / "src" / "c.txt").chmod(0o755)


def commit(place: Path, status: int = 0, base: str = "", **env: str) -> str:
    """Run the commit phase to its end; return what it says on both streams."""
    paths = {"target": "main", "paths": OWN.paths, "left_out": OWN.left_out}
    facts = {"v": 1, "branch": BRANCH, "base": base or repos.tip(place, "main"), "subject": "Implement X", "what": []}
    path = place / ".git" / "spec.json"
    path.write_text(json.dumps({**facts, **paths, "trailers": {"Orchd-Track": "track", "Orchd-Run": "run"}}))
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "orchestrator.git.commit_shared", str(path)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(repos.TOP), **env},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    return (ended.stdout + ended.stderr).decode()


def take_in(place: Path) -> Merged:
    """Integrate the track."""
    repo = repository.survey(str(place), "main")
    settle = lambda commit: shared.settle(repo, "main", OWN, commit)  # noqa: E731  # as the daemon does
    answer = integrate.integrate(repo, Integration("run", "track", "X", BRANCH, "main", options=LINE, settle=settle))
    assert isinstance(answer, Merged)
    return answer


def hook(place: Path, name: str, text: str) -> None:
    """Give the repository a hook."""
    path = place / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_tracks_files_and_nothing_else(place: Path) -> None:
    """They are committed as they stand, and the branch moves over them; the user's work is where it was."""
    before, head = seen(place), repos.tip(place, "main")
    work(place)
    assert commit(place).strip() == repos.tip(place, BRANCH)
    assert (seen(place)[0], repos.tip(place, "main")) == (before[0], head)
    changed = git(place, "diff-tree", "-r", "-z", "--name-only", "main", BRANCH).split("\0")[:-1]
    assert changed == sorted(["new1.txt", "src/b.txt", "src/c.txt", ODD], key=os.fsencode)
    assert "everything was committed already" in commit(place)
    assert take_in(place).note == ""
    rest = {name: data for name, data in seen(place)[1].items() if name != "src/left.out"}
    assert (seen(place)[0], rest) == before
    status = git(place, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert status == [" M a.txt", "AM staged.txt", "?? mine.txt", "?? src/left.out"]
    assert git(place, "ls-files", "--stage", "src/c.txt").startswith("100755")


def test_an_agent_that_commits_itself(place: Path) -> None:
    """Its commit is on the user's branch already; the track's comes after it, and is told from it."""
    base = repos.tip(place, "main")
    repos.write(place, {"src/c.txt": b"c\n"})
    git(place, "add", "src/c.txt")
    git(place, "commit", "--quiet", "-m", "by itself", "src/c.txt")
    repo = repository.survey(str(place))
    assert shared.commits_of_others(repo, base, "main") == [git(place, "rev-parse", "--short", "main")]
    repos.write(place, {"new1.txt": b"n\n"})
    commit(place, base=base)
    assert take_in(place).note == ""
    assert git(place, "log", "--format=%s", f"{base}..main").splitlines() == ["Implement X", "by itself"]
    assert git(place, "diff", "--name-only", "main^", "main") == "new1.txt"


def test_an_agent_that_stages(place: Path) -> None:
    """What it staged half-way is no obstacle."""
    repos.write(place, {"src/c.txt": b"half\n"})
    git(place, "add", "src/c.txt")
    repos.write(place, {"src/c.txt": b"whole\n"})
    commit(place)
    assert take_in(place).note == ""
    assert repos.show(place, "main", "src/c.txt") == b"whole\n"
    assert "src/c.txt" not in git(place, "status", "--porcelain")


@pytest.mark.parametrize("step", ["commit.staged", "commit.made"])
def test_killed_while_it_commits(place: Path, step: str) -> None:
    """Called again, it goes on; there is one commit."""
    work(place)
    commit(place, -signal.SIGKILL, ORCHD_FAILPOINT=f"{step}:kill")
    before = seen(place)
    commit(place)
    assert git(place, "rev-list", "--count", f"main..{BRANCH}") == "1"
    assert seen(place) == before


def test_the_users_hooks_have_a_say(place: Path) -> None:
    """A veto stops it with the output; what one adds of the track's files comes in, of others it does not."""
    work(place)
    hook(place, "pre-commit", "echo no way; exit 7")
    said = commit(place, 7)
    assert ("no way" in said, "the hook pre-commit says no" in said) == (True, True)
    hook(place, "pre-commit", "echo formatted >> src/c.txt; git add src/c.txt mine.txt")
    hook(place, "commit-msg", 'echo "Checked-by: hook" >> "$1"')
    before = seen(place)
    commit(place)
    assert repos.show(place, BRANCH, "src/c.txt") == b"c\r\nformatted\n"
    assert "mine.txt" not in git(place, "ls-tree", "-r", "--name-only", BRANCH)
    assert git(place, "log", "-1", "--format=%B", BRANCH).rstrip().endswith("Checked-by: hook")
    assert seen(place) == before


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (os.fspath, "changed nothing that is the track's"),
        (
            lambda place: git(place, "symbolic-ref", "HEAD", "refs/heads/feat/x"),
            "the checkout stands on feat/x, not on",
        ),
        (lambda place: git(place, "init", "--quiet", "src/nested"), "not a file that can be committed: src/nested"),
    ],
)
def test_what_cannot_be_committed(place: Path, spoil: object, words: str) -> None:
    """The reason is said, and nothing has changed."""
    assert callable(spoil)
    spoil(place)
    assert words in commit(place, 1)
    git(place, "symbolic-ref", "HEAD", "refs/heads/main")


def test_changes_of_the_user_among_its_files_are_refused(home: Path) -> None:
    """Changed, new, staged or deleted: by name, before anything starts; elsewhere they are nobody's business."""
    repo = repository.survey(str(home))
    repos.write(home, {"a.txt": b"x", "src/left.out": b"x"})
    shared.check(repo, {"track t": OWN})
    for change in ({"src/b.txt": b"x"}, {"src/b.txt": None}, {"new2.txt": b"x"}):
        repos.write(home, change)
        with pytest.raises(GitRefused, match=f"changes of your own in what track t would commit: {next(iter(change))}"):
            shared.check(repo, {"track t": OWN})
        git(home, "checkout", "--quiet", "src/b.txt")
    git(home, "add", "new2.txt")
    (home / "new2.txt").unlink()
    with pytest.raises(GitRefused, match=r"new2\.txt"):
        shared.begin(repo, OWN, BRANCH, repo.head, first=True)
    git(home, "rm", "--cached", "--quiet", "new2.txt")


def test_kept_and_put_back(place: Path) -> None:
    """What is not merged is in the backup, byte for byte, and the checkout is as it was, with the user's changes."""
    before = seen(place)
    work(place)
    git(place, "add", "src/c.txt")
    (place / "src" / "left.out").unlink()
    repos.write(place, {"src/deep/er/file": b"d"})
    was = {name: data for name, data in repos.on_disk(place).items() if OWN.covers(name)}
    repo = repository.survey(str(place))
    kept = shared.keep(repo, OWN, REF)
    assert shared.put_back(repo, OWN) == ""
    assert (seen(place), shared.keep(repo, OWN, REF)) == (before, kept)
    assert git(place, "status", "--porcelain").splitlines() == [" M a.txt", "AM staged.txt", "?? mine.txt"]
    assert not (place / "src" / "deep").exists()
    back = place.parent / "back"
    restore.to_folder(Git(str(place)), restore.backups(Git(str(place)))[0], str(back))
    there = {name: data for name, data in repos.on_disk(back).items() if OWN.covers(name)}
    assert there == was
    assert "mine.txt" not in repos.on_disk(back)


def test_a_repository_within_stays(place: Path) -> None:
    """Its history cannot be kept, so it is not taken out."""
    repos.make(place / "src" / "nested", {"f": b"x"})
    repo = repository.survey(str(place))
    shared.keep(repo, OWN, REF)
    assert shared.put_back(repo, OWN) == "what cannot be backed up as files stands in src/nested"
    assert (place / "src" / "nested" / "f").exists()


def test_what_is_nobodys(place: Path) -> None:
    """Files that changed and that no track declares are named, but not those that the user had changed before."""
    repo = repository.survey(str(place))
    before = ["a.txt", "mine.txt", "staged.txt"]
    repos.write(place, {"stray.txt": b"s", "src/c.txt": b"c"})
    assert shared.stray(repo, [OWN], before) == ["stray.txt"]
    assert shared.sentence([]) == ""
    assert shared.sentence(["stray.txt"]).endswith(": stray.txt")


def test_a_file_where_a_folder_was(place: Path) -> None:
    """And the other way round: both are put back, and both are in the backup."""
    before = seen(place)
    repos.write(place, {"src/b.txt": None, "src/b.txt/inner": b"i", "new1.txt": b"n"})
    (place / "new1.txt").unlink()
    repos.write(place, {"new1.txt/deep": b"d"})
    repo = repository.survey(str(place))
    kept = shared.keep(repo, OWN, REF)
    assert kept is not None
    assert shared.put_back(repo, OWN) == ""
    assert (seen(place), (place / "src" / "b.txt").is_file(), (place / "new1.txt").exists()) == (before, True, False)
    names = git(place, "ls-tree", "-r", "--name-only", kept).splitlines()
    assert {"src/b.txt/inner", "new1.txt/deep"} <= set(names)


def test_a_folder_that_became_a_file_is_merged(place: Path) -> None:
    """Git would take the file for in the way of its own merge; it is what the merge makes."""
    repos.write(place, {"src/b.txt": None})
    (place / "src").rmdir()
    (place / "src").write_text("a file now\n")
    before = seen(place)
    commit(place)
    assert take_in(place).note == ""
    assert (seen(place), repos.show(place, "main", "src")) == (before, b"a file now\n")
    assert git(place, "status", "--porcelain").splitlines() == [" M a.txt", "AM staged.txt", "?? mine.txt"]
