"""What happened in a run, in order."""

from dataclasses import replace

from orchestrator.core.result import Result
from orchestrator.reports.metrics import Ending
from orchestrator.reports.timeline import Entry, bounded, timeline
from tests.core import runs
from tests.reports.endings import LATE, ending, hostile, one, phase

DONE = runs.outcome(1)


def told(made: Ending) -> list[tuple[str, str, str]]:
    """Return track, what and detail of each entry."""
    return [(each.track, each.what, each.detail) for each in timeline(made)]


def test_the_whole_of_a_good_track() -> None:
    """From the acceptance to the end of the run, in order of time."""
    entry = replace(runs.attempt(runs.phase(), runs.phase("commit", kind="commit")), cost_usd=0.5)
    assert told(one(replace(DONE, note="see notes"), entry)) == [
        ("", "run accepted", "/project/ROADMAP.md"),
        ("t1", "attempt 1 began", ""),
        ("t1", "phase work passed", "after 4.0 s"),
        ("t1", "phase commit passed", "after 4.0 s"),
        ("t1", "attempt 1 passed", "0.50 USD"),
        ("t1", "merged", "as cccccccccccc; see notes"),
        ("", "run ended", "main at cccccccccccc"),
    ]


def test_retries_and_what_they_waited_for() -> None:
    """Each attempt says why there is one, and how it ended."""
    failed = replace(runs.attempt(phase(ending="timed_out", status=None, error=LATE)), error=LATE)
    asked = replace(failed, attempt=2, cause="retry", asked="which port?", error="")
    stuck = replace(failed, attempt=3, cause="answered", blocked="no access", error="")
    limited = replace(failed, attempt=4, limited=True, limited_until="2026-02-01T00:00:00Z", error="")
    died = replace(failed, attempt=5, cause="limit", finished=False, ended_at="", phases=())
    made = one(runs.outcome(1, "failed", LATE), failed, asked, stuck, limited, died)
    found = {what: detail for _, what, detail in told(made)}
    assert found["phase work did not pass"] == f"after 4.0 s: {LATE}"
    assert found["attempt 1 failed"] == LATE
    assert (found["attempt 2 began"], found["attempt 2 asks"]) == ("again, after a failure", "which port?")
    assert (found["attempt 3 began"], found["attempt 3 is blocked"]) == ("again, with an answer", "no access")
    assert found["attempt 4 met a usage limit"] == "until 2026-02-01T00:00:00Z"
    assert found["attempt 5 began"] == "again, after the usage limit"
    assert not any(what.startswith("attempt 5") and what != "attempt 5 began" for what in found)


def test_validators_say_their_verdict() -> None:
    """With the first line of their report; one that did not judge says so."""
    lint = runs.phase("lint", kind="validator", verdict="REVISE", report="2 faults\nmore", status=1)
    entry = runs.attempt(lint, replace(lint, verdict=""), replace(lint, status=0, verdict="", report=""))
    judged = [each for each in told(one(DONE, entry)) if each[1].startswith("validator")]
    assert judged == [
        ("t1", "validator lint: REVISE", "after 4.0 s: 2 faults"),
        ("t1", "validator lint: no verdict", "after 4.0 s: 2 faults"),
        ("t1", "validator lint: ACCEPT", "after 4.0 s"),
    ]


def test_who_judged_the_whole_run_is_in_it() -> None:
    """As an entry of the run."""
    judged = [phase(name="build", kind="validator", verdict="REJECT", report="no")]
    assert ("", "validator build: REJECT", "after 4.0 s: no") in told(ending(judged=judged))


def test_the_journal_tells_what_the_files_do_not() -> None:
    """Wakes, pushes, answers; not what is told better by the files, or too often to read."""
    events: list[dict[str, object]] = [
        {"at": "2026-01-31T12:00:26Z", "event": "wake.woke", "run": "roadmap", "alive": 2, "why": "", "more": None},
        {"at": "2026-01-31T12:00:27Z", "event": "answered", "agent_id": "agent-2", "answer": "8080"},
        {"at": "2026-01-31T12:00:28Z", "event": "worker.ended", "track": "t1", "status": 137},
        {"at": "2026-01-31T12:00:29Z", "event": "worker.ended", "track": "t1", "status": 0},
        {"at": "2026-01-31T12:00:29Z", "event": "status.changed", "agent_id": "agent-1"},
        {"event": "odd"},
    ]
    assert told(ending(results={}, outcomes=(), events=events)) == [
        ("", "odd", ""),
        ("", "run accepted", "/project/ROADMAP.md"),
        ("", "wake.woke", "alive 2"),
        ("t2", "answered", "answer 8080"),
        ("t1", "worker.ended", "status 137"),
        ("", "run ended", "main at cccccccccccc"),
    ]


def test_a_run_that_goes_on_has_no_end() -> None:
    """Nor does an attempt that is under way."""
    result = {"agent-1": Result("agent-1", "t1", (runs.attempt(finished=False),))}
    assert [each[1] for each in told(ending(results=result, outcomes=(), over=False))] == [
        "run accepted",
        "attempt 1 began",
        "phase work passed",
    ]


def test_hostile_text_is_made_safe() -> None:
    """No entry holds a control character or a direction mark."""
    shown = "".join(f"{each.track}{each.what}{each.detail}" for each in timeline(hostile()))
    assert not {"\x1b", "\n", "\u202e", "\x00"} & set(shown)


def test_a_long_list_is_told_by_its_ends() -> None:
    """First and last, and how many lie between."""
    entries = [Entry(str(number), "", "") for number in range(10)]
    assert bounded(entries, 10) == (entries, 0, ())
    assert bounded(entries, 4) == (entries[:2], 6, entries[-2:])
    assert bounded(entries, 5) == (entries[:2], 6, entries[-2:])
