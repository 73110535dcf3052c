"""What failed in too many runs is not worked on, until a person says otherwise."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cli.offering import quarantine
from orchestrator.core.result import Attempt, Result, encode
from orchestrator.core.track import Track
from orchestrator.state import answers, results
from orchestrator.state.answers import Answer
from tests.cli.over import AT, Over


class Failed(Over):
    """A project of two tracks; the first failed in run after run, the second was merged each time."""

    def __init__(self, folder: Path, runs: int) -> None:
        super().__init__(folder, 2)
        self.end("failed", "merged")
        for number in range(2, runs + 1):
            self.add(f"roadmap-{number}")

    def add(self, run: str, lifted: Sequence[str] = ()) -> None:
        """Let one more run end in the same way."""
        record = replace(self.record, run=run, lifted=tuple(lifted))
        assert results.write_run(self.layout.run(run), record)
        self.end("failed", "merged", run=run)

    def found(self, after: int = 3) -> Sequence[str]:
        """Return the tracks in quarantine."""
        tracks = [Track(each, each, 1) for each in self.tracks]
        return list(quarantine(self.layout, self.record.source, tracks, after).tracks)


def test_runs_in_a_row(tmp_path: Path) -> None:
    """Those of the same source count, up to the first one that a person asked for."""
    site = Failed(tmp_path, 2)
    assert (site.found(), site.found(2), site.found(0)) == ([], site.tracks[:1], [])
    site.add("roadmap-3")
    assert site.found() == site.tracks[:1]
    tracks = [Track(site.tracks[0], "T1", 1)]
    assert not quarantine(site.layout, "/elsewhere/ROADMAP.md", tracks, 3).tracks
    site.add("roadmap-4", lifted=site.tracks[:1])
    assert site.found() == []


def test_a_file_that_is_none(tmp_path: Path) -> None:
    """What cannot be read says nothing, and stops nothing."""
    site = Failed(tmp_path, 4)
    Path(site.layout.run("roadmap-2").record).write_text("{")
    Path(site.layout.run("roadmap-3").outcome("agent-1")).write_text("[]")
    assert site.found(2) == site.tracks[:1]
    assert site.found(3) == []


def test_nothing_else_is_to_be_done(tmp_path: Path) -> None:
    """No run begins for what waits for a track in quarantine, either."""
    site = Failed(tmp_path, 3)
    first, second = (Track(each, each, 1) for each in site.tracks)
    for tracks, work in (([first], False), ([first, replace(second, depends_on=(first.track,))], False)):
        assert quarantine(site.layout, site.record.source, tracks, 3).work is work
    assert quarantine(site.layout, site.record.source, [first, second], 3).work


@pytest.mark.parametrize("word", ["", "--retry"])
def test_orchd_run(tmp_path: Path, word: str) -> None:
    """It is shown and reported, and the others are done; with ``--retry`` it is taken up."""
    site = Failed(tmp_path, 3)
    said = site("run", "ROADMAP.md", "--json", *([word] if word else []))
    one, two = said.document["tracks"]
    record = site.record_of("roadmap-4")
    if word:
        assert (said.status, one["outcome"], record.lifted) == (0, "merged", tuple(site.tracks))
        return
    assert (one["outcome"], two["outcome"]) == ("quarantined", "merged")
    assert f"{site.tracks[0]} is in quarantine: it failed in 3 runs (last: TEST_FAILURE: red)" in said.err
    assert "--retry` takes it up" in one["error"]
    alone = site("run", "ROADMAP.md")
    assert (alone.status, alone.out) == (0, "NO WORK AVAILABLE\n")
    assert "is in quarantine" in alone.err
    assert site("run", "ROADMAP.md", "--retry").status == 0
    assert site.git("show", "main:1.txt") == "made"


def test_orchd_plan(tmp_path: Path) -> None:
    """What a run would leave alone is shown as such, and why; the document has the state that the source says."""
    site = Failed(tmp_path, 3)
    one, two = site.tracks
    document = site("plan", "ROADMAP.md", "--json").document
    assert [each["state"] for each in document["tracks"]] == ["open", "open"]
    (finding,) = (each for each in document["findings"] if each["rule"] == "quarantine")
    assert (finding["level"], finding["line"]) == ("warn", document["tracks"][0]["line"])
    assert finding["message"].startswith(f"{one} is in quarantine: it failed in 3 runs")
    said = site("plan", "ROADMAP.md").out
    assert any(line.split()[1:3] == [one, "quarantined"] for line in said.splitlines())
    assert f"a run takes on {two}; left alone, in quarantine: {one}\n" in said
    assert site("plan", "ROADMAP.md", "--tracks", one).out.endswith(
        f"NO WORK AVAILABLE; left alone, in quarantine: {one}\n"
    )


def test_an_answer_is_a_person_s_word(tmp_path: Path) -> None:
    """What a person answers after the end of a run lifts the quarantine, and the next run tells it to the agent."""
    site = Failed(tmp_path, 3)
    one = site.tracks[0]
    paths = site.layout.run("roadmap-3")
    entry = Attempt(1, 1, "0" * 32, AT, finished=True, ended_at=AT, error="UNKNOWN: asked: Which?", asked="Which?")
    Path(paths.result("agent-1")).write_bytes(encode(Result("agent-1", one, (entry,))))
    assert site.found() == [one]
    early = Answer(1, "Which?", "This one.", at="2026-01-31T12:00:00.000Z")
    answers.write(paths, "agent-1", early)
    assert site.found() == [one], "the agent had heard that, and failed all the same"
    said = site("answer", one, "The other.")
    assert said.out.endswith("`orchd retry roadmap-3` takes it up, or the next run of its source\n"), said
    assert site.found() == []
    ran = site("run", "ROADMAP.md", "--json")
    assert ran.status == 0, ran
    assert "quarantine" not in ran.err
    handed = answers.read(site.layout.run("roadmap-4").answer("agent-1"))
    assert handed is not None
    assert (handed.attempt, handed.question, handed.text) == (0, "Which?", "The other.")
