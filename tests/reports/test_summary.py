"""The report for people."""

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from orchestrator.core.result import Result
from orchestrator.core.run import Outcome, Publication
from orchestrator.core.text import visible
from orchestrator.reports.metrics import Ending, Going, measure
from orchestrator.reports.summary import MOST_EXCERPTS, summarise
from tests.core import runs
from tests.reports.endings import LATE, ending, hostile, one, phase


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
        "### Timeline",
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
    assert "- t1: resolve the conflict, then mark the track done in the source: `git merge feat/t1`" in text
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
        (Publication("pushed", "main at 1; it lags"), "one push of main to origin: main at 1; it lags"),
        (Publication("already"), "origin already had it"),
        (Publication("failed", "rejected", "git push origin main"), "**not published**: rejected"),
        (Publication("none", "the repository has no remote"), "the repository has no remote"),
        (Publication("none"), "nothing was pushed"),
    ],
)
def test_publication_is_told(publication: Publication, words: str) -> None:
    """The report says what became of the push."""
    assert f"- **Published**: {words}" in report(ending(publication=publication))


def test_failed_push_names_the_command() -> None:
    """Work that is safe locally can be published by hand."""
    failed = Publication("failed", "no", "git push origin main", ("tests:", "```red"))
    text = report(ending(outcomes=(runs.outcome(1),), publication=failed))
    assert "- **Published**: **not published**: no\n\n  ```text\n  tests:\n  '''red\n  ```\n" in text
    assert "- Publish what was merged: `git push origin main`" in text
    assert "- Or, once that was mended, have orchd push it: `orchd run /project/ROADMAP.md --resume`" in text
    assert "Nothing is left" not in text


def test_each_end_has_its_next_step() -> None:
    """Cancelled, never started and failed tracks are all taken up by one command; a good run needs nothing."""
    ended = (
        runs.outcome(1, "cancelled"),
        replace(runs.outcome(2, "failed", "FILE_CONFLICT: held"), attempt=0),
        runs.outcome(3, "failed", "UNKNOWN: 3"),
    )
    text = report(ending(outcomes=ended))
    assert text.count("- Try again what was not merged: `orchd retry roadmap`") == 1
    assert "read all that it printed: `orchd logs t3`" in text
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


def test_a_failure_has_its_diagnosis() -> None:
    """Class, cause, how it ended, cost, and the end of its log, whatever stands in that."""
    bad = runs.attempt(runs.phase(status=127), error="UNKNOWN: status 127")
    outcome = runs.outcome(1, "failed", "UNKNOWN: status 127")
    log = {"agent-1": ("sh: x: not found", "```", "\x1b[31m")}
    text = report(one(outcome, bad, excerpts=log))
    assert "  - likely cause: the agent's command, or one that it calls, is not on this machine" in text
    assert "  - class: fatal" in text
    assert "  - how: phase work ended with status 127" in text
    assert "1 attempt, cost unknown" in text
    assert "    ```text\n    sh: x: not found\n    '''\n    \\x1b[31m\n    ```\n" in text


def test_only_so_many_logs_are_quoted() -> None:
    """The report of a run in which everything failed can still be read."""
    count = MOST_EXCERPTS + 5
    specs = [runs.spec(number) for number in range(1, count + 1)]
    outcomes = [runs.outcome(number, "failed", LATE) for number in range(1, count + 1)]
    made = replace(ending(outcomes=outcomes, results={}), record=runs.record(*specs))
    text = report(replace(made, excerpts={each.agent_id: ("line",) for each in specs}))
    assert text.count("the end of its log") == MOST_EXCERPTS
    assert text.count("likely cause") == count


def test_who_judged_the_whole_run_is_told() -> None:
    """Each with its verdict, and why where it refused."""
    good = phase(name="build", kind="validator", verdict="ACCEPT")
    text = report(
        ending(judged=[good, replace(good, name="lint", verdict="REVISE", error="VALIDATION_ERROR: lint: 2")])
    )
    assert "- **Judged**: validator build: ACCEPT\n" in text
    assert "- **Judged**: validator lint: REVISE (VALIDATION_ERROR: lint: 2)\n" in text


def test_pull_requests_are_named() -> None:
    """Beside the commit."""
    assert "commit cccccccccccc, PR #7, 10.0 s" in report(ending(pull_requests={"agent-1": 7}))


def test_a_run_that_goes_on_says_so() -> None:
    """It has no end, nothing is published, and what goes on says where it is."""
    going = {"agent-2": Going("running", "its worker is alive")}
    text = report(ending(outcomes=(runs.outcome(1),), going=going, over=False))
    assert "- **Not over**: this is how it stood at 2026-01-31T12:00:30.000Z" in text
    assert "- **Published**: not yet" in text
    assert "### Tasks Not Over\n\n- **agent-2** · t2 · Track 2\n  - running: its worker is alive\n" in text
    assert "- See where it is: `orchd status`" in text


def test_a_question_comes_before_another_try() -> None:
    """What a person has to say first stands first."""
    asks = replace(runs.attempt(), asked="which?")
    text = report(one(runs.outcome(1, "failed", "UNKNOWN: nobody answered"), asks))
    steps = text[text.index("### Next Steps") :]
    assert steps.index("orchd answer t1 'YOUR ANSWER'") < steps.index("orchd retry roadmap")


def test_the_timeline_is_bounded() -> None:
    """A long one is shown by its ends, and says so."""
    assert "| 0.0 s |  | run accepted | /project/ROADMAP.md |" in report(ending())
    specs = [runs.spec(number) for number in range(1, 101)]
    results = {each.agent_id: Result(each.agent_id, each.track, (runs.attempt(),)) for each in specs}
    text = report(replace(ending(results=results, outcomes=()), record=runs.record(*specs)))
    assert "| … | | 242 more are in `orchd report roadmap --json` and `--html` | |" in text
    assert len(text.splitlines()) < 120


def test_hostile_text_stays_text() -> None:
    """Every line is safe to show, no heading or code fence comes from outside, and no table row is broken."""
    text = report(hostile())
    assert all(visible(line, 10_000) == line for line in text.splitlines())
    assert sum(line.startswith("#") for line in text.splitlines()) == 6
    tokens = [inner for each in MarkdownIt().parse(text) for inner in (each, *(each.children or ()))]
    assert not {"html_block", "html_inline", "link_open", "image"} & {each.type for each in tokens}
    assert sum(each.type == "fence" for each in tokens) == len(hostile().outcomes)  # the failed ones, and the push
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
