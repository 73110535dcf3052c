"""Files of version 1 are read for ever: samples that never change."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from orchestrator.core import status as core
from orchestrator.core.probe import Clash
from orchestrator.core.run import Budget, Limit, Validator
from orchestrator.core.status import Status
from orchestrator.core.strictjson import parse_object
from orchestrator.core.typed import build
from orchestrator.reports.metrics import AgentMetrics, Metrics
from orchestrator.state import ahead, answers, approvals, cancel, journal, refusals, verdicts, wakes
from orchestrator.state.ahead import Ahead
from orchestrator.state.answers import Answer
from orchestrator.state.cancel import Request
from orchestrator.state.door import read_status
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.results import read_job, read_outcome, read_result, read_run
from orchestrator.state.schemas import schema
from orchestrator.state.wakes import WakePaths

SAMPLES = Path(__file__).parents[1] / "data" / "v1"
_TWO_WORDS = ("agent-metrics", "wake-memory")
_PEOPLES = ("answer", "approved", "cancel", "cancel-all")
_OTHERS = (*_PEOPLES, "validators", "refused", "ahead", "metrics", "event", *_TWO_WORDS)
_RECORDS = ("job", "job-engine", "result", "result-engine", "run", "run-engine", "outcome")


def _status(name: str) -> Status:
    data = (SAMPLES / f"status-{name}.json").read_bytes()
    status = read_status("agent-1.status.json", data)
    assert core.decode(data, "agent-1") == status
    return status


def _placed(tmp_path: Path, name: str) -> str:
    """Put a sample where the run has it."""
    path = tmp_path / f"agent-1.{name.partition('-')[0]}.json"
    path.write_bytes((SAMPLES / f"{name}.json").read_bytes())
    return str(path)


@pytest.mark.parametrize("name", ["status-full", "status-least", "status-later", *_RECORDS, *_OTHERS])
def test_the_samples_are_valid_by_the_schema(name: str) -> None:
    """What stands in a sample is what the published schema describes."""
    sample = json.loads((SAMPLES / f"{name}.json").read_bytes())
    Draft202012Validator(schema(name if name in _TWO_WORDS else name.partition("-")[0])).validate(sample)


def test_a_full_status() -> None:
    """Every field of schema 1.0 means what it meant."""
    status = _status("full")
    assert (status.agent_id, status.track, status.sub_issue) == ("agent-1", "issue_1783_task_3", 1235)
    assert (status.status, status.progress_percentage, status.current_stage) == ("in_progress", 45, "implementation")
    assert (status.fence, status.attempt, status.pr_number, status.error) == (12, 1, None, None)
    assert status.needs_input == {"question": "Which database?", "asked_at": "2025-12-01T12:14:00Z"}
    assert status.branch_name == "feat/issue-1235-authentication"


def test_the_least_status() -> None:
    """The required fields are enough."""
    status = _status("least")
    assert (status.status, status.fence, status.attempt, status.metadata) == ("pending", None, None, {})


def test_a_status_of_a_later_schema() -> None:
    """Any 1.x is read, and what it adds is kept."""
    status = _status("later")
    assert (status.schema_version, status.status) == ("1.7", "completed")
    assert status.extra == {"confidence": 0.75, "reviewers": ["a", {"b": None}]}


def test_older_statuses() -> None:
    """Both variants of older writers are read."""
    branch, timeout = _status("older-branch"), _status("older-timeout")
    assert (branch.branch_name, branch.sub_issue, branch.progress_percentage) == ("feat/issue-1235", 1235, 45)
    assert (timeout.status, timeout.sub_issue, timeout.progress_percentage) == ("failed", 1238, 80)
    assert timeout.error == "TIMEOUT: the agent ran out of time"
    assert (timeout.start_time, timeout.last_update) == (None, "2025-12-01T12:30:00.123456")


def test_a_job(tmp_path: Path) -> None:
    """What a worker of version 1 was to execute can still be executed."""
    job = read_job(_placed(tmp_path, "job"))
    assert job is not None
    assert (job.run, job.track, job.attempt, job.owner) == ("1783", "group_E_track_1", 2, "orchd")
    assert [each.argv for each in job.phases] == [("agent", "--print"), ("git", "commit")]
    assert (job.phases[0].stdin, job.phases[0].env, job.env) == (
        "/project/prompt.md",
        {"A": "b"},
        {"SUB_ISSUE": "1235"},
    )


def test_a_result(tmp_path: Path) -> None:
    """How attempts ended is still known."""
    result = read_result(_placed(tmp_path, "result"))
    assert result is not None
    first, second = result.attempts
    assert (first.passed, first.phases[0].ending, first.phases[0].signal) == (False, "signalled", 9)
    assert (second.passed, second.fence, second.phases[1].cpu_seconds) == (True, 12, 0.5)


def test_an_outcome(tmp_path: Path) -> None:
    """What became of a track is still known."""
    outcome = read_outcome(_placed(tmp_path, "outcome"))
    assert outcome is not None
    assert (outcome.ended, outcome.files, outcome.kept) == ("conflict", ("src/a.py",), "branch feat/x")


def test_a_run(tmp_path: Path) -> None:
    """An accepted run can still be driven."""
    paths = Layout(str(tmp_path)).run("1783")
    Path(paths.folder).mkdir(parents=True)
    Path(paths.record).write_bytes((SAMPLES / "run.json").read_bytes())
    record = read_run(paths)
    assert (record.run, record.remote, record.agent.argv) == ("1783", "origin", ("claude", "-p"))
    assert [each.depends_on for each in record.tracks] == [(), ("group_E_track_1",)]
    assert (record.tracks[0].group, record.tracks[0].acceptance, record.tracks[1].resume) == (
        "E",
        ("It must work.",),
        True,
    )


def test_a_run_of_the_engine(tmp_path: Path) -> None:
    """Budgets, gates, validators and what is known of former runs mean what they meant."""
    paths = Layout(str(tmp_path)).run("1784")
    Path(paths.folder).mkdir(parents=True)
    sample = (SAMPLES / "run-engine.json").read_bytes()
    Path(paths.record).write_bytes(sample.replace(b'"v": 1', b'"added_later": {"x": [1]}, "v": 1'))
    record = read_run(paths)
    one, two = record.tracks
    assert (record.root, record.source, one.worktree) == (
        str(tmp_path),
        f"{tmp_path}/ROADMAP.md",
        f"{tmp_path}/worktrees/agent-1",
    )
    assert (record.lifted, one.estimate, one.profile, one.before) == (
        ("group_A_track_1",),
        20,
        "ops",
        ("run 1783: failed: TEST_FAILURE: red",),
    )
    assert (two.quarantined, two.before) == ("it failed in 3 runs (last: TIMEOUT: late)", ())
    assert record.options.budget == Budget(Limit(usd=1.5), Limit(tokens=100000), Limit(seconds=3600.0))
    assert (record.options.gates, record.options.start_on, record.options.attempts) == (
        ("start", "push"),
        "committed",
        4,
    )
    assert record.agent.reduced == (f"{tmp_path}/tools/agent", "--few-tools")
    assert record.validators[0] == Validator(
        "tests", "command", "review", ("group_A_*",), ("make", "test"), timeout_seconds=300.0, rounds=2
    )


def test_a_job_of_the_engine(tmp_path: Path) -> None:
    """Validators, who mends for them, and why there is an attempt."""
    job = read_job(_placed(tmp_path, "job-engine"))
    assert job is not None
    assert (job.cause, job.toolset, job.stale_seconds) == ("answered", "reduced", 120.0)
    assert [each.kind for each in job.phases] == ["agent", "validator", "commit"]
    judge = job.phases[1]
    assert judge.mend is not None
    assert (judge.judges_by, judge.rounds, judge.mend.stdin) == ("status", 2, "/project/mend.md")


def test_a_result_of_the_engine(tmp_path: Path) -> None:
    """Questions, what blocks, limits, costs and verdicts."""
    result = read_result(_placed(tmp_path, "result-engine"))
    assert result is not None
    first, second, third = result.attempts
    assert (first.asked, first.cost_usd, first.tokens, first.parked) == ("Which one?", 0.25, 1200, True)
    assert (first.phases[0].kind, first.phases[0].verdict, first.phases[0].report) == (
        "validator",
        "REVISE",
        "1 failed",
    )
    assert (second.cause, second.blocked, second.cost_usd) == ("answered", "no access", None)
    assert (third.limited, third.limited_until) == (True, "2026-11-20T13:00:00.000Z")


def test_what_people_said() -> None:
    """Answers and approvals are still theirs."""
    answer = answers.read(str(SAMPLES / "answer.json"))
    assert answer == Answer(1, "Which one?", "The other one.\n", "2026-11-20T12:05:00.000Z")
    approval = approvals.read(str(SAMPLES / "approved.json"))
    assert approval is not None
    assert (approval.gates, approval.at) == (("push", "start"), "2026-11-20T12:05:00.000Z")
    one, everything = (cancel.read_request(str(SAMPLES / f"{name}.json")) for name in ("cancel", "cancel-all"))
    assert one == Request(("group_A_track_1", "group_A_track_2"), "2026-11-20T12:05:00.000Z")
    assert everything == Request(None, "2026-11-20T12:05:00.000Z")


def test_what_was_said_of_the_work(tmp_path: Path) -> None:
    """Verdicts on a run, refusals of a track, and conflicts that were ahead."""
    paths = _private(tmp_path, "validators", "ahead")
    said = verdicts.read(paths)
    assert said is not None
    assert (said.commit, [each.verdict for each in said.phases]) == ("c" * 40, ["ACCEPT", "REVISE"])
    assert said.refusal == said.phases[1]
    refused = refusals.read(str(SAMPLES / "refused.json"))
    assert refused is not None
    assert [(each.attempt, each.why, each.files) for each in refused.refusals] == [
        (1, "check", ()),
        (2, "conflict", ("a.py",)),
    ]
    seen = ahead.read(paths)
    assert seen == Ahead("2026-11-20T12:05:00.000Z", (Clash("group_A_track_1", "main", ("a.py",)),))


def _private(tmp_path: Path, *names: str) -> RunLayout:
    """Put samples where a run has what is its own."""
    paths = Layout(str(tmp_path)).run("1783")
    Path(paths.private).mkdir(parents=True)
    for name in names:
        Path(paths.private, f"{name}.json").write_bytes((SAMPLES / f"{name}.json").read_bytes())
    return paths


def test_the_figures() -> None:
    """Those of a run and those of a track; unknown is None."""
    whole = build(Metrics, parse_object((SAMPLES / "metrics.json").read_bytes()))
    assert (whole.run, whole.total_sub_tasks, whole.publication, whole.cost_usd) == ("1783", 2, "pushed", None)
    assert (whole.resource_usage.peak_memory_mb, whole.agent_durations["agent-2"]) == (120.5, 600.0)
    track = build(AgentMetrics, parse_object((SAMPLES / "agent-metrics.json").read_bytes()))
    assert (track.track, track.attempts, track.known_tokens, track.pull_request) == ("group_A_track_1", 2, 1200, 17)


def test_a_line_of_the_journal(tmp_path: Path) -> None:
    """An event of version 1 is still one."""
    place = Path(Layout(str(tmp_path)).journal)
    place.parent.mkdir(parents=True)
    place.write_bytes((SAMPLES / "event.json").read_bytes())
    (event,) = journal.tail(str(tmp_path), 5)
    assert (event["event"], event["run"], event["commit"]) == ("track.merged", "1783", "c" * 40)


def test_the_memory_of_a_watch(tmp_path: Path) -> None:
    """What was begun is not begun again, by whichever version."""
    paths = WakePaths(Layout(str(tmp_path)), "condense")
    Path(paths.folder).mkdir(parents=True)
    Path(paths.memory).write_bytes((SAMPLES / "wake-memory.json").read_bytes())
    kept = wakes.read(paths, "/project/condense.toml")
    assert (kept.memory.wakes, kept.memory.cleaned, kept.memory.ended) == (3, True, None)
    assert (kept.memory.marks, kept.due_ns) == ({"outputs": "0123456789abcdef"}, 1795176300000000000)
