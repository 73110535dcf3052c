"""A remote that has moved on: what was merged is brought together with that, checked, and pushed; never forced."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.run import GitOptions
from orchestrator.git import refs, repository
from orchestrator.git.command import Git
from orchestrator.git.integrate import Red
from orchestrator.git.publish import Published, Publishing, PushFailed, publish
from orchestrator.git.rejoin import Lines
from tests.git import repos
from tests.git.repos import git

INTEGRATED = "refs/orchd/runs/demo/integrated"
LANDED = "refs/orchd/runs/demo/landed"
THEIRS = "refs/orchd/runs/demo/theirs"
MERGE = Publishing()
LINEAR = Publishing(GitOptions(strategy="rebase"))
PULL = "git pull --no-rebase origin main && git push origin HEAD:main"


class Scene:
    """A run that has integrated ``mine.txt`` into main, and a bare remote where main can go on."""

    def __init__(self, home: Path, remote: Path) -> None:
        self.home = home
        self.remote = remote
        self.start = repos.tip(home, "main")
        git(remote.parent, "init", "--quiet", "--bare", "--template=", str(remote))
        git(home, "remote", "add", "origin", str(remote))
        git(home, "push", "--quiet", "origin", "main")

    def merges(self, path: str = "mine.txt", data: bytes = b"mine\n", *, lands: bool = True) -> str:
        """Integrate a file; unless it ``lands`` the target has not followed."""
        commit = repos.grow(self.home, "made", {path: data}, base=repos.tip(self.home, INTEGRATED) or self.start)
        git(self.home, "update-ref", INTEGRATED, commit)
        if lands:
            git(self.home, "update-ref", LANDED, commit)
            git(self.home, "merge", "--quiet", "--ff-only", commit)
        return commit

    def moves_on(self, path: str = "theirs.txt", data: bytes = b"theirs\n") -> str:
        """Have somebody else push a file."""
        return repos.grow(self.remote, "main", {path: data})

    def publishes(self, how: Publishing = MERGE) -> Published | PushFailed:
        """Publish main."""
        return publish(repository.survey(str(self.home), "main"), "demo", how)

    def is_there(self, *paths: str) -> bool:
        """Tell whether the remote's main has all of these files."""
        return set(paths) <= set(git(self.remote, "ls-tree", "--name-only", "main").splitlines())


@pytest.fixture
def scene(home: Path, tmp_path: Path) -> Iterator[Scene]:
    """A repository with a remote; afterwards git finds nothing wrong with either."""
    made = Scene(home, tmp_path / "remote.git")
    yield made
    repos.assert_sound(made.remote)


def test_both_are_there_in_the_end(scene: Scene) -> None:
    """Ours comes in onto theirs by a merge that was checked; the branch and its checkout follow."""
    ours, theirs = scene.merges(), scene.moves_on()
    checked: list[str] = []
    answer = scene.publishes(Publishing(check=checked.append))
    assert answer == Published(checked[0], already=False)
    assert repos.parents(scene.home, checked[0]) == [theirs, ours]
    assert repos.tip(scene.remote, "main") == repos.tip(scene.home, "main") == checked[0]
    assert (scene.home / "theirs.txt").read_bytes() == b"theirs\n"
    assert git(scene.home, "status", "--porcelain") == ""
    assert git(scene.home, "show", "-s", "--format=%s", "main") == "Merge what was integrated into main of origin"
    assert repos.tip(scene.home, THEIRS) == ""
    assert refs.pending(Git(str(scene.home)), "demo") is None
    assert scene.publishes() == Published(checked[0], already=True)


@pytest.mark.parametrize("strategy", ["rebase", "squash"])
def test_a_linear_history_stays_one(scene: Scene, strategy: str) -> None:
    """Our commits are made anew on theirs. The target moves only forward: the note says what makes it the same."""
    scene.merges()
    ours, theirs = scene.merges("more.txt"), scene.moves_on()
    answer = scene.publishes(Publishing(GitOptions(strategy=strategy)))  # type: ignore[arg-type]  # one of them
    assert isinstance(answer, Published)
    assert repos.tip(scene.remote, "main") == answer.commit == repos.tip(scene.home, "refs/orchd/runs/demo/published")
    assert git(scene.remote, "rev-parse", "main~2") == theirs
    assert scene.is_there("mine.txt", "more.txt", "theirs.txt")
    assert git(scene.remote, "show", "-s", "--format=%an %ad", "--date=raw", "main") == "A 1700000000 +0000"
    assert repos.tip(scene.home, "main") == ours
    assert answer.note == "main here has them as they were; `git pull --rebase origin main` makes it what was pushed"
    assert scene.publishes(LINEAR) == replace(answer, already=True)
    ours = scene.merges("last.txt")
    answer = scene.publishes(LINEAR)
    assert isinstance(answer, Published)
    assert git(scene.remote, "rev-parse", "main~3") == theirs
    assert (scene.is_there("last.txt"), repos.tip(scene.home, "main")) == (True, ours)
    git(scene.home, "pull", "--quiet", "--rebase", "origin", "main")
    assert repos.tip(scene.home, "main") == answer.commit


