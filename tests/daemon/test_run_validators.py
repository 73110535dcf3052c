"""Judging a run as a whole, before it is pushed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.result import PhaseResult
from orchestrator.core.run import Validator
from orchestrator.daemon import run_validators
from orchestrator.git import repository, worktree
from orchestrator.state import verdicts
from orchestrator.state.verdicts import Verdicts
from tests.daemon.accepted import Accepted, makes
from tests.house.sources import TOP


def shell(text: str, name: str = "check", **fields: object) -> Validator:
    """Return a validator of the run that is a line of shell."""
    made = Validator(name, "command", after="run", argv=("sh", "-c", text), timeout_seconds=20)
    return replace(made, **fields)  # type: ignore[arg-type]  # the tests name real fields


class Scene:
    """A run of one track with something merged, and what its validators say of it."""

    def __init__(self, folder: Path) -> None:
        self.site = Accepted(folder, [makes(1)])
        self.site.write("merged.txt", "merged\n")
        self.site.write("docs/new.md", "new\n")
        self.site.write("ROADMAP.md", "marked\n")
        self.site.git("add", "--all")
        self.site.git("commit", "--quiet", "--message=merged")

    def asked(self, *validators: Validator, stop: Callable[[], bool] = lambda: False) -> Verdicts:
        """Return what they say; afterwards there is no checkout and nobody left."""
        record = replace(self.site.record, root=str(self.site.root), validators=validators)
        repo = repository.survey(str(self.site.root), "main")
        said = run_validators.judged(self.site.layout, record, repo, stop)
        assert len(worktree.list(repo)) == 1
        assert self.site.descendants() == set()
        return said

    def one(self, validator: Validator) -> PhaseResult:
        """Return what one of them says."""
        (said,) = self.asked(validator).phases
        return said


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A run with something merged; programs of ours are found."""
    monkeypatch.setenv("PYTHONPATH", str(TOP))
    return Scene(tmp_path)


def test_it_looks_at_what_was_merged(scene: Scene) -> None:
    """In a checkout of its own, with what was committed and nothing else; the person's files are not touched."""
    scene.site.write("mine.txt", "mine\n")
    text = "test -f merged.txt && test ! -e mine.txt && echo made > merged.txt && echo $ORCHD_RUN $PWD"
    said = scene.one(shell(text))
    assert (said.verdict, said.status, said.kind, said.error) == ("ACCEPT", 0, "validator", "")
    assert said.report == f"roadmap {scene.site.paths.private}/merged"
    assert (scene.site.root / "merged.txt").read_text() == "merged\n"


def test_one_that_refuses(scene: Scene) -> None:
    """All are asked, and the first that does not accept is the reason."""
    said = scene.asked(
        shell("true"), shell("echo two tests failed; exit 3", "tests"), shell("true", "x"), Validator("t", "diff")
    )
    assert [(each.name, each.verdict) for each in said.phases] == [
        ("check", "ACCEPT"),
        ("tests", "REVISE"),
        ("x", "ACCEPT"),
    ]
    assert said.refusal is not None
    assert said.refusal.error == "VALIDATION_ERROR: tests: two tests failed"


def test_it_may_look_at_files_too(scene: Scene) -> None:
    """Artifacts that differ from where the run began; a change inside the paths, the marks in its source excepted."""
    papers = Validator("papers", "artifacts", after="run", paths=("docs/*.md",))
    inside = Validator("inside", "diff", after="run", paths=("docs", "merged.txt"))
    old = replace(papers, name="old", paths=("shared.txt",))
    narrow = replace(inside, name="narrow", paths=("docs",))
    said = scene.asked(papers, inside, old, narrow)
    assert [each.verdict for each in said.phases] == ["ACCEPT", "ACCEPT", "REVISE", "REVISE"]
    assert "shared.txt is as it was" in said.phases[2].error
    assert said.phases[3].report == "outside: merged.txt\ndeclared: docs, ROADMAP.md"


def test_one_that_hangs_is_ended(scene: Scene) -> None:
    """With all that it started; it could not judge, so it did not accept."""
    said = scene.one(shell("setsid sleep 60 & sleep 60", timeout_seconds=0.3))
    assert (said.ending, said.verdict, said.seconds < 10) == ("timed_out", "", True)
    assert "not done within 0.3 s" in said.error


@pytest.mark.parametrize(
    ("validator", "words"),
    [
        (shell("", argv=("no-such-program",)), "cannot be started"),
        (shell("kill -9 $$"), "SIGKILL"),
        (shell("yes | head -c 70000000; sleep 60"), "printed more than"),
    ],
    ids=["not there", "killed", "floods"],
)
def test_one_that_cannot_judge(scene: Scene, validator: Validator, words: str) -> None:
    """It did not accept, and why is said."""
    said = scene.one(validator)
    assert said.verdict == ""
    assert words in said.error


def test_it_is_asked_once_for_a_commit(scene: Scene, tmp_path: Path) -> None:
    """After a crash what was said stands; another commit is judged anew."""
    counting = shell(f"echo x >> {tmp_path}/count")
    first = scene.asked(counting)
    assert scene.asked(counting) == first == verdicts.read(scene.site.paths)
    assert (tmp_path / "count").read_text() == "x\n"
    scene.site.git("commit", "--quiet", "--allow-empty", "--message=more")
    assert scene.asked(counting).commit != first.commit
    assert (tmp_path / "count").read_text() == "x\nx\n"


def test_a_run_that_is_cancelled(scene: Scene, tmp_path: Path) -> None:
    """The one that is at work is ended, the others are not asked, and nothing of it stays on record."""
    begun = tmp_path / "begun"
    said = scene.asked(shell(f"touch {begun}; sleep 60"), shell("true", "x"), stop=begun.exists)
    assert [(each.name, each.ending, each.verdict) for each in said.phases] == [("check", "cancelled", "")]
    assert verdicts.read(scene.site.paths) is None


def test_nobody_to_ask(scene: Scene) -> None:
    """Costs no checkout and no file."""
    assert scene.asked(Validator("t", "diff")).phases == ()
    assert verdicts.read(scene.site.paths) is None
