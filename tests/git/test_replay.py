"""Strategies without a merge commit: what the target's history holds then, and that nothing is taken in twice."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.run import GitOptions
from orchestrator.git import integrate, repository, worktree
from orchestrator.git.integrate import AlreadyIn, Answer, Conflict, Integration, Merged, Red
from tests.git import repos
from tests.git.repos import git

STRATEGIES = [GitOptions(strategy="squash"), GitOptions(strategy="rebase")]
NAMES = ["squash", "rebase"]


def request(branch: str, options: GitOptions) -> Integration:
    """Return the request for a branch that is named like its track."""

    def mark(data: bytes) -> bytes | None:
        return data.replace(f"- {branch}\n".encode(), f"- {branch} [DONE]\n".encode())

    return Integration("demo", branch, "A title", branch, "main", "ROADMAP.md", mark, options)


def take(home: Path, branch: str, options: GitOptions) -> Answer:
    """Integrate a branch."""
    return integrate.integrate(repository.survey(str(home), "main"), request(branch, options))


def subjects(home: Path) -> list[str]:
    """Return the first lines of the commits on main, the newest first."""
    return git(home, "log", "--format=%s", "main").splitlines()


def trailers(home: Path, commit: str) -> list[str]:
    """Return the trailers of a commit that orchd wrote."""
    return [line for line in git(home, "show", "-s", "--format=%B", commit).splitlines() if line.startswith("Orchd-")]


@pytest.mark.parametrize("options", STRATEGIES, ids=NAMES)
def test_the_history_is_linear_and_says_what_came_in(home: Path, options: GitOptions) -> None:
    """The branch's commits stay reachable, the mark is in, a second time there is nothing to do."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main", message="first\n\nOrchd-Track: a lie\nSigned-off-by: A")
    tip = repos.grow(home, "one", {"two.txt": b"2\n", "ROADMAP.md": b"hacked\n"}, message="second")
    before = repos.grow(home, "main", {"theirs.txt": b"t\n"})
    git(home, "reset", "--quiet", "--hard", "main")
    answer = take(home, "one", options)
    assert answer == Merged(repos.tip(home, "main"))
    alone = ["A title"] if options.strategy == "squash" else ["second", "first"]
    assert subjects(home)[: len(alone)] == alone
    assert git(home, "log", "--merges", "--format=%h", "main") == ""
    assert git(home, "rev-parse", f"main~{len(alone)}") == before
    assert (home / "ROADMAP.md").read_bytes() == b"- one [DONE]\n- two\n"
    assert trailers(home, answer.commit)[:3] == ["Orchd-Track: one", "Orchd-Run: demo", "Orchd-Branch: one"]
    assert f"Orchd-Commit: {tip}" in trailers(home, answer.commit)
    assert repos.tip(home, "refs/orchd/runs/demo/branches/one") == tip
    assert integrate.line_counts(repository.survey(str(home)), answer.commit, options) == (3, 1)
    assert take(home, "one", options) == AlreadyIn(answer.commit)
    assert worktree.forget(repository.survey(str(home)), str(home / "gone"), "one") == ""
    assert repos.tip(home, "one") == ""


def test_what_is_replayed_keeps_its_author_and_its_words(home: Path) -> None:
    """All but the trailers that are orchd's to write."""
    repos.grow(home, "one", {"1": b"1"}, base="main", message="first\n\nWhy\n\nOrchd-Track: a lie\nSigned-off-by: A")
    repos.grow(home, "one", {"2": b"2"}, message="second")
    take(home, "one", GitOptions(strategy="rebase"))
    first = git(home, "show", "-s", "--format=%an <%ae> %ad%n%B", "--date=raw", "main^")
    assert first == (
        "A <a@example.org> 1700000000 +0000\nfirst\n\nWhy\n\nSigned-off-by: A\n"
        "Orchd-Track: one\nOrchd-Run: demo\nOrchd-Branch: one\n"
    )


