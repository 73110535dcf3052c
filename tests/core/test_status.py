"""The status record: what is read, what older writers meant, and which update is believed."""

import json
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orchestrator.core import status as core
from orchestrator.core.status import FOLLOWS, RETRIES, State, Status, judge_update
from orchestrator.errors import Unreadable
from orchestrator.host import files
from tests.core.statuses import FULL, PLAIN, TEXTS, statuses

STATES: tuple[State, ...] = get_args(State)


def _read(fields: dict[str, object]) -> Status:
    return core.decode(json.dumps(fields).encode(), "agent-1")


def _refused(fields: dict[str, object]) -> str:
    with pytest.raises(Unreadable) as raised:
        _read(fields)
    return raised.value.message


def _status(state: State = "in_progress", fence: int | None = None, retries: int | None = None) -> Status:
    numbers = {"fence": fence, "retry_count": retries}
    metadata = {name: value for name, value in numbers.items() if value is not None}
    return replace(_read(FULL), status=state, metadata=metadata)


def test_every_field_of_the_schema_is_read() -> None:
    """A file with every field says everything that stands in it."""
    status = _read(FULL)
    assert core.fields_of(status) == FULL
    assert (status.fence, status.attempt, status.extra) == (7, 2, {})


def test_the_attempt_is_said_outright_or_by_the_retries() -> None:
    """``attempt`` counts from 1, ``retry_count`` from 0; without either nothing is known."""
    assert replace(_read(FULL), metadata={"attempt": 5, "retry_count": 1}).attempt == 5
    assert replace(_read(FULL), metadata={"retry_count": 0}).attempt == 1
    assert replace(_read(FULL), metadata={}).attempt is None
    assert replace(_read(FULL), metadata={"fence": "7"}).fence is None


def test_unknown_fields_are_kept() -> None:
    """What a later schema adds is there when the file is written again."""
    later = FULL | {"schema_version": "1.7", "mood": ["good"], "branch": "kept, as branch_name is there"}
    status = _read(later)
    assert status.extra == {"mood": ["good"], "branch": "kept, as branch_name is there"}
    assert json.loads(core.encode(core.fields_of(status))) == later


@given(statuses())
def test_what_is_written_is_read_again(status: Status) -> None:
    """Any status comes back from its own bytes."""
    assert core.decode(core.encode(core.fields_of(status)), status.agent_id) == status


def test_no_file_is_larger_than_what_is_read() -> None:
    """A huge text is cut, a huge number of fields is dropped; the result is still a status."""
    for more in ({"error": "x" * 10**6}, {f"field-{number}": number for number in range(20_000)}):
        data = core.encode(FULL | more)
        assert len(data) <= core.LARGEST == files.LARGEST
        assert core.decode(data, "agent-1").fence == 7


@pytest.mark.parametrize("name", [*core.REQUIRED, "track"])
def test_a_missing_field_is_named(name: str) -> None:
    """Without a required field, or with null for it, the file is refused by that field's name."""
    without = {key: value for key, value in FULL.items() if key not in {name, "sub_issue"}}
    assert name in _refused(without)
    assert name in _refused(without | {name: None})


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("2.0", "written for schema 2.0, which is newer than this orchd reads"),
        ("10.3", "written for schema 10.3, which is newer than this orchd reads"),
        ("0.9", "field schema_version is not a version such as 1.0"),
        ("1", "field schema_version is not a version such as 1.0"),
        (1.0, "field schema_version is not a version such as 1.0"),
        ("1.0\n", "field schema_version is not a version such as 1.0"),
    ],
)
def test_another_version_is_refused(version: object, reason: str) -> None:
    """A newer schema is called newer; what is no version is called that."""
    assert _refused(FULL | {"schema_version": version}) == reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"agent_id": "a..b"}, "field agent_id is 'a..b', which is not allowed as a name"),
        ({"track": "x.lock"}, "field track is 'x.lock', which is not allowed as a name"),
        ({"agent_id": "agent-2"}, "field agent_id is 'agent-2', but the file is agent-1's"),
        ({"start_time": "2026-02-30T00:00:00Z"}, "field start_time is '2026-02-30T00:00:00Z', which is no time"),
        ({"completion_time": "2026-02-03T24:61:00Z"}, "completion_time is '2026-02-03T24:61:00Z', which is no time"),
        ({"metadata": {"fence": "7"}}, "field metadata.fence is not a whole number"),
        ({"metadata": {"fence": True}}, "field metadata.fence is not a whole number"),
        ({"metadata": {"retry_count": -1}}, "field metadata.retry_count is not a whole number"),
        ({"metadata": {"attempt": 2**63}}, "field metadata.attempt is not a whole number"),
        ({"needs_input": {}}, "field needs_input has no question"),
        ({"needs_input": {"question": ""}}, "field needs_input has no question"),
        ({"current_stage": "half \ud800"}, "a text holds half a character (a lone surrogate)"),
        ({"progress_percentage": 101}, "field progress_percentage is 101, out of bounds"),
        ({"progress_percentage": 100.5}, "field progress_percentage is not a whole number"),
    ],
)
def test_what_types_cannot_say_is_refused(changed: dict[str, object], reason: str) -> None:
    """Names, times, fences, questions and bounds are checked, and the reason names the field."""
    assert reason in _refused(FULL | changed)


