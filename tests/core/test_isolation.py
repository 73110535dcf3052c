"""Who may work in one place together, and what follows from where agents work."""

from dataclasses import replace
from typing import Literal

import pytest

from orchestrator.core import isolation
from orchestrator.core.run import GitOptions, Options, Validator
from orchestrator.core.track import Track
from orchestrator.errors import UsageError

Kind = Literal["worktree", "shared", "none"]


def options(kind: Kind, agents: int = 4, **git: object) -> Options:
    """Return the options of a run."""
    return Options(agents=agents, git=replace(GitOptions(isolation=kind), **git), gates=("start", "push"))  # type: ignore[arg-type]  # the tests name real fields


def tracks(*paths: tuple[str, ...]) -> list[Track]:
    """Return a track for each set of paths, on lines 1, 2 and so on."""
    return [Track(f"t{number}", "T", number, paths=each) for number, each in enumerate(paths, 1)]


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ([("src/a",), ("src/b", "doc")], ""),
        ([("src",), ()], "t2 (line 2) names no paths"),
        ([("a",), ("src",), ("src/b",)], "t2 and t3 both work on src/b"),
        ([("a*",), ("ab/c",)], "t1 and t2 both work on ab/c"),
        ([("..",), ("b",)], "t1 and t2 both work on b"),
        ([()], ""),
    ],
)
def test_side_by_side_only_on_different_files(paths: list[tuple[str, ...]], words: str) -> None:
    """Pairwise disjoint, or refused with the pair and the ways out; one after the other, anything goes."""
    for kind in ("shared", "none"):
        refused = isolation.refusal(tracks(*paths), options(kind))
        assert (refused is None) == (not words)
        if refused is not None:
            assert words in refused.message
            assert "--agents 1" in refused.hint
        assert isolation.refusal(tracks(*paths), options(kind, agents=1)) is None
    assert isolation.refusal(tracks(*paths), options("worktree")) is None


def test_what_follows() -> None:
    """One slot: each track is over before the next. No merge commits, no conflicts in files; without git no push."""
    assert isolation.settled(options("worktree")) == options("worktree")
    alone = isolation.settled(options("shared", agents=1, resolve=True))
    assert (alone.batch_size, alone.git.strategy, alone.git.resolve, alone.push) == (1, "squash", False, True)
    several = isolation.settled(options("shared", strategy="rebase"))
    assert (several.batch_size, several.git.strategy, several.gates) == (0, "rebase", ("start", "push"))
    bare = isolation.settled(options("none"))
    assert (bare.push, bare.gates) == (False, ("start",))


@pytest.mark.parametrize(
    ("kind", "agents", "argv", "kinds", "words"),
    [
        ("shared", 4, (), [("diff", "review")], "sees the work of all agents"),
        ("shared", 1, ("true",), [("diff", "review"), ("command", "run")], ""),
        ("none", 1, (), [("diff", "work")], "a diff validator needs git"),
        ("none", 1, (), [("command", "run")], "after the run needs git"),
        ("none", 1, ("true",), [], "check needs git"),
        ("none", 4, (), [("command", "review")], ""),
        ("worktree", 4, ("true",), [("diff", "review"), ("diff", "run")], ""),
    ],
)
def test_what_cannot_be_had(
    kind: Kind, agents: int, argv: tuple[str, ...], kinds: list[tuple[str, str]], words: str
) -> None:
    """It is refused by name before anything starts."""
    judges = [Validator(f"v{number}", *each) for number, each in enumerate(kinds)]  # type: ignore[arg-type]  # real words
    chosen = options(kind, agents, check=argv)
    if not words:
        isolation.check(chosen, judges)
        return
    with pytest.raises(UsageError, match=words):
        isolation.check(chosen, judges)
