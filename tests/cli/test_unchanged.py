"""What needs a person since its last end is left alone, where that is asked for, until something changes."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from orchestrator.cli.offering import quarantine
from orchestrator.core.acceptance import Terms
from orchestrator.core.outcome import TIME_IS_OVER
from orchestrator.core.result import Attempt, Result, encode
from orchestrator.core.run import Agent, Outcome, Validator
from orchestrator.core.track import Track
from orchestrator.state import answers, results
from orchestrator.state.answers import Answer
from tests.cli.over import AT, Over

LOGIN: Final = "UNKNOWN: Invalid API key · Please run /login"
LATER, LATEST = "2999-01-31T12:00:00.000Z", "3000-01-31T12:00:00.000Z"
"""After whatever the test makes."""


class Site(Over):
    """A project of one track with a run that has ended, and the terms of that run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 1)
        self.fails(LOGIN)
        self.terms = Terms(self.record.agent, self.record.options, self.record.validators)

    def fails(self, error: str, at: str = LATER) -> None:
        """Let the track have failed with an error."""
        entry = Attempt(1, 1, "0" * 32, AT, finished=True, ended_at=AT, error=error)
        Path(self.paths.result("agent-1")).write_bytes(encode(Result("agent-1", self.tracks[0], (entry,))))
        Path(self.paths.outcome("agent-1")).unlink(missing_ok=True)
        results.write_outcome(self.paths, Outcome("agent-1", self.tracks[0], "failed", at, 1, error=error))

    def why(self, terms: Terms | None = None, **changed: str | tuple[str, ...]) -> str:
        """Return why the track is left alone; ``changed`` are fields that its source has otherwise now."""
        track = replace(Track(self.tracks[0], "T1", 1), **changed)  # type: ignore[arg-type]  # the tests name real fields
        return quarantine(self.layout, self.record.source, [track], 3, terms or self.terms).tracks.get(track.track, "")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """One project for all: only its run's files change."""
    return Site(tmp_path_factory.mktemp("unchanged"))


@pytest.fixture
def site(made: Site) -> Site:
    """The project after a fatal failure."""
    Path(made.paths.answer("agent-1")).unlink(missing_ok=True)
    made.fails(LOGIN)
    return made


def test_nothing_has_changed(site: Site) -> None:
    """The reason names the failure, the run, and the command that takes it up; unasked, it is tried."""
    assert site.why() == (
        f"it needs a person ({LOGIN}), and nothing has changed since run roadmap; `orchd retry roadmap` takes it up"
    )
    track = Track(site.tracks[0], "T1", 1)
    assert not quarantine(site.layout, site.record.source, [track], 3).tracks


def test_something_has_changed(site: Site) -> None:
    """Its text, the settings, who does it or who judges it."""
    terms = site.terms
    assert not site.why(title="T1, but otherwise")
    assert not site.why(body="x")
    assert not site.why(paths=("x",))
    assert not site.why(replace(terms, options=replace(terms.options, timeout_seconds=1.0)))
    assert not site.why(replace(terms, agent=Agent("command", argv=("sh",))))
    assert not site.why(replace(terms, validators=(Validator("v", "command", argv=("true",)),)))
    assert site.why(replace(terms, lifted=("x",), told=("agents",)))


def test_its_program_has_changed(site: Site) -> None:
    """The script of a scripted agent, the program of a command; where that cannot be found, it has not."""
    site.fails(LOGIN, AT)
    assert not site.why()
    Path(f"{site.terms.agent.scripts}/{site.tracks[0]}.toml").rename(site.root / "aside")
    assert site.why()
    (site.root / "aside").rename(f"{site.terms.agent.scripts}/{site.tracks[0]}.toml")


def test_a_person_answered(site: Site) -> None:
    """What was said since then is tried."""
    answers.write(site.paths, "agent-1", Answer(1, "May I?", "Yes.", at=AT))
    assert site.why()
    answers.write(site.paths, "agent-1", Answer(1, "May I?", "Yes.", at=LATEST))
    assert not site.why()


@pytest.mark.parametrize("error", ["TEST_FAILURE: red", "TIMEOUT: late", f"{TIME_IS_OVER} (6h)"])
def test_what_passes_or_can_be_mended_is_tried(site: Site, error: str) -> None:
    """Only a fatal failure is left alone, of the track's own."""
    site.fails(error)
    assert not site.why()


def test_the_newest_run_counts(site: Site) -> None:
    """One in which it was not worked on says nothing; a result that cannot be read is no fatal failure."""
    record = replace(site.record, run="roadmap-2")
    assert results.write_run(site.layout.run("roadmap-2"), record)
    site.end("quarantined", run="roadmap-2", attempt=0)
    assert "since run roadmap;" in site.why()
    Path(site.paths.result("agent-1")).write_text("{")
    assert not site.why()
