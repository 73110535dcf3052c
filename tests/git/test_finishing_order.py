"""Many tracks and one hot file: what comes of them depends on nothing but which of two that clash was first."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from orchestrator.core.run import GitOptions
from orchestrator.git import integrate, repository
from orchestrator.git.integrate import Answer, Conflict, Integration, Merged
from tests.git import repos
from tests.git.repos import git

COUNT: Final = 20
PLACES: Final = 8
"""So many places in the hot file are changed, each by two or three of the tracks."""

NUMBERS: Final = range(1, COUNT + 1)
LINES: Final = [b"line %d" % number for number in range(PLACES * 5)]


def hot(numbers: Sequence[int]) -> bytes:
    """Return the hot file as these tracks change it."""
    lines = list(LINES)
    for number in numbers:
        lines[number % PLACES * 5] = b"track %d" % number
    return b"\n".join(lines) + b"\n"


@pytest.fixture
def tracks(home: Path) -> list[str]:
    """The branches of the tracks, each with a file of its own and one line of the hot file."""
    base = repos.grow(home, "main", {"hot.txt": hot(())})
    git(home, "reset", "--quiet", "--hard")
    return [
        repos.grow(home, f"t{number}", {f"{number}.txt": b"%d\n" % number, "hot.txt": hot((number,))}, base=base)
        for number in NUMBERS
    ]


def finish(home: Path, order: Sequence[int], strategy: str) -> dict[int, Answer]:
    """Take the tracks in as they finish; return the answer about each."""
    repo = repository.survey(str(home), "main")
    options = GitOptions(strategy=strategy)  # type: ignore[arg-type]  # the parameters are strategies
    requests = {n: Integration("demo", f"t{n}", "T", f"t{n}", "main", options=options) for n in order}
    return {number: integrate.integrate(repo, request) for number, request in requests.items()}


@pytest.mark.parametrize(("seed", "strategy"), [(0, "merge"), (1, "squash"), (2, "rebase")])
def test_whoever_finishes_first_is_in(home: Path, tracks: list[str], seed: int, strategy: str) -> None:
    """All that can be merged is, and the rest is reported with just that track which it is in conflict with."""
    assert len(tracks) == COUNT
    order = list(NUMBERS)
    random.Random(seed).shuffle(order)
    answers = finish(home, order if seed else NUMBERS, strategy)
    first = {place: next(n for n in answers if n % PLACES == place) for place in range(PLACES)}
    for number, answer in answers.items():
        if number == first[number % PLACES]:
            assert isinstance(answer, Merged)
        else:
            assert answer == Conflict(("hot.txt",), (f"t{first[number % PLACES]}",))
    assert (home / "hot.txt").read_bytes() == hot(sorted(first.values()))
    there = {each for each in git(home, "ls-tree", "--name-only", "main").split() if each[0].isdigit()}
    assert there == {f"{number}.txt" for number in first.values()}
    assert git(home, "status", "--porcelain") == ""


def test_everybody_who_is_in_the_way_is_named(home: Path) -> None:
    """A track that removes what others changed is in conflict with each of them, the last one first."""
    base = repos.grow(home, "main", {"hot.txt": hot(())})
    git(home, "reset", "--quiet", "--hard")
    for number in (1, 2):
        repos.grow(home, f"t{number}", {"hot.txt": hot((number,))}, base=base)
    repos.grow(home, "t3", {"hot.txt": None}, base=base)
    assert finish(home, (1, 2, 3), "merge")[3] == Conflict(("hot.txt",), ("t2", "t1"))
