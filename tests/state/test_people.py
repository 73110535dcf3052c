"""What people say to a run is on disk, whole, and read back as it was said."""

from pathlib import Path

import pytest

from orchestrator.errors import Unreadable
from orchestrator.state import answers, approvals
from orchestrator.state.answers import Answer
from orchestrator.state.layout import Layout, RunLayout


@pytest.fixture
def paths(tmp_path: Path) -> RunLayout:
    """The files of a run."""
    made = Layout(str(tmp_path)).run("roadmap")
    Path(made.folder).mkdir(parents=True)
    return made


def test_an_answer_is_read_as_it_was_given(paths: RunLayout) -> None:
    """With the attempt that it is for; a later one stands in its place."""
    assert answers.read(paths.answer("agent-1")) is None
    answers.write(paths, "agent-1", Answer(1, "Which?", "That.", "2026-01-31T12:00:00Z"))
    assert answers.read(paths.answer("agent-1")) == Answer(1, "Which?", "That.", "2026-01-31T12:00:00Z")
    answers.write(paths, "agent-1", Answer(2, "And now?", "Ça \u202e\n"))
    later = answers.read(paths.answer("agent-1"))
    assert later is not None
    assert (later.attempt, later.text) == (2, "Ça \u202e\n")
    assert later.at.endswith("Z")


def test_gates_are_opened(paths: RunLayout) -> None:
    """Nobody has said anything, or these are open."""
    assert approvals.read(approvals.path(paths)) is None
    approvals.write(paths, frozenset({"push", "start"}))
    found = approvals.read(approvals.path(paths))
    assert found is not None
    assert found.gates == ("push", "start")


@pytest.mark.parametrize("content", ["", "[]", '{"v": 2, "gates": []}', '{"v": 1, "gates": ["all"]}', '{"v": 1}'])
def test_what_is_not_said_is_not_guessed(paths: RunLayout, content: str) -> None:
    """A file that says something else is refused with the reason."""
    Path(approvals.path(paths)).write_text(content, encoding="utf-8")
    Path(paths.answer("agent-1")).write_text(content, encoding="utf-8")
    with pytest.raises(Unreadable):
        approvals.read(approvals.path(paths))
    with pytest.raises(Unreadable):
        answers.read(paths.answer("agent-1"))
