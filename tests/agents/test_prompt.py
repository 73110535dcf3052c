"""What an agent is told."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agents.prompt import LONGEST, prompt
from orchestrator.core.run import RunTrack
from orchestrator.core.text import visible
from tests.core import runs

TRACK = replace(
    runs.spec(1),
    title="Count words",
    body="- read `words.py`\n\tand count",
    acceptance=("it must count",),
    paths=("words.py", "tests/"),
)


def told(track: RunTrack = TRACK, phase: str = "work") -> str:
    """Return the prompt of a track."""
    return prompt(runs.record(track, timeout_seconds=90.0, heartbeat_seconds=30.0), track, phase)


def headings(text: str) -> list[str]:
    """Return the lines that begin a part."""
    return [line for line in text.splitlines() if line.startswith("#")]


@pytest.mark.parametrize("phase", ["work", "review"])
def test_the_order_is_the_contract(phase: str) -> None:
    """Who, task, criteria, requirements, status, success, begin."""
    text = told(phase=phase)
    assert headings(text) == [
        f"# {phase.capitalize()}: Count words",
        "## Task",
        "## Acceptance criteria",
        "## Requirements",
        "## Status",
        "## Success",
    ]
    assert text.endswith("\n\nBegin.\n")


def test_who_and_where() -> None:
    """Agent, track, run, directory, branch and limit are said first."""
    head = told().partition("## Task")[0]
    for part in ("agent-1", "track t1", "run roadmap", "/root/worktrees/agent-1", "feat/t1", "90 s"):
        assert part in head
    assert "interrupted" not in head
    assert "interrupted" in told(replace(TRACK, resume=True)).partition("## Task")[0]


def test_the_task_is_quoted_and_whole() -> None:
    """Every line of the source, with its indentation, and the files that it names."""
    task = told().partition("## Task")[2].partition("##")[0]
    assert "> - read `words.py`\n>     and count" in task
    assert "Files named: words.py, tests/" in task
    assert "- it must count\n" in told()
    long = "x" * LONGEST
    assert f"> {long}\n" in told(replace(TRACK, body=long))


def test_a_track_of_a_title_only() -> None:
    """What is not there is said or left out, never an empty part."""
    text = told(runs.spec(1))
    assert "(no details were given)" in text
    assert "Acceptance" not in text
    assert "Files named" not in text


def test_how_to_report_and_what_not_to_do() -> None:
    """The status contract: how often, the command, the file, the question, the error; no push, no other branch."""
    for phase in ("work", "review"):
        text = told(phase=phase)
        for part in ("every 30 s", "orchd progress", "$STATUS_FILE", "--needs-input", "--error"):
            assert part in text
        assert re.search(r"(?i)\bno(t)? push", text)
    assert "maintainability" in told(phase="review")


@given(st.text(max_size=300), st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_whatever_the_source_says_stays_quoted(body: str, title: str, criteria: list[str]) -> None:
    """No text of the source becomes a part of its own, hides a character, or cannot be encoded."""
    text = told(replace(TRACK, body=body, title=title, acceptance=tuple(criteria)))
    assert len(headings(text)) == (6 if criteria else 5)
    assert all(visible(line, 10**6) == line for line in text.split("\n"))
    assert text.encode("utf-8")
