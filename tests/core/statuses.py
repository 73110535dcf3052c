"""Status records for tests: one of each field, and any at all."""

from hypothesis import strategies as some

from orchestrator.core.name import is_name
from orchestrator.core.status import KNOWN, Status

NAMES = some.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True).filter(is_name)
TIMES = some.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
TEXTS = some.text(some.characters(exclude_categories=["Cs"]), max_size=40)
PLAIN = some.none() | some.booleans() | some.integers(-(2**53), 2**53) | TEXTS
NUMBERS = some.integers(0, 2**63 - 1)

FULL: dict[str, object] = {
    "schema_version": "1.0",
    "agent_id": "agent-1",
    "track": "group_E_track_1",
    "sub_issue": 1235,
    "status": "in_progress",
    "start_time": "2026-01-31T12:00:00Z",
    "last_update": "2026-01-31T12:05:00.250+01:00",
    "completion_time": "2026-01-31T12:06:00Z",
    "branch_name": "feat/issue-1235-authentication",
    "pr_number": 1240,
    "error": "TEST_FAILURE: two of nine",
    "progress_percentage": 45,
    "current_stage": "testing",
    "needs_input": {"question": "which one?"},
    "metadata": {"fence": 7, "retry_count": 1, "cost_usd": 0.25},
}
"""A status file with every field of schema 1.0."""


def statuses() -> some.SearchStrategy[Status]:
    """Return any status that can stand in a file of schema 1.0."""
    metadata = some.dictionaries(TEXTS, PLAIN, max_size=3).flatmap(
        lambda more: some.fixed_dictionaries({}, optional={"fence": NUMBERS, "retry_count": NUMBERS}).map(
            lambda ours: {name: value for name, value in more.items() if name != "attempt"} | ours
        )
    )
    return some.builds(
        Status,
        agent_id=NAMES,
        status=some.sampled_from(["pending", "in_progress", "completed", "failed"]),
        start_time=TIMES,
        last_update=TIMES,
        branch_name=TEXTS.filter(bool),
        track=NAMES,
        sub_issue=some.none() | some.integers(1, 2**53),
        completion_time=some.none() | TIMES,
        pr_number=some.none() | some.integers(1, 2**53),
        error=some.none() | TEXTS,
        progress_percentage=some.none() | some.integers(0, 100),
        current_stage=some.none() | TEXTS,
        needs_input=some.none() | some.fixed_dictionaries({"question": TEXTS.filter(bool)}),
        metadata=metadata,
        schema_version=some.sampled_from(["1.0", "1.1", "1.12"]),
        extra=some.dictionaries(TEXTS.filter(lambda name: name not in {*KNOWN, *OLD}), PLAIN.filter(bool), max_size=3),
    )


OLD = ("branch", "completion_percentage", "issue_number", "errors")
"""The words of older writers."""
