"""The validators as they run: a program of its own, in a working tree of a real repository."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.core.text import visible
from orchestrator.errors import Unreadable
from orchestrator.validators.spec import Kind, Spec, decode, encode
from tests.house.sources import TOP
from tests.projects import git

OLD = 1_600_000_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with some old files."""
    folder = tmp_path / "tree"
    for name, text in (("a.txt", "a\n"), ("docs/old.md", "old\n"), (".gitignore", "*.out\n")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (OLD, OLD))
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(folder))
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "start")
    return folder


def look(place: Path, kind: Kind, *paths: str, since: float | None = None) -> tuple[int, list[str]]:
    """Run the program; return its status and the lines that it says."""
    path = place.parent / "spec.json"
    path.write_bytes(encode(Spec(kind, git(place, "rev-parse", "HEAD"), paths, since)))
    return run(place, str(path))


def run(place: Path, *words: str) -> tuple[int, list[str]]:
    """Run the program with these words."""
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "orchestrator.validators", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(TOP)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    lines = (ended.stdout + ended.stderr).decode().splitlines()
    assert all(visible(each, 10_000) == each for each in lines)
    return ended.returncode, lines


def test_artifacts_that_are_there(place: Path) -> None:
    """New or changed, not empty: by name, by glob, by folder, ignored by git or not, through a link inside."""
    (place / "docs" / "new.md").write_text("new\n")
    (place / "a.txt").write_text("other\n")
    os.utime(place / "a.txt", (OLD, OLD))
    (place / "build.out").write_text("built\n")
    (place / "link.md").symlink_to("docs/new.md")
    wanted = ("docs/new.md", "docs/*.md", "docs", "**/*.md", "a.txt", "build.out", "link.md")
    assert look(place, "artifacts", *wanted, since=OLD + 1) == (0, [])


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nothing.md", "missing: nothing.md: there is no such file"),
        ("nowhere/*.md", "missing: nowhere/*.md: there is no such file"),
        ("docs/*.txt", "missing: docs/*.txt: there is no such file"),
        ("docs/old.md", "missing: docs/old.md: docs/old.md is as it was before the work began"),
        ("docs/o*", "missing: docs/o*: docs/old.md is as it was before the work began"),
        ("empty.md", "missing: empty.md: empty.md is empty"),
        ("fifo", "missing: fifo: fifo is not a file"),
        ("broken", "missing: broken: broken cannot be looked at: No such file or directory"),
        ("passwd", "missing: passwd: passwd leads out of the working tree"),
        ("outer/secret", "missing: outer/secret: outer/secret leads out of the working tree"),
        ("outer/*", "missing: outer/*: outer/secret leads out of the working tree"),
        ("../spec.json", "missing: ../spec.json: leads out of the working tree"),
        ("/etc/passwd", "missing: /etc/passwd: leads out of the working tree"),
        (".git/**", "missing: .git/**: there is no such file"),
        ("\x1b[2J", r"missing: \x1b[2J: there is no such file"),
    ],
)
def test_artifacts_that_are_missing(place: Path, wanted: str, said: str) -> None:
    """Each is one line with the reason, and nothing outside the working tree counts."""
    outer = place.parent / "outer"
    outer.mkdir()
    (outer / "secret").write_text("x")
    (place / "outer").symlink_to(outer)
    (place / "passwd").symlink_to("/etc/passwd")
    (place / "broken").symlink_to("no-such-file")
    (place / "empty.md").touch()
    os.mkfifo(place / "fifo")
    assert look(place, "artifacts", "outer2", wanted) == (1, ["missing: outer2: there is no such file", said])


def test_without_a_time_only_a_change_counts(place: Path) -> None:
    """A checkout writes every file anew; that alone makes none of them new."""
    os.utime(place / "a.txt")
    assert look(place, "artifacts", "a.txt")[0] == 1
    (place / "a.txt").write_text("other\n")
    assert look(place, "artifacts", "a.txt")[0] == 0


def test_one_good_file_is_enough_for_a_glob(place: Path) -> None:
    """The others may be old or empty."""
    (place / "docs" / "a-empty.md").touch()
    (place / "docs" / "z.md").write_text("z\n")
    assert look(place, "artifacts", "docs/*.md") == (0, [])


def test_a_change_that_stays_inside(place: Path) -> None:
    """Changed, deleted and new files, all inside the paths; without paths that is said."""
    (place / "docs" / "old.md").unlink()
    (place / "docs" / "deep").mkdir()
    (place / "docs" / "deep" / "new.md").write_text("x")
    (place / "a.txt").write_text("other\n")
    (place / "x.out").write_text("ignored\n")
    assert look(place, "diff", "docs/", "*.txt") == (0, [])
    assert look(place, "diff") == (0, ["no paths were declared, so nothing was compared"])


def test_a_change_that_does_not(place: Path) -> None:
    """Every stray file is named, committed or not, and what was declared."""
    (place / "b\x1b.txt").write_text("x")
    (place / "docs" / "old.md").unlink()
    base = git(place, "rev-parse", "HEAD")
    path = place.parent / "spec.json"
    path.write_bytes(encode(Spec("diff", base, ("a.txt", "src"))))
    git(place, "add", "docs")
    git(place, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "gone")
    strays = [r"outside: b\x1b.txt", "outside: docs/old.md"]
    assert run(place, str(path)) == (1, [*strays, "declared: a.txt, src"])


def test_a_great_many_strays(place: Path) -> None:
    """Are not all named."""
    for number in range(250):
        (place / f"{number}.txt").touch()
    status, lines = look(place, "diff", "docs")
    assert (status, len(lines), lines[-1]) == (1, 201, "and 51 more")


def test_what_cannot_be_told(place: Path) -> None:
    """Without a repository, or with a base that is not there, the answer is no yes."""
    path = place.parent / "spec.json"
    path.write_bytes(encode(Spec("diff", "0" * 40, ("a",))))
    assert run(place, str(path))[0] == 9
    path.write_bytes(encode(Spec("artifacts", "--output=x", ("a.txt",))))
    status, lines = run(place, str(path))
    assert (status, len(lines)) == (9, 1)


@pytest.mark.parametrize("words", [[], ["a", "b"], ["no-such-file"], ["spec.json"]])
def test_a_wrong_specification(place: Path, words: list[str]) -> None:
    """Status 64 and one line."""
    (place / "spec.json").write_text(json.dumps({"v": 1, "kind": "magic", "base": "", "paths": []}))
    status, lines = run(place, *words)
    assert (status, len(lines)) == (64, 1)


def test_a_specification_survives_being_written() -> None:
    """What is read is what was written; another version is refused."""
    spec = Spec("diff", "0" * 40, ("a", "b"), 1.5)
    assert decode(encode(spec)) == spec
    with pytest.raises(Unreadable, match="version 1"):
        decode(b'{"v": 2}')


def test_a_frozen_specification() -> None:
    """What an orchestrator of version 1 wanted looked at can still be looked at."""
    data = (TOP / "tests" / "data" / "v1" / "spec.json").read_bytes()
    assert decode(data) == Spec("diff", "c" * 40, ("src/**", "docs"), 1795176300.5)
