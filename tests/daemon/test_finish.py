"""The end of a run: what is pushed, and what is not without a validator's and a person's word."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.run import Gate, Outcome, Publication, Validator
from orchestrator.daemon.finish import finish
from orchestrator.git import repository, worktree
from orchestrator.host import temps
from orchestrator.state import approvals, cancel, results, verdicts
from orchestrator.state.status import prepare, temp
from tests.daemon.accepted import Accepted, makes
from tests.daemon.daemons import environment, running
from tests.processes import dead


class Scene:
    """A run of one track that was merged, and that nobody drives."""

    def __init__(self, folder: Path, *, remote: bool = True) -> None:
        self.site = Accepted(folder, [makes(1)], remote=remote)
        self.site.write("merged.txt", "merged\n")
        self.site.git("add", "--all")
        self.site.git("commit", "--quiet", "--message=merged")
        done = Outcome("agent-1", self.site.tracks[0], "merged", "2026-01-31T12:00:10Z", 1, commit="c" * 40)
        assert results.write_outcome(self.site.paths, done)

    def finished(self, *validators: Validator, **options: object) -> Publication:
        """Finish the run; return what became of the push."""
        record = self.site.record
        chosen = replace(record.options, **options)  # type: ignore[arg-type]  # the tests name real fields
        publication = finish(self.site.layout, replace(record, validators=validators, options=chosen))
        assert self.site.metrics()["publication"] == publication.state
        assert (self.site.pushes() if self.site.remote.exists() else 0) == (publication.state == "pushed")
        assert len(worktree.list(repository.survey(str(self.site.root)))) == 1
        return publication


def shell(text: str) -> Validator:
    """Return a validator of the run that is a line of shell."""
    return Validator("check", "command", after="run", argv=("sh", "-c", text), timeout_seconds=20)


def test_without_a_word_needed_it_is_pushed(tmp_path: Path) -> None:
    """Nobody judges the run, and no gate is shut; validators of tracks are not asked here."""
    scene = Scene(tmp_path)
    assert scene.finished(replace(shell("false"), after="review")).state == "pushed"
    assert verdicts.read(scene.site.paths) is None


def test_what_is_accepted_is_pushed(tmp_path: Path) -> None:
    """After it was judged; what was said stays for the report."""
    scene = Scene(tmp_path)
    assert scene.finished(shell("grep -q merged merged.txt && echo looks good")).state == "pushed"
    said = verdicts.read(scene.site.paths)
    assert said is not None
    assert [(each.verdict, each.report) for each in said.phases] == [("ACCEPT", "looks good")]


def test_what_is_refused_is_not(tmp_path: Path) -> None:
    """The reason and the command to do it all the same are said; what was merged stays."""
    scene = Scene(tmp_path)
    publication = scene.finished(shell("echo 'two tests \x1b[31mfailed'; exit 1"))
    assert publication == Publication(
        "failed",
        r"nothing was pushed: VALIDATION_ERROR: check: two tests \x1b[31mfailed",
        "git push origin main",
    )
    assert scene.site.git("show", "main:merged.txt") == "merged"
    failed = scene.site.events("push.failed")
    assert [each["why"] for each in failed] == [publication.why]


@pytest.mark.parametrize("remote", [True, False])
def test_what_is_refused_has_failed_without_a_push_too(tmp_path: Path, *, remote: bool) -> None:
    """Where none was asked for, or there is nowhere to push to."""
    publication = Scene(tmp_path, remote=remote).finished(shell("false"), push=False)
    assert (publication.state, publication.command) == ("failed", "git push origin main" if remote else "")


def test_what_cannot_be_judged_is_not_pushed(tmp_path: Path) -> None:
    """Where something is in the way of the checkout."""
    scene = Scene(tmp_path)
    (Path(scene.site.paths.private) / "merged" / "x").mkdir(parents=True)
    publication = scene.finished(shell("true"))
    assert publication.state == "failed"
    assert publication.why.startswith("what was merged could not be judged: ")


def test_a_shut_gate(tmp_path: Path) -> None:
    """Nothing is pushed before a person says so, whatever else was approved; and once it ended a person pushes."""
    scene = Scene(tmp_path)
    gates: tuple[Gate, ...] = ("start", "push")
    shut = Publication("none", "nobody opened the gate push, so nothing was pushed", "git push origin main")
    assert scene.finished(gates=gates) == shut
    approvals.write(scene.site.paths, frozenset({"start"}))
    assert scene.finished(gates=gates) == shut
    Path(approvals.path(scene.site.paths)).write_text(json.dumps({"v": 1, "gates": "push"}))
    assert scene.finished(gates=gates) == shut
    approvals.write(scene.site.paths, frozenset({"start", "push"}))
    assert scene.finished(gates=gates).state == "pushed"


def test_a_validator_is_asked_before_the_gate(tmp_path: Path) -> None:
    """So that a person knows what it says; it is not asked again for the same commit."""
    scene = Scene(tmp_path)
    judge = shell(f"echo x >> {tmp_path}/count")
    assert scene.finished(judge, gates=("push",)).state == "none"
    approvals.write(scene.site.paths, frozenset({"push"}))
    assert scene.finished(judge, gates=("push",)).state == "pushed"
    assert (tmp_path / "count").read_text() == "x\n"


def test_a_cancelled_run_is_not_judged(tmp_path: Path) -> None:
    """Nor pushed."""
    scene = Scene(tmp_path)
    cancel.request(scene.site.paths, None)
    publication = scene.finished(shell(f"touch {tmp_path}/asked"))
    assert (publication.state, "cancelled" in publication.why) == ("none", True)
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("by_daemon", [True, False])
def test_what_the_killed_left_half_written_is_gone(tmp_path: Path, *, by_daemon: bool) -> None:
    """Workers die inside their claims, and a writer of a status did: temporary files stay of the living alone."""
    site = Accepted(tmp_path, [makes(1), makes(2)], remote=False)
    prepare(site.paths)
    folders = [site.root / ".orchestrator_locks" / ".d" / "tmp", Path(temp(site.paths))]
    folders[0].mkdir(mode=0o700, parents=True)
    living = temps.name()
    killed = living.replace(f"-{os.getpid()}-", f"-{dead()}-")
    for folder in folders:
        (folder / living).touch()
    (folders[1] / killed).touch()
    killed_there = "claim.linked:kill"
    if by_daemon:
        with running(site.root, environment(ORCHD_FAILPOINT=killed_there)):
            site.wait_for_end()
    else:
        assert site("run", "ROADMAP.md", "--resume", ORCHD_FAILPOINT=killed_there).status == 2
    assert site.outcomes() == ["failed", "failed"]
    assert [os.listdir(folder) for folder in folders] == [[living], [living]]


def test_what_cannot_be_swept_keeps_no_run_from_its_end(tmp_path: Path) -> None:
    """Where something stands in the place of the folder, it stays."""
    scene = Scene(tmp_path)
    scene.site.write(".orchestrator_locks/.d", "in the way")
    assert scene.finished().state == "pushed"
    assert (scene.site.root / ".orchestrator_locks" / ".d").read_text() == "in the way"
