"""The report for people."""

from dataclasses import replace

import pytest

from orchestrator.core.run import Outcome, Publication
from orchestrator.reports.metrics import Ending, measure
from orchestrator.reports.summary import human, plain, summarise
from tests.core import runs
from tests.reports.test_metrics import ending


def report(made: Ending) -> str:
    """Return the report of a run."""
    return summarise(made, measure(made))


def test_has_the_parts_of_the_form() -> None:
    """The headings are those that tools and people look for, in order."""
    headings = [line for line in report(ending()).splitlines() if line.startswith("#")]
    assert headings == [
        "## Parallel Orchestration Results",
        "### Successful Tasks",
        "### Failed Tasks",
        "### Next Steps",
        "### Performance Metrics",
    ]
    assert "- **Success Rate**: 1/3 (33.3%)" in report(ending())


def test_names_every_failure_with_its_reason() -> None:
    """Timed-out and never-started tracks are in the report, with what to do next."""
    text = report(ending())
    assert "failed: TIMEOUT: phase work took longer than 4 s" in text
    assert "- duration: not started" in text
    assert "`orchd logs t2`" in text


def test_says_where_unmerged_work_stands() -> None:
    """A conflict names its files, what was kept, and the command that resolves it."""
    conflict = Outcome(
        "agent-1", "t1", "conflict", "x", 1, error="FILE_CONFLICT: a.py", kept="worktree worktrees/agent-1"
    )
    text = report(ending(outcomes=(conflict,)))
    assert "- kept: `worktree worktrees/agent-1`" in text
    assert "`git merge feat/t1`, then mark it done" in text
    assert "### Successful Tasks\n\nNone." in text


def test_notes_of_merged_tracks_are_shown() -> None:
    """What a person should know of a merge stands below it."""
    text = report(ending(outcomes=(replace(runs.outcome(1), note="main was not moved"),)))
    assert "- note: `main was not moved`" in text
    assert "- Read the notes above" in text
    assert "Nothing is left" not in text


@pytest.mark.parametrize(
    ("publication", "words"),
    [
        (Publication("pushed"), "one push of main to origin"),
        (Publication("already"), "origin already had it"),
        (Publication("failed", "rejected", "git push origin main"), "**the push failed**: rejected"),
        (Publication("none", "the repository has no remote"), "the repository has no remote"),
        (Publication("none"), "nothing was pushed"),
    ],
)
def test_publication_is_told(publication: Publication, words: str) -> None:
    """The report says what became of the push."""
    assert f"- **Published**: {words}" in report(ending(publication=publication))


def test_failed_push_names_the_command() -> None:
    """Work that is safe locally can be published by hand."""
    text = report(ending(outcomes=(runs.outcome(1),), publication=Publication("failed", "no", "git push origin main")))
    assert "- Publish what was merged: `git push origin main`" in text
    assert "Nothing is left" not in text


def test_each_end_has_its_next_step() -> None:
    """Cancelled, never started and failed tracks are taken up in different ways; a good run needs nothing."""
    ended = (
        runs.outcome(1, "cancelled"),
        replace(runs.outcome(2, "failed", "FILE_CONFLICT: held"), attempt=0),
        runs.outcome(3, "failed", "UNKNOWN: 3"),
    )
    text = report(ending(outcomes=ended))
    assert "- t1 was cancelled: run the source again" in text
    assert "- t2 was not started: mend the cause" in text
    assert "- Look at t3: `orchd logs t3`" in text
    assert "Nothing is left to do for these tracks." in report(ending(outcomes=(runs.outcome(1),)))


def test_a_command_that_publishes_is_named_whatever_came_before() -> None:
    """A cancelled run is not pushed; how to do it by hand is said."""
    held = Publication("none", "the run was cancelled, so nothing was pushed", "git push origin main")
    assert "- Publish what was merged: `git push origin main`" in report(ending(publication=held))


def test_empty_run_is_told() -> None:
    """A run without tracks says so, and what is unknown is called unknown."""
    text = report(ending(outcomes=(), results={}))
    assert "No track was in this run." in text
    assert "- Speed-up: unknown" in text
    assert "- Cost: unknown" in text


def test_cost_is_told_when_known() -> None:
    """A known cost is shown in dollars."""
    made = ending()
    assert "- Cost: 1.25 USD" in summarise(made, replace(measure(made), cost_usd=1.25))


def test_hostile_text_stays_text() -> None:
    """Markup and control characters out of titles and errors do not reach the page as such."""
    assert plain("<script>\x1b[31m*x*\n# y") == "\\<script\\>\\\\x1b\\[31m\\*x\\*\\\\x0a\\# y"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "unknown"), (4.24, "4.2 s"), (59.9, "59.9 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_for_people(seconds: float | None, words: str) -> None:
    """Durations read as people say them."""
    assert human(seconds) == words