def test_a_linear_history_with_a_merge_in_it_is_merged(scene: Scene) -> None:
    """It is none any more."""
    commit = git(scene.home, "commit-tree", "-p", scene.merges(), "-p", scene.start, "-m", "joined", "main^{tree}")
    git(scene.home, "update-ref", INTEGRATED, commit)
    theirs = scene.moves_on()
    answer = scene.publishes(LINEAR)
    assert isinstance(answer, Published)
    assert repos.parents(scene.remote, "main") == [theirs, commit]


def test_what_they_have_already_is_not_made_again(scene: Scene) -> None:
    """Somebody took over the same commit: nothing is left to push."""
    scene.merges()
    scene.moves_on()
    theirs = scene.moves_on("mine.txt", b"mine\n")
    answer = scene.publishes(LINEAR)
    assert isinstance(answer, Published)
    assert (answer.commit, answer.already) == (theirs, True)


def test_a_target_that_lags_follows_a_linear_history(scene: Scene) -> None:
    """What was integrated and never landed is not there as it was."""
    scene.merges(lands=False)
    scene.moves_on()
    answer = scene.publishes(LINEAR)
    assert isinstance(answer, Published)
    assert repos.tip(scene.home, "main") == answer.commit == repos.tip(scene.remote, "main")
    assert refs.pending(Git(str(scene.home)), "demo") is None


def test_a_checkout_with_changes_is_left_alone(scene: Scene) -> None:
    """It is published all the same, and the note names the command."""
    scene.merges()
    scene.moves_on("a.txt", b"theirs\n")
    repos.write(scene.home, {"a.txt": b"half\n"})
    answer = scene.publishes()
    assert isinstance(answer, Published)
    assert repos.tip(scene.remote, "main") == answer.commit
    assert (scene.home / "a.txt").read_bytes() == b"half\n"
    assert answer.note.startswith("main stays behind: ")
    assert f"merge --ff-only {INTEGRATED}" in answer.note


@pytest.mark.parametrize("how", [MERGE, LINEAR], ids=["merge", "rebase"])
def test_a_conflict_is_a_failure_of_the_publication_alone(scene: Scene, how: Publishing) -> None:
    """Nothing has changed on either side; the files are named, and the command."""
    scene.merges("a.txt")
    theirs = scene.moves_on("a.txt")
    before = git(scene.home, "for-each-ref", "refs/heads", INTEGRATED, LANDED)
    answer = scene.publishes(how)
    assert isinstance(answer, PushFailed)
    assert answer.reason == "origin has moved on, and what was merged is in conflict with that in a.txt"
    assert answer.command == PULL.replace("--no-rebase", "--no-rebase" if how is MERGE else "--rebase")
    assert repos.tip(scene.remote, "main") == theirs == repos.tip(scene.home, THEIRS)
    assert git(scene.home, "for-each-ref", "refs/heads", INTEGRATED, LANDED) == before


@pytest.mark.parametrize("how", [MERGE, LINEAR], ids=["merge", "rebase"])
def test_marks_of_both_sides_in_one_file(scene: Scene, how: Publishing) -> None:
    """A file in which both mark lines is settled by who knows its lines, and only where there is no more to it."""

    def settle(was: bytes, ours: bytes, theirs: bytes) -> bytes | None:
        mark = b"- one [DONE]\n"
        return theirs.replace(b"- one\n", mark) if was.replace(b"- one\n", mark) == ours else None

    scene.merges("ROADMAP.md", b"- one [DONE]\n- two\n")
    scene.moves_on("ROADMAP.md", b"- one\n- two [DONE]\n")
    assert isinstance(scene.publishes(how), PushFailed)
    answer = scene.publishes(replace(how, lines=Lines("ROADMAP.md", settle)))
    assert isinstance(answer, Published)
    assert repos.show(scene.remote, "main", "ROADMAP.md") == b"- one [DONE]\n- two [DONE]\n"
    scene.merges("ROADMAP.md", b"- one [DONE]\n- 2 [DONE]\n")
    scene.moves_on("ROADMAP.md", b"- one [DONE]\n- two [DONE] \n")
    assert isinstance(scene.publishes(replace(how, lines=Lines("ROADMAP.md", settle))), PushFailed)


@pytest.mark.parametrize("how", [MERGE, LINEAR])
def test_a_conflict_that_a_person_resolved(scene: Scene, how: Publishing) -> None:
    """Their merge is checked and pushed as it is, without what they committed after it."""
    scene.merges("same.txt", b"mine\n")
    scene.moves_on("same.txt", b"theirs\n")
    assert isinstance(scene.publishes(how), PushFailed)
    git(scene.home, "fetch", "--quiet", "origin", "main")
    git(scene.home, "merge", "--quiet", "--strategy-option=ours", "--no-edit", "FETCH_HEAD")
    solved = repos.tip(scene.home, "main")
    later = repos.grow(scene.home, "later", {"later.txt": b""}, base=solved)
    git(scene.home, "merge", "--quiet", "--ff-only", later)
    seen: list[str] = []

    def check(commit: str) -> Red | None:
        seen.append(commit)
        return None

    assert scene.publishes(replace(how, check=check)) == Published(solved, already=False)
    assert (seen, repos.tip(scene.remote, "main"), repos.tip(scene.home, "main")) == ([solved], solved, later)