def test_one_commit_keeps_its_message(home: Path) -> None:
    """It is the track's own; the run's trailers are added to it."""
    repos.grow(home, "one", {"1": b"1"}, base="main", message="Implement it\n\nWhat:\n- this")
    says = {"Reviewed-by": "Bo", "orchd-track": "two"}
    options = GitOptions(strategy="squash", trailers=says, author="Cleo C <cleo@example.org>")
    answer = take(home, "one", options)
    assert isinstance(answer, Merged)
    told = git(home, "show", "-s", "--format=%an <%ae> %cn%n%B", answer.commit)
    assert told.startswith("Cleo C <cleo@example.org> Ann\nImplement it\n\nWhat:\n- this\n\nOrchd-Track: one\n")
    assert "Reviewed-by: Bo" in told
    assert "two" not in told


@pytest.mark.parametrize("options", STRATEGIES, ids=NAMES)
def test_a_conflict_names_the_track_that_came_in_before(home: Path, options: GitOptions) -> None:
    """And nothing has changed."""
    repos.grow(home, "one", {"a.txt": b"one\n"}, base="main")
    repos.grow(home, "two", {"a.txt": b"two\n"}, base="main")
    take(home, "one", options)
    before = git(home, "for-each-ref")
    assert take(home, "two", options) == Conflict(("a.txt",), ("one",))
    assert git(home, "for-each-ref") == before


def test_what_cannot_be_replayed_comes_in_as_one(home: Path) -> None:
    """A branch with a merge in it, or with a commit that is in conflict although the whole is not."""
    options = GitOptions(strategy="rebase")
    repos.grow(home, "one", {"a.txt": b"other\n"}, base="main", message="there")
    repos.grow(home, "one", {"a.txt": b"a\n", "1": b"1"}, message="and back")
    repos.grow(home, "two", {"2": b"2"}, base="main")
    repos.grow(home, "main", {"a.txt": b"theirs\n"})
    git(home, "reset", "--quiet", "--hard", "main")
    joined = git(home, "commit-tree", "-p", "two", "-p", "main", "-m", "joined", "two:")
    git(home, "update-ref", "refs/heads/two", joined)
    assert isinstance(take(home, "one", options), Merged)
    assert subjects(home)[0] == "A title"
    assert repos.show(home, "main", "a.txt") == b"theirs\n"


@pytest.mark.parametrize("options", STRATEGIES, ids=NAMES)
def test_what_builds_on_another_track_brings_its_own_work_alone(home: Path, options: GitOptions) -> None:
    """It has the other's commits, which came in as new ones."""
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main", message="first")
    repos.grow(home, "two", {"two.txt": b"2\n"}, base="one", message="second")
    take(home, "one", options)
    answer = take(home, "two", options)
    assert isinstance(answer, Merged)
    assert git(home, "diff", "--name-only", "main^", "main").splitlines() == ["ROADMAP.md", "two.txt"]
    assert git(home, "rev-list", "--count", "main") == "3"


@pytest.mark.parametrize("strategy", ["merge", *NAMES])
def test_a_check_that_fails_keeps_the_merge_out(home: Path, strategy: str) -> None:
    """It sees the merge before any branch does; what it let pass is not checked again."""
    options = GitOptions(strategy=strategy)  # type: ignore[arg-type]  # the parameters are strategies
    repos.grow(home, "one", {"one.txt": b"1\n"}, base="main")
    refs, asked = git(home, "for-each-ref"), list[str]()

    def check(commit: str) -> Red | None:
        asked.append(commit)
        assert repos.show(home, commit, "one.txt") == b"1\n"
        return Red("TEST_FAILURE: no") if len(asked) == 1 else None

    wanted = replace(request("one", options), check=check)
    repo = repository.survey(str(home), "main")
    assert integrate.integrate(repo, wanted) == Red("TEST_FAILURE: no")
    assert git(home, "for-each-ref") == refs
    assert isinstance(integrate.integrate(repo, wanted), Merged)
    assert isinstance(integrate.integrate(repo, wanted), AlreadyIn)
    assert asked[1:] == [repos.tip(home, "main")]
