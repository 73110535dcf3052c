#!/usr/bin/env python3
"""What git costs: worktrees of a large repository, probes for conflicts, and how fast branches are integrated.

    python benchmarks/git.py [--files N] [--worktrees N] [--branches N]

Everything goes through the package as in a run, in a repository of its own in a temporary folder.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.core.run import GitOptions
from orchestrator.git import checkout, integrate, probe, repository, worktree
from orchestrator.git.integrate import Integration, Merged
from orchestrator.git.probe import Side
from orchestrator.git.repository import Repository

LINES = 40


def git(folder: Path, *words: str, stdin: bytes = b"") -> str:
    """Run git and return what it said."""
    ended = subprocess.run(["git", *words], cwd=folder, input=stdin, capture_output=True, check=True)
    return ended.stdout.decode().strip()


@contextmanager
def repository_of(files: int) -> Iterator[tuple[Path, Repository]]:
    """Make a repository with so many files for the block."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        git(home, "init", "--quiet", "--initial-branch=main")
        grow(home, "main", {f"src/{number % 100}/{number}.txt": body(number) for number in range(files)})
        git(home, "reset", "--quiet", "--hard")
        yield home, repository.survey(str(home))


def body(number: int) -> bytes:
    """Return a file of some length that no other is like."""
    return b"".join(b"line %d of file %d\n" % (line, number) for line in range(LINES))


def grow(home: Path, branch: str, files: dict[str, bytes]) -> None:
    """Add a commit to a branch, begun at main."""
    start = b"" if branch == "main" else b"from refs/heads/main^0\n"
    stream = (
        f"commit refs/heads/{branch}\ncommitter A <a@example.org> 1700000000 +0000\ndata 4\nwork\n".encode() + start
    )
    for path, data in files.items():
        stream += f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
    git(home, "fast-import", "--quiet", stdin=stream)


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def say(what: str, seconds: Sequence[float]) -> None:
    """Print a row: the median, the least and the most, in milliseconds."""
    ms = [each * 1000 for each in seconds]
    print(f"{what:<62} median {statistics.median(ms):8.1f} ms   ({min(ms):.1f} … {max(ms):.1f})")


def worktrees(home: Path, repo: Repository, count: int) -> list[Side]:
    """Make worktrees, one after the other as a run does, and return them; in the first half something is changed."""
    places = [(f"feat/t{number}", f"{home}/worktrees/agent-{number}") for number in range(count)]
    git(home, "config", "advice.detachedHead", "false")
    taken = [timed(lambda at=path, on=branch: worktree.add(repo, at, on, repo.head)) for branch, path in places]
    say(f"a worktree ({count} of them, {sum(taken):.2f} s in all)", taken)
    for _, path in places[: count // 2]:
        Path(path, "src/0/0.txt").write_text(path)
    return [Side(branch, f"refs/heads/{branch}", path) for branch, path in places]


def probes(repo: Repository, sides: Sequence[Side]) -> None:
    """Probe all pairs, with the worktrees and with the branches alone."""
    pairs = len(sides) * (len(sides) - 1) // 2
    half = len(sides) // 2
    assert len(probe.conflicts(repo, sides)) == half * (half - 1) // 2
    say(
        f"a probe of {pairs} pairs, uncommitted work included",
        [timed(lambda: probe.conflicts(repo, sides)) for _ in range(5)],
    )
    alone = [Side(each.name, each.ref) for each in sides]
    say(f"a probe of {pairs} pairs, branches alone", [timed(lambda: probe.conflicts(repo, alone)) for _ in range(5)])


def integrations(home: Path, repo: Repository, count: int, options: GitOptions) -> None:
    """Integrate branches, each with two files of its own, while the user's checkout follows."""
    name = options.strategy
    for number in range(count):
        grow(home, f"{name}-{number}", {f"{name}/{number}/{part}.txt": body(number) for part in "ab"})

    def take(branch: str) -> None:
        answer = integrate.integrate(repo, Integration(name, branch, "A track", branch, "main", options=options))
        assert isinstance(answer, Merged)
        assert not answer.note

    taken = [timed(lambda on=f"{name}-{number}": take(on)) for number in range(count)]
    say(f"an integration by {name} ({count / sum(taken):.1f} a second)", taken)


def checks(home: Path, repo: Repository) -> None:
    """Move the checkout in which merges are checked."""
    place = f"{home}/worktrees/check"
    say("the checkout for the check, new", [timed(lambda: checkout.move(repo, place, "main~2"))])
    moves = [timed(lambda to=commit: checkout.move(repo, place, to)) for commit in ("main", "main~1", "main~3", "main")]
    say("the checkout for the check, moved to the next merge", moves)
    checkout.discard(repo, place)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--worktrees", type=int, default=8)
    parser.add_argument("--branches", type=int, default=20)
    chosen = parser.parse_args()
    os.environ.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    print(f"{chosen.files} files, {os.cpu_count()} processors, {git(Path.cwd(), 'version')}")
    with repository_of(chosen.files) as (home, repo):
        probes(repo, worktrees(home, repo, chosen.worktrees))
        for options in (GitOptions(), GitOptions(strategy="squash"), GitOptions(strategy="rebase")):
            integrations(home, repo, chosen.branches, options)
        checks(home, repo)


if __name__ == "__main__":
    main()