def test_what_does_not_pass_together_is_not_pushed(scene: Scene) -> None:
    """Each side alone may have passed. The end of what was printed comes with it, and nothing has moved."""
    ours, theirs = scene.merges(), scene.moves_on()
    answer = scene.publishes(Publishing(check=lambda _: Red("TEST_FAILURE: two fail", ("red", "redder"))))
    said = "together with what origin has got meanwhile: TEST_FAILURE: two fail"
    assert answer == PushFailed(said, PULL, ("red", "redder"))
    assert (repos.tip(scene.home, "main"), repos.tip(scene.remote, "main")) == (ours, theirs)


def test_it_is_tried_three_times(scene: Scene) -> None:
    """Somebody pushes whenever we look away: the third time it is told. What was joined by then is in the target."""
    scene.merges()
    scene.moves_on()
    passed: list[str] = []

    def check(commit: str) -> None:
        passed.append(commit)
        scene.moves_on(f"theirs-{len(passed)}.txt")

    answer = scene.publishes(Publishing(check=check))
    assert isinstance(answer, PushFailed)
    assert answer.reason == "origin has moved on each of 3 times: the remote refused: [rejected] (fetch first)"
    assert answer.command == PULL
    assert len(passed) == 2
    assert repos.tip(scene.home, "main") == passed[-1]
    for command in PULL.split(" && "):
        git(scene.home, *command.split(" ")[1:])
    assert scene.is_there("mine.txt", "theirs.txt", "theirs-1.txt", "theirs-2.txt")


def test_what_was_taken_out_there_does_not_come_back(scene: Scene) -> None:
    """Its history was written anew: that is not ours to undo."""
    scene.merges()
    git(scene.home, "push", "--quiet", "origin", "main")
    scene.merges("more.txt")
    git(scene.remote, "update-ref", "refs/heads/main", scene.start)
    theirs = scene.moves_on()
    answer = scene.publishes()
    assert isinstance(answer, PushFailed)
    assert answer.reason == "origin has dropped commits that it had: its history was written anew"
    assert answer.command == PULL.replace("--no-rebase", "--rebase")
    assert repos.tip(scene.remote, "main") == theirs
    for command in answer.command.split(" && "):
        git(scene.home, *command.split(" ")[1:])
    assert not scene.is_there("mine.txt")
    assert scene.is_there("more.txt", "theirs.txt")


def test_what_was_only_taken_out_there_does_not_come_back(scene: Scene) -> None:
    """A push would go through, as ours has all that they have now; so would it where ours never had it."""
    scene.merges()
    git(scene.home, "push", "--quiet", "origin", "main")
    scene.merges("more.txt")
    git(scene.remote, "update-ref", "refs/heads/main", scene.start)
    answer = scene.publishes()
    assert isinstance(answer, PushFailed)
    assert answer.reason == "origin has dropped commits that it had: its history was written anew"
    assert repos.tip(scene.remote, "main") == scene.start
    git(
        scene.home,
        "update-ref",
        "refs/remotes/origin/main",
        repos.grow(scene.home, "side", {"x": b""}, base=scene.start),
    )
    assert isinstance(scene.publishes(), Published)


STEPS = (
    "publication.asked",
    "publication.fetched",
    "publication.joined",
    "publication.checked",
    "publication.recorded",
    "publication.moved",
    "publication.pushed",
)


@pytest.mark.parametrize("strategy", ["merge", "rebase"])
def test_killed_at_each_step(scene: Scene, strategy: str) -> None:
    """One after the other dies a step further on; the last one finds how far things are and ends it."""
    scene.merges()
    theirs = scene.moves_on()
    words = ("publish", str(scene.home), "demo", "main", strategy)
    for step in STEPS:
        if strategy == "merge" or step in {"publication.joined", "publication.recorded", "publication.pushed"}:
            repos.ended(repos.drive(*words, failpoint=f"{step}:kill"), -signal.SIGKILL)
    assert repos.ended(repos.drive(*words)).startswith("Published(")
    assert scene.is_there("mine.txt", "theirs.txt")
    assert refs.is_ancestor(Git(str(scene.remote)), theirs, "main")
    assert len(git(scene.remote, "log", "--format=%s", f"{scene.start}..main").splitlines()) == 3 - (
        strategy != "merge"
    )
    if strategy == "merge":
        assert repos.tip(scene.home, "main") == repos.tip(scene.remote, "main")
        assert refs.pending(Git(str(scene.home)), "demo") is None
    assert repos.tip(scene.home, THEIRS) == ""
