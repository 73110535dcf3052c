"""The check of a merge: where it runs, what it sees, and whose fault it is when it cannot."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.run import GitOptions
from orchestrator.daemon import checking
from orchestrator.errors import AgentUnavailable
from orchestrator.git import repository
from orchestrator.git.integrate import Red
from orchestrator.state import cancel
from tests.daemon.accepted import Accepted, makes


class Scene:
    """A run of one track, whose merge would be the commit of main."""

    def __init__(self, folder: Path) -> None:
        self.site = Accepted(folder, [makes(1)], remote=False)
        self.folder = Path(checking.folder(self.site.paths))

    def says(self, text: str, **options: object) -> Red | None:
        """Return what a check that is a line of shell says."""
        return self.check(("sh", "-c", text), **options)(self.site.git("rev-parse", "main"))

    def check(self, argv: tuple[str, ...], **options: object) -> Callable[[str], Red | None]:
        """Return the check with this command."""
        git = replace(GitOptions(check=argv), **options)  # type: ignore[arg-type]  # the tests name real fields
        record = replace(self.site.record, options=replace(self.site.record.options, git=git))
        repo = repository.survey(str(self.site.root), "main")
        check = checking.of_track(self.site.layout, record, record.tracks[0], repo)
        assert check is not None
        return check


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A run with something to check."""
    return Scene(tmp_path)


def test_without_a_command_nothing_is_checked(scene: Scene) -> None:
    """There is no checkout then."""
    repo = repository.survey(str(scene.site.root), "main")
    assert checking.of_track(scene.site.layout, scene.site.record, scene.site.record.tracks[0], repo) is None


def test_it_goes_from_merge_to_merge(scene: Scene) -> None:
    """What was written goes, what git ignores stays, and what the merge holds is there as it is."""
    exclude = scene.site.root / ".git" / "info" / "exclude"
    exclude.write_text(exclude.read_text() + "built/\n")
    assert (
        scene.says("mkdir built; echo x > built/x; echo x > new; echo x > shared.txt; git checkout -q -b mine") is None
    )
    scene.site.write("second.txt", "second\n")
    scene.site.git("add", "second.txt")
    scene.site.git("commit", "--quiet", "--message=second")
    assert scene.says("test -e built/x && test ! -e new && grep -q first shared.txt && test -e second.txt") is None
    assert scene.site.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_checkout_that_was_broken_is_made_anew(scene: Scene) -> None:
    """Git is never led to the person's own checkout around it."""
    before = scene.site.git("rev-parse", "HEAD")
    scene.site.write("mine.txt", "mine\n")
    scene.site.write("shared.txt", "mine\n")
    assert scene.says("rm -rf .git") is None
    assert scene.says("test ! -e mine.txt && grep -q first shared.txt") is None
    assert scene.says("rm -rf $PWD") is None
    assert scene.says("test -e shared.txt") is None
    assert (scene.site.root / "shared.txt").read_text() == "mine\n"
    assert (scene.site.git("rev-parse", "HEAD"), (scene.site.root / "mine.txt").exists()) == (before, True)


def test_a_new_checkout_is_set_up_once(scene: Scene) -> None:
    """A set-up that was cut short, or fails, is done again in a new one, and is no fault of the track's."""
    setup = (("sh", "-c", "echo x >> ../setups; mkdir -p built; test -e ../may"),)
    with pytest.raises(AgentUnavailable, match="cannot be set up"):
        scene.says("true", setup=setup)
    scene.folder.with_name("may").touch()
    assert scene.says("test -d built", setup=setup) is None
    assert scene.says("true", setup=setup) is None
    assert scene.folder.with_name("setups").read_text() == "x\nx\n"


@pytest.mark.parametrize(
    ("text", "seconds", "why"), [("exit 3", 60.0, "ended with status 3"), ("exec sleep 60", 0.3, "not done within")]
)
def test_why_it_cannot_be_set_up_is_told(scene: Scene, text: str, seconds: float, why: str) -> None:
    """How the command ended, or why it was ended."""
    with pytest.raises(AgentUnavailable, match=why):
        scene.says("true", setup=(("sh", "-c", text),), setup_timeout_seconds=seconds)


def test_a_command_that_is_not_there_is_no_fault_of_the_track_s(scene: Scene) -> None:
    """It says so."""
    with pytest.raises(AgentUnavailable, match="nowhere"):
        scene.check(("nowhere",))(scene.site.git("rev-parse", "main"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("echo one; echo two >&2; exit 4", "ended with status 4: two"),
        ("kill -9 $$", "was ended by SIGKILL"),
    ],
)
def test_what_is_said_against_a_merge(scene: Scene, text: str, error: str) -> None:
    """How it ended, and the last thing that it printed."""
    red = scene.says(text)
    assert red is not None
    assert red.error.startswith("TEST_FAILURE: the check of the merge, `sh -c ")
    assert red.error.endswith(error)


def test_whoever_cancels_a_track_need_not_wait_for_its_check(scene: Scene) -> None:
    """Then nothing is said against it."""
    cancel.request(scene.site.paths, scene.site.tracks[0])
    assert scene.says("sleep 60") == Red("")
    assert scene.site.descendants() == set()
