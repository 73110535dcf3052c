"""The door: pydantic, the standard library's reader and the published schema say the same."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from orchestrator.core import status as core
from orchestrator.core.status import Status
from orchestrator.core.strictjson import parse_object
from orchestrator.errors import Unreadable
from orchestrator.state.door import read_status
from orchestrator.state.schemas import schema
from tests.core.statuses import FULL, OLD, PLAIN, statuses
from tests.state.malformed import BAD_VALUES, BEYOND_SCHEMA, FINE, texts

TEXTS = texts()
SCHEMA: Draft202012Validator = Draft202012Validator(schema("status"))
PATH = "/r/runtime/parallel/1/agent-1.status.json"


def _door(data: bytes) -> Status | str:
    try:
        return read_status(PATH, data)
    except Unreadable as error:
        return error.message


def _plain(data: bytes) -> Status | str:
    try:
        return core.decode(data, "agent-1")
    except Unreadable as error:
        return error.message


def _allowed(fields: Mapping[str, Any]) -> bool:
    return SCHEMA.is_valid(fields)


def test_there_are_enough_of_them() -> None:
    """The promise is about 240 malformed files."""
    assert len(TEXTS) > 300


@pytest.mark.parametrize("name", TEXTS)
def test_a_bad_file_is_refused_in_one_line(name: str) -> None:
    """Both readers refuse it, with a reason that is short, safe to show, and names the field where there is one."""
    for answer in (_door(TEXTS[name]), _plain(TEXTS[name])):
        assert isinstance(answer, str)
        assert 0 < len(answer) < 400
        assert answer.isprintable()
        field = re.match(r"(\w+) is ", name)
        if field and field[1] in FULL and "half a character" not in name:
            assert field[1] in answer


@pytest.mark.parametrize("name", TEXTS)
def test_the_schema_refuses_it_too(name: str) -> None:
    """Whatever is JSON at all, and wrong in a way that a schema can say, the published schema refuses."""
    try:
        fields = parse_object(TEXTS[name])
    except Unreadable:
        return
    assert _allowed(fields) == (name in BEYOND_SCHEMA)


@pytest.mark.parametrize("field", FINE)
def test_what_a_field_may_have_is_read(field: str) -> None:
    """The values that the list of bad ones leaves out for a field are taken, by both readers alike."""
    for name in FINE[field]:
        data = json.dumps(FULL | {field: BAD_VALUES[name]}).encode()
        assert isinstance(_door(data), Status), (field, name, _door(data))
        assert _door(data) == _plain(data)


def test_a_reason_counts_the_others() -> None:
    """Where several fields are wrong the first is named and the others are counted."""
    answer = _door(json.dumps(FULL | {"pr_number": "x", "current_stage": 1}).encode())
    assert answer == "field pr_number should be a valid integer (and 1 more)"


@given(statuses())
def test_what_is_written_passes_every_check(status: Status) -> None:
    """Any status that is written is read by the door as it was, and is valid by the schema."""
    data = core.encode(core.fields_of(status))
    assert read_status(f"{status.agent_id}.status.json", data) == status
    assert _allowed(json.loads(data))


@given(
    some.dictionaries(
        some.sampled_from([*FULL, *OLD, "new"]),
        PLAIN | some.floats(allow_nan=False, allow_infinity=False) | some.lists(PLAIN, max_size=2),
        max_size=3,
    ),
    some.sets(some.sampled_from(list(FULL)), max_size=2),
)
def test_the_two_readers_agree(changed: dict[str, object], without: set[str]) -> None:
    """Whatever is changed in a file or missing from it, both take it alike or both refuse it."""
    fields = {name: value for name, value in (FULL | changed).items() if name not in without}
    data = json.dumps(fields).encode()
    door, plain = _door(data), _plain(data)
    if isinstance(door, Status) or isinstance(plain, Status):
        assert door == plain
    if not any(word in fields for word in OLD) and _allowed(fields):
        assert isinstance(door, Status) or "which is no time" in door or "the file is" in door
