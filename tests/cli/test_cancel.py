"""A run, or one track of it, is asked to end."""

import os
from pathlib import Path

import pytest

from orchestrator.core import run as core
from orchestrator.core.run import Agent, Options, Outcome, RunRecord, RunTrack
from orchestrator.daemon.instance import Instance
from orchestrator.state import cancel, results
from orchestrator.state.layout import Layout, RunLayout
from tests.cli.orchd import Ended
from tests.projects import Project
from tests.state.records import end

RUN = "roadmap"
TRACKS = ("t1", "t2")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A root with a run of two tracks that was accepted and that nobody drives."""
    made = Project(tmp_path)
    made.write("orchestrator.toml", "")
    layout = Layout(str(tmp_path))
    tracks = tuple(
        RunTrack(f"agent-{number}", track, track.upper(), f"feat/{track}", layout.worktree(f"agent-{number}"))
        for number, track in enumerate(TRACKS, 1)
    )
    at = "2026-01-31T12:00:00.000Z"
    agent = Agent("scripted", scripts="/agents")
    record = RunRecord(RUN, "o", "/my plan.md", "roadmap", at, "main", "c" * 40, None, agent, Options(), tracks)
    results.write_run(layout.run(RUN), record)
    return made


def paths(project: Project) -> RunLayout:
    """Return the files of the run."""
    return Layout(str(project.root)).run(RUN)


def asked(project: Project, *words: str) -> Ended:
    """Ask for the end; whatever the answer, it is no traceback."""
    said = project("cancel", *words)
    assert said.tame
    return said


def ended_by(project: Project) -> tuple[str, ...] | None:
    """Return which tracks of the run were asked to end, None for all."""
    request = cancel.read_request(paths(project).cancel)
    assert request is not None
    return request.tracks


def test_a_run_that_nobody_drives_is_seen_to_its_end(project: Project) -> None:
    """The request stands in the run's folder, and the command itself carries it out."""
    said = asked(project, RUN)
    assert (said.status, said.err) == (0, "")
    assert ended_by(project) is None
    assert said.out.splitlines()[0] == "run roadmap is asked to end"
    assert said.out.splitlines()[-1] == "run roadmap is over"
    assert "cancelled before it started" in Path(paths(project).summary).read_text(encoding="utf-8")


def test_one_track_of_it_waits_for_somebody(project: Project) -> None:
    """A person is told who would carry it out."""
    said = asked(project, RUN, "t1")
    assert "nobody drives run roadmap" in said.out
    assert "orchd run '/my plan.md' --resume" in said.out


def test_one_track_is_asked_to_end(project: Project) -> None:
    """The others go on; asking for them too adds to it."""
    assert asked(project, RUN, "t2").out.startswith("t2 is asked to end\n")
    assert ended_by(project) == ("t2",)
    asked(project, RUN)
    assert ended_by(project) is None


def test_somebody_drives_the_run(project: Project) -> None:
    """Then there is nothing more to do."""
    instance = Instance(paths(project).conductor)
    assert instance.take()
    try:
        assert asked(project, RUN).out == "run roadmap is asked to end\n"
        document = asked(project, RUN, "t1", "--json").document
    finally:
        instance.release()
    assert document == {"run": RUN, "track": "t1", "over": False, "driven": True}


def test_the_run_is_over(project: Project) -> None:
    """Said, and nothing is asked for."""
    end(paths(project), 2)
    said = asked(project, RUN)
    assert (said.status, said.out) == (0, "run roadmap is over\n")
    assert not os.path.lexists(paths(project).cancel)
    assert asked(project, RUN, "--json").document["over"] is True


def test_the_track_is_over(project: Project) -> None:
    """The run goes on; of the track it is said how it ended."""
    outcome = Outcome("agent-1", "t1", "merged", "2026-01-31T12:00:07Z", 1, commit="d" * 40)
    Path(paths(project).outcome("agent-1")).write_bytes(core.encode(outcome))
    said = asked(project, RUN, "t1")
    assert (said.status, said.out) == (0, "t1 is over: merged\n")
    assert not os.path.lexists(paths(project).cancel)


def test_what_is_not_there(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An unknown run or track, and what is no name: one line, nothing asked for."""
    names: list[list[str]] = [["missing"], ["../x"], ["\x1b[2J"], [""], ["x" * 5000], []]
    names += [[RUN, "t9"], [RUN, "a/b"], [RUN, "t1", "t2"]]
    commands = [["cancel", *words] for words in names]
    for words, said in zip(names, project.many(commands, tmp_path_factory.mktemp("said")), strict=True):
        assert (said.status, said.out, said.tame) == (64, "", True), words
    assert not os.path.lexists(paths(project).cancel)


def test_a_record_that_cannot_be_read(project: Project) -> None:
    """It is named and left as it is."""
    Path(paths(project).record).write_text("{}")
    said = asked(project, RUN, "--json")
    assert said.status == 9
    assert said.error["code"] == "unreadable"
    assert Path(paths(project).record).read_text() == "{}"