def test_older_words_are_understood() -> None:
    """``branch``, ``completion_percentage``, ``issue_number`` and ``errors`` mean what they meant."""
    older = {
        "agent_id": "agent-1",
        "issue_number": 1235,
        "status": "in_progress",
        "branch": "feat/issue-1235",
        "completion_percentage": 45.9,
        "errors": ["one", "two"],
        "start_time": None,
    }
    status = _read(older)
    assert (status.sub_issue, status.branch_name, status.progress_percentage) == (1235, "feat/issue-1235", 45)
    assert (status.error, status.start_time, status.last_update) == ("one; two", None, None)
    assert status.schema_version == "1.0"
    assert core.fields_of(status)["branch_name"] == "feat/issue-1235"


def test_no_errors_are_no_error() -> None:
    """An empty list of errors is none, and an error that stands there is not replaced by the list."""
    older = {"agent_id": "agent-1", "issue_number": 1, "status": "failed"}
    assert _read(older | {"errors": []}).error is None
    assert _read(older | {"errors": ["x"], "error": "BUILD_ERROR: y"}).error == "BUILD_ERROR: y"


def test_timeout_is_a_failure() -> None:
    """The older status ``timeout`` is ``failed``, with an error of that type unless there is one."""
    assert _read(FULL | {"status": "timeout"}).error == "TEST_FAILURE: two of nine"
    timed_out = _read(FULL | {"status": "timeout", "error": None})
    assert (timed_out.status, timed_out.error) == ("failed", "TIMEOUT: the agent ran out of time")


def test_a_broken_file_of_today_is_not_an_older_one() -> None:
    """Without a version and without a word of older writers, the version is missing."""
    assert "schema_version" in _refused({key: FULL[key] for key in FULL if key != "schema_version"})


@given(some.dictionaries(some.sampled_from([*FULL, "branch", "completion_percentage", "issue_number"]), PLAIN))
def test_normalising_twice_is_normalising_once(fields: dict[str, object]) -> None:
    """What has been put into the words of today stays as it is."""
    once = core.normalise(fields)
    assert core.normalise(once) == once


@pytest.mark.parametrize(("before", "after"), list(product(STATES, STATES)))
def test_the_table_of_steps_is_the_law(before: State, after: State) -> None:
    """Every pair of states is judged as the table says: the same, one step, or several that were not seen."""
    steps = {(here, there) for here in FOLLOWS for there in FOLLOWS[here]}
    for retried in (False, True):
        allowed = steps if retried else steps - RETRIES
        reached = {before}
        for _ in STATES:
            reached |= {there for here, there in allowed if here in reached}
        reason = judge_update(_status(before, 1, 0), _status(after, 1, 1 if retried else 0), None)
        assert (reason is None) == (after in reached)


def test_a_retry_is_shown_by_a_later_attempt_or_fence() -> None:
    """From failed to in_progress needs a greater retry_count or fence; completed is for good."""
    failed = _status("failed", 3, 0)
    assert judge_update(failed, _status("in_progress", 3, 1), 3) is None
    assert judge_update(failed, _status("in_progress", 4, 0), 4) is None
    reason = judge_update(failed, _status("in_progress", 3, 0), 3)
    assert reason == ("failed became in_progress without a retry: neither metadata.retry_count nor the fence rose")
    assert judge_update(_status("completed", 3, 0), _status("in_progress", 9, 9), 9) == (
        "completed cannot become in_progress"
    )


def test_an_older_claim_is_not_believed() -> None:
    """A status under a lower fence than the claim's, or than was seen without a claim, is refused."""
    assert judge_update(None, _status(fence=6), 7) == (
        "written under fence 6, but the track was claimed again since (fence 7)"
    )
    assert judge_update(_status(fence=7), _status(fence=6), None) is not None
    assert judge_update(_status(fence=7), _status(fence=6), 6) is None
    assert judge_update(_status(fence=7), _status(), 7) is None
    assert judge_update(None, _status(fence=6), None) is None


@given(TEXTS)
def test_any_text_is_a_stage(text: str) -> None:
    """Texts for people may be anything that can be encoded."""
    assert _read(FULL | {"current_stage": text}).current_stage == text
