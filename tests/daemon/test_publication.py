"""Publication at the end of a run: what it is brought together with, who is asked about that, and what is told."""

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from orchestrator.core.run import GitOptions, Outcome, Publication, RunRecord, Validator
from orchestrator.daemon import destination
from orchestrator.daemon.finish import finish, publish_again
from orchestrator.git import repository, worktree
from orchestrator.state import cancel, results
from tests.daemon.accepted import Accepted, makes
from tests.git import web
from tests.processes import state
from tests.projects import git
from tests.waiting import wait_for

JUDGE = Validator("judge", "command", after="run", timeout_seconds=60)


class Scene:
    """A run of two tracks that nobody drives; the first was merged and is marked, the other failed."""

    def __init__(self, folder: Path) -> None:
        self.site = Accepted(folder, [makes(1), makes(2)])
        self.start = self.site.git("rev-parse", "main")
        self.site.write("merged.txt", "merged\n")
        self.mark(self.site.root, "T1")
        self.site.git("add", "--all")
        self.site.git("commit", "--quiet", "--message=merged")
        for number, ended in enumerate(("merged", "failed"), 1):
            said = Outcome(f"agent-{number}", self.site.tracks[number - 1], ended, "2026-01-31T12:00:10Z", 1)  # type: ignore[arg-type]  # one of them
            assert results.write_outcome(self.site.paths, said)

    def mark(self, folder: Path, *titles: str) -> None:
        """Mark tracks done, as orchd does."""
        path = folder / "ROADMAP.md"
        text = path.read_text()
        for title in titles:
            text = text.replace(f": {title}**", f": {title}** \u2705 **[DONE]**")
        path.write_text(text)

    def moves_on(self, *titles: str, **files: str) -> None:
        """Have somebody else push files, and marks."""
        git(self.site.remote.parent, "clone", "--quiet", str(self.site.remote), "theirs")
        theirs = self.site.remote.parent / "theirs"
        self.mark(theirs, *titles)
        for name, text in files.items():
            (theirs / f"{name}.txt").write_text(text)
        git(theirs, "add", "--all")
        git(theirs, "-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "--quiet", "--message=theirs")
        git(theirs, "push", "--quiet", "origin", "main")

    def record(self, *validators: Validator, **options: object) -> RunRecord:
        """Return the run with other options of git."""
        git_options = replace(GitOptions(), **options)  # type: ignore[arg-type]  # the tests name real fields
        record = self.site.record
        return replace(record, validators=validators, options=replace(record.options, git=git_options))

    def finished(self, *validators: Validator, **options: object) -> Publication:
        """Finish the run; return what became of the push."""
        return self.told(finish(self.site.layout, self.record(*validators, **options)))

    def told(self, publication: Publication) -> Publication:
        """Return what became of the push, which the report says, too; nothing of orchd's is left over."""
        said = self.site.metrics()
        fields = ("publication", "publication_why", "publication_command")
        assert [said[each] for each in fields] == [publication.state, publication.why, publication.command]
        assert tuple(said["publication_output"]) == publication.output
        assert len(worktree.list(repository.survey(str(self.site.root)))) == 1
        self.site.is_sound()
        return publication

    def is_untouched(self) -> None:
        """Check that nothing was pushed, and nothing has moved here."""
        assert git(self.site.remote, "log", "-1", "--format=%s", "main") in {"start", "theirs"}
        assert self.site.git("log", "-1", "--format=%s", "main") == "merged"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A run that is to be finished."""
    return Scene(tmp_path)


def test_a_remote_that_moved_on(scene: Scene) -> None:
    """Both sides are checked and judged together before they are pushed, marks of one file included."""
    scene.moves_on("T2", theirs="theirs\n")
    count = scene.site.root.parent / "count"
    judge = replace(JUDGE, argv=("sh", "-c", f"ls *.txt | wc -l >> {count}"))
    publication = scene.finished(judge, check=("sh", "-c", "cat merged.txt theirs.txt"))
    commit = git(scene.site.remote, "rev-parse", "main")
    assert publication == Publication("pushed", f"main at {commit[:12]}")
    assert scene.site.git("rev-parse", "main") == commit
    assert git(scene.site.remote, "show", "main:ROADMAP.md").count("[DONE]") == 3  # and their group
    assert Path(f"{scene.site.paths.private}/publication.check.log").read_text() == "merged\ntheirs\n"
    assert count.read_text().split() == ["2", "3"]
    assert f"one push of main to origin: main at {commit[:12]}" in Path(scene.site.paths.summary).read_text()


def test_together_they_do_not_pass(scene: Scene) -> None:
    """The check's output comes with it; once it was mended, the push alone is done again."""
    scene.moves_on(theirs="theirs\n")
    check = ("sh", "-c", "test ! -e theirs.txt || { echo 'theirs \033[31mclash'; exit 1; }")
    publication = scene.finished(check=check)
    why = "together with what origin has got meanwhile: TEST_FAILURE: the check of the merge, "
    assert publication.why.startswith(why)
    assert publication.command == "git pull --no-rebase origin main && git push origin HEAD:main"
    assert publication.output == (r"theirs \x1b[31mclash",)
    assert "  ```text\n  theirs \\x1b[31mclash\n  ```" in Path(scene.site.paths.summary).read_text()
    scene.is_untouched()
    ended = scene.site.metrics()["end_time"]
    assert scene.told(publish_again(scene.site.layout, scene.record())).state == "pushed"
    assert scene.site.metrics()["end_time"] == ended
    assert scene.site.git("rev-parse", "main") == git(scene.site.remote, "rev-parse", "main")
    assert [each["state"] for each in scene.site.events("push.done")] == ["pushed"]


def test_together_they_are_not_accepted(scene: Scene) -> None:
    """Who judged what was merged judges what it became, too."""
    scene.moves_on(theirs="theirs\n")
    publication = scene.finished(replace(JUDGE, argv=("sh", "-c", "test ! -e theirs.txt")))
    assert publication.why.startswith("together with what origin has got meanwhile: VALIDATION_ERROR: judge: ")
    scene.is_untouched()


def test_who_refused_is_asked_again(scene: Scene, tmp_path: Path) -> None:
    """When a person wants it published once more: what it was against may be mended."""
    judge = replace(JUDGE, argv=("test", "-e", str(tmp_path / "mended")))
    assert scene.finished(judge).why.startswith("nothing was pushed: VALIDATION_ERROR: judge")
    (tmp_path / "mended").touch()
    assert scene.finished(judge).state == "failed"
    assert scene.told(publish_again(scene.site.layout, scene.record(judge))).state == "pushed"


def test_a_check_that_cannot_be_started(scene: Scene) -> None:
    """That is a failure of the publication, too."""
    scene.moves_on(theirs="theirs\n")
    publication = scene.finished(check=("no-such-program",))
    assert (publication.state, "no-such-program" in publication.why) == ("failed", True)
    assert publication.command == "git push origin main"
    scene.is_untouched()


@pytest.mark.parametrize("cancels", [False, True])
def test_a_push_that_hangs(scene: Scene, tmp_path: Path, *, cancels: bool) -> None:
    """It ends in its time, and at once where a person ends the run; nothing of it goes on."""
    hook = scene.site.remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/new\nmv {tmp_path}/new {tmp_path}/pid\nexec sleep 600\n")
    hook.chmod(0o755)

    def end() -> None:
        wait_for((tmp_path / "pid").exists, 60)
        cancel.request(scene.site.paths, None)

    thread = Thread(target=end)
    if cancels:
        thread.start()
    publication = scene.finished(push_timeout_seconds=600.0 if cancels else 2.0)
    command = f"git push origin {scene.site.git('rev-parse', 'main')}:refs/heads/main"
    if cancels:
        thread.join()
        assert publication == Publication("none", "the run was cancelled while it was pushed", command)
    else:
        assert (publication.state, publication.command) == ("failed", command)
        assert publication.why.endswith(": git did not end within 2 s and was ended")
    wait_for(lambda: not (tmp_path / "pid").exists() or state(int((tmp_path / "pid").read_text())) in ("", "Z"))
    scene.is_untouched()


def test_hooks_of_the_user(scene: Scene) -> None:
    """What pre-push says is told, unless the settings leave hooks out."""
    hook = scene.site.write(".git/hooks/pre-push", "#!/bin/sh\necho not on a Friday >&2\nexit 1\n")
    hook.chmod(0o755)
    publication = scene.finished()
    assert publication.why == "the hook pre-push refused: not on a Friday"
    scene.is_untouched()
    assert scene.told(publish_again(scene.site.layout, scene.record(hooks=False))).state == "pushed"


def test_what_a_former_push_left_is_ended(scene: Scene) -> None:
    """Whoever pushed is gone, and its git still waits for the remote: it is ended, and the push is done again."""
    marks = {"ORCHD_ROOT": str(scene.site.root), "ORCHD_RUN": "roadmap", "ORCHD_PHASE": "publish:push"}
    with subprocess.Popen(["sleep", "20"], env={**os.environ, **marks}) as child:
        Path(f"{scene.site.paths.private}/push.begun").touch()
        assert scene.finished().state == "pushed"
        assert child.wait(30) == -signal.SIGTERM


def test_a_remote_that_was_changed_meanwhile(scene: Scene) -> None:
    """A person says where it goes then, not an agent."""
    destination.note(scene.site.paths, lambda: repository.survey(str(scene.site.root)))
    scene.site.git("config", "remote.origin.pushurl", str(scene.site.remote.parent))
    publication = scene.finished()
    assert publication.why == "where origin is pushed to is not what it was when the run began: see `git remote -v`"


def test_a_password_in_an_address_is_nowhere(scene: Scene) -> None:
    """Not in what is told, and in no file of ours; the server repeats it."""
    with web.running(scene.site.remote.parent, "ann:right") as site:
        site.closed = True
        address = f"{site.site.replace('://', '://ann:hunter2hunter2@')}/{scene.site.remote.name}"
        scene.site.git("remote", "set-url", "origin", address)
        destination.note(scene.site.paths, lambda: repository.survey(str(scene.site.root)))
        publication = scene.finished()
    assert publication.state == "failed"
    assert "Authentication failed" in publication.why
    assert "remote: nobody is called ann:***" in publication.output
    ours = [path for top in ("runtime", "orchestrator_logs") for path in (scene.site.root / top).rglob("*")]
    told = [path.read_bytes() for path in ours if path.is_file()]
    assert len(told) > 5
    assert not any(b"hunter2" in each for each in told)
