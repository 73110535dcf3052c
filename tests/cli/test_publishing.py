"""A run whose push failed: what it says of that, and the push alone, once more."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cli import ending, publishing
from orchestrator.core.run import Outcome, Validator
from orchestrator.daemon.finish import finish
from orchestrator.daemon.instance import Instance
from orchestrator.errors import Held
from orchestrator.state import results
from tests.cli.over import AT, Over
from tests.daemon.accepted import Accepted, makes
from tests.projects import git


@pytest.fixture
def site(tmp_path: Path) -> Accepted:
    """A run of one track that was merged, and could not be pushed: the remote is gone."""
    made = merged(tmp_path)
    made.remote.rename(tmp_path / "aside.git")
    assert finish(made.layout, made.record).state == "failed"
    return made


def merged(folder: Path) -> Accepted:
    """Return a run of one track that was merged and is to be finished."""
    made = Accepted(folder, [makes(1)])
    made.write("1.txt", "made\n")
    made.write("ROADMAP.md", (made.root / "ROADMAP.md").read_text().replace(": T1**", ": T1** [DONE]"))
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message=merged")
    done = Outcome("agent-1", made.tracks[0], "merged", AT, 1, commit=made.git("rev-parse", "main"))
    assert results.write_outcome(made.paths, done)
    return made


def back(site: Accepted) -> None:
    """Have the remote back."""
    site.remote.with_name("aside.git").rename(site.remote)


def test_the_push_alone_is_done_again(site: Accepted) -> None:
    """By --resume, as often as it takes; no track is touched; a remote that has it is left alone after that."""
    before = Path(site.paths.outcome("agent-1")).read_bytes()
    said = site("run", "ROADMAP.md", "--resume")
    assert said.status == 1
    assert "main is not published: git: '" in said.out
    assert "; next: `git push origin " in said.out
    assert "\n  | fatal: Could not read from remote repository." in said.out
    back(site)
    said = site("run", "ROADMAP.md", "--resume")
    commit = site.git("rev-parse", "main")
    assert (said.status, site.pushes()) == (0, 1)
    assert f"main was pushed to origin, once: main at {commit[:12]}" in said.out
    assert git(site.remote, "rev-parse", "main") == commit
    assert Path(site.paths.outcome("agent-1")).read_bytes() == before
    assert site("run", "ROADMAP.md", "--resume").status == 64
    assert [each["state"] for each in site.events("push.done")] == ["pushed"]
    assert len(site.events("push.failed")) == 2


def test_a_push_that_is_due_is_not_forgotten(site: Accepted) -> None:
    """Where no track is left, a run says what is still to be pushed; once it is, it says no more."""
    said = site("run", "ROADMAP.md")
    assert (said.status, said.out) == (0, "NO WORK AVAILABLE\n")
    assert f"run roadmap could not push what it merged; unless you have, `orchd run {site.root}/ROADMAP.md" in said.err
    back(site)
    assert site("run", "ROADMAP.md", "--resume").status == 0
    assert site("run", "ROADMAP.md").err == ""


def test_a_retry_with_no_track_left_publishes(site: Accepted) -> None:
    """And once that is done there is nothing left to retry."""
    back(site)
    said = site("retry", "roadmap", "--json")
    assert (said.status, said.document["publication"], site.pushes()) == (0, "pushed", 1)
    assert site("retry", "roadmap").out == "nothing of run roadmap is left to retry\n"


def test_one_at_a_time(site: Accepted) -> None:
    """Whoever does so drives the run."""
    back(site)
    other = Instance(site.paths.conductor)
    assert other.take()
    with pytest.raises(Held, match="somebody else is at work on run roadmap"):
        publishing.again(site.layout, site.record, as_json=True)
    other.release()
    assert site.pushes() == 0


def test_only_the_newest_run_counts(tmp_path: Path) -> None:
    """What an older one could not push went with the push of a later one, or is not wanted any more."""
    site = Over(tmp_path, 1)
    assert publishing.newest_due(site.layout, site.record.source) is None
    site.end("merged")
    Path(site.paths.metrics).write_text('{"run": "roadmap", "publication": "failed"}')
    assert publishing.newest_due(site.layout, site.record.source) == site.record
    assert publishing.newest_due(site.layout, "/elsewhere") is None
    site.accept("later", {})
    Path(site.layout.run("later").record).write_text(
        Path(site.layout.run("later").record).read_text().replace("2026-01-31T12:00:00", AT[:19])
    )
    assert publishing.newest_due(site.layout, site.record.source) is None


def test_a_refusal_is_not_told_as_a_push_that_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a validator of the run said no, nothing was pushed, and that is what is said."""
    site = merged(tmp_path)
    record = replace(site.record, validators=(Validator("judge", "command", after="run", argv=("false",)),))
    finish(site.layout, record)
    assert ending.conclude(site.paths, record, as_json=False, status=None) == 1
    said = capsys.readouterr().out
    assert "\nmain is not published: nothing was pushed: VALIDATION_ERROR: judge" in said
    assert "; next: `git push origin main`\n" in said
    assert site.pushes() == 0
