"""The status file, schema 1.0: the worker's word on where it is. It is shown and proves nothing.

Forward compatible: fields that we do not know are kept in ``extra``, any 1.x is read. Files of older writers are
read too, see :func:`normalise`. The bounds of a field stand in its metadata, for :mod:`orchestrator.core.typed`
and for pydantic alike.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final, Literal

from orchestrator.core.bounded import encode_within
from orchestrator.core.name import is_name
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.core.typed import build
from orchestrator.errors import Unreadable

VERSION: Final = "1.0"
LARGEST: Final = 256 * 1024
"""Bytes of the largest status file that is read, and so the largest that is written."""

State = Literal["pending", "in_progress", "completed", "failed"]

FOLLOWS: Final[Mapping[State, frozenset[State]]] = {
    "pending": frozenset({"in_progress"}),
    "in_progress": frozenset({"completed", "failed"}),
    "failed": frozenset({"in_progress"}),
    "completed": frozenset(),
}
"""Which state may follow which, in one step."""

RETRIES: Final[frozenset[tuple[State, State]]] = frozenset({("failed", "in_progress")})
"""The steps that only a later attempt may take."""

TERMINAL: Final[frozenset[State]] = frozenset({"completed", "failed"})

ERROR_TYPES: Final = (
    "IMPORT_CONFLICT",
    "TEST_FAILURE",
    "TEST_TIMEOUT",
    "BUILD_ERROR",
    "FILE_CONFLICT",
    "API_ERROR",
    "TIMEOUT",
    "VALIDATION_ERROR",
    "RESOURCE_ERROR",
    "UNKNOWN",
)
"""What may stand before the colon of an error, ``TYPE: text``."""

REQUIRED: Final = ("schema_version", "agent_id", "status", "start_time", "last_update", "branch_name")
"""Beside these, one of ``track`` and ``sub_issue``."""

NUMBERS: Final = ("fence", "attempt", "retry_count")
"""What ``metadata`` says in whole numbers."""

_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$"
_OLD_NAMES: Final = {
    "branch": "branch_name",
    "completion_percentage": "progress_percentage",
    "issue_number": "sub_issue",
}
_OLD_MARKS: Final = (*_OLD_NAMES, "errors")
_QUESTION: Final = {"properties": {"question": {"type": "string", "minLength": 1}}, "required": ["question"]}


def _about(description: str, **bounds: object) -> dict[str, Any]:
    return {"description": description, **bounds}


@dataclass(frozen=True, slots=True)
class Status:
    """One status file.

    ``start_time``, ``last_update`` and ``branch_name`` are None only where an older writer says nothing.
    """

    agent_id: str = field(metadata=_about("who works; the file is named after it", pattern=_NAME))
    status: State = field(metadata=_about("pending, in_progress, then completed or failed"))
    start_time: str | None = field(
        metadata=_about("when the work began, ISO 8601, UTC where no zone is given", pattern=_TIME)
    )
    last_update: str | None = field(metadata=_about("when this file was written, ISO 8601", pattern=_TIME))
    branch_name: str | None = field(metadata=_about("the git branch of the work", min_length=1))
    track: str | None = field(
        default=None, metadata=_about("the track; one of track and sub_issue is there", pattern=_NAME)
    )
    sub_issue: int | None = field(
        default=None, metadata=_about("the number of the issue that is the track", ge=1, le=2**53)
    )
    completion_time: str | None = field(default=None, metadata=_about("when it ended, ISO 8601", pattern=_TIME))
    pr_number: int | None = field(default=None, metadata=_about("the pull request", ge=1, le=2**53))
    error: str | None = field(default=None, metadata=_about("TYPE: text"))
    progress_percentage: int | None = field(default=None, metadata=_about("the worker's estimate", ge=0, le=100))
    current_stage: str | None = field(default=None, metadata=_about("in a word, for people"))
    needs_input: Mapping[str, object] | None = field(
        default=None, metadata=_about("the question that a person is to answer", json_schema_extra=_QUESTION)
    )
    metadata: Mapping[str, object] = field(
        default_factory=dict, metadata=_about("fence, retry_count (0 at the first attempt), cost_usd, tokens and more")
    )
    schema_version: str = field(default=VERSION, metadata=_about("any 1.x is read", pattern=r"^1\.[0-9]{1,9}$"))
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def fence(self) -> int | None:
        """The fence under which it was written, where it says so."""
        return _number(self.metadata, "fence")

    @property
    def attempt(self) -> int | None:
        """The attempt, counted from 1, where it says so."""
        attempt = _number(self.metadata, "attempt")
        retries = _number(self.metadata, "retry_count")
        return attempt if attempt is not None or retries is None else retries + 1


KNOWN: Final = tuple(each.name for each in fields(Status) if each.name != "extra")
"""The fields of schema 1.0."""


def _number(metadata: Mapping[str, object], name: str) -> int | None:
    value = metadata.get(name)
    return value if type(value) is int else None


def is_older(given: Mapping[str, object]) -> bool:
    """Tell whether a writer from before schema 1.0 wrote this: no version, and one of its own words."""
    marked = given.get("status") == "timeout" or any(mark in given for mark in _OLD_MARKS)
    return marked and "schema_version" not in given


def normalise(given: Mapping[str, object]) -> dict[str, object]:
    """Return the fields in the words of schema 1.0.

    Older words: ``branch``, ``completion_percentage``, ``issue_number``, a list of ``errors``, and the status
    ``timeout``, which is ``failed`` with an error. Parts of a per cent are dropped. Everything else stays as it is.
    """
    now = dict(given)
    if is_older(given):
        now["schema_version"] = VERSION
        errors = now.pop("errors", None)
        if isinstance(errors, list) and errors and not now.get("error"):
            now["error"] = "; ".join(str(each) for each in errors)
    for old, new in _OLD_NAMES.items():
        if old in now and now.get(new) is None:
            now[new] = now.pop(old)
    if now.get("status") == "timeout":
        now["status"] = "failed"
        now["error"] = now.get("error") or "TIMEOUT: the agent ran out of time"
    percent = now.get("progress_percentage")
    if isinstance(percent, float) and 0 <= percent <= 100:
        now["progress_percentage"] = int(percent)
    return now


@dataclass(frozen=True, slots=True)
class Opened:
    """The fields of a status file, not yet checked one by one: those of schema 1.0, and the others."""

    known: Mapping[str, object]
    extra: Mapping[str, object]


def opened(data: bytes) -> Opened:
    """Sort the fields of a status file; raises :class:`Unreadable` where it is not a whole one of schema 1.x."""
    given = parse_object(data)
    now = normalise(given)
    _check_version(now.get("schema_version"))
    try:
        json.dumps(now, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unreadable("a text holds half a character (a lone surrogate)") from error
    needed = ("agent_id", "status") if is_older(given) else REQUIRED
    for name in needed:
        if now.get(name) is None:
            raise Unreadable(f"field {name} is missing")
    if now.get("track") is None and now.get("sub_issue") is None:
        raise Unreadable("neither track nor sub_issue is there")
    blank = dict.fromkeys(REQUIRED)
    known = {name: now[name] for name in KNOWN if name in now}
    return Opened({**blank, **known}, {name: value for name, value in now.items() if name not in KNOWN})


def _check_version(version: object) -> None:
    if version is None:
        raise Unreadable("field schema_version is missing")
    numbers = re.fullmatch(r"([0-9]{1,9})\.[0-9]{1,9}", version) if isinstance(version, str) else None
    if numbers is None or int(numbers[1]) < 1:
        raise Unreadable("field schema_version is not a version such as 1.0")
    if int(numbers[1]) > 1:
        raise Unreadable(f"written for schema {numbers[0]}, which is newer than this orchd reads")


def closed(status: Status, extra: Mapping[str, object], agent_id: str) -> Status:
    """Return ``status`` with its ``extra``, or raise :class:`Unreadable` for what types cannot say.

    ``agent_id`` is whose file it is.
    """
    for kind, name in (("agent_id", status.agent_id), ("track", status.track)):
        if name is not None and not is_name(name):
            raise Unreadable(f"field {kind} is '{visible(name, 60)}', which is not allowed as a name")
    if status.agent_id != agent_id:
        raise Unreadable(f"field agent_id is '{status.agent_id}', but the file is {visible(agent_id, 60)}'s")
    for time in ("start_time", "last_update", "completion_time"):
        _check_time(time, getattr(status, time))
    for name in NUMBERS:
        value = status.metadata.get(name)
        if value is not None and not (type(value) is int and 0 <= value < 2**63):
            raise Unreadable(f"field metadata.{name} is not a whole number")
    question = "-" if status.needs_input is None else status.needs_input.get("question")
    if not isinstance(question, str) or not question:
        raise Unreadable("field needs_input has no question")
    return replace(status, extra=extra)


def _check_time(name: str, text: str | None) -> None:
    try:
        datetime.fromisoformat(text or "2000-01-01T00:00:00Z")
    except ValueError as error:
        raise Unreadable(f"field {name} is '{visible(text or '', 40)}', which is no time") from error


def decode(data: bytes, agent_id: str) -> Status:
    """Read the status file of ``agent_id``; raises :class:`Unreadable` with the field and what is wrong."""
    parts = opened(data)
    return closed(build(Status, parts.known), parts.extra, agent_id)


def fields_of(status: Status) -> dict[str, object]:
    """Return what a status file says, in the order in which it is written; what is None is left out."""
    said: dict[str, object] = {name: getattr(status, name) for name in ("schema_version", *KNOWN)}
    return {name: value for name, value in (said | dict(status.extra)).items() if value is not None}


def encode(said: Mapping[str, object]) -> bytes:
    """Return the bytes of a status file, at most LARGEST: texts that are too long are cut."""
    return encode_within(said, LARGEST, (*KNOWN, *NUMBERS, "question"))


def judge_update(before: Status | None, after: Status, fence: int | None) -> str | None:
    """Return why ``after`` is not believed where ``before`` stood; None: it is.

    ``fence`` is that of the track's claim, None where there is none. A reader does not see every write, so what can
    be reached from ``before`` in several steps is right too.
    """
    floor = fence if fence is not None or before is None else before.fence
    if after.fence is not None and floor is not None and after.fence < floor:
        return f"written under fence {after.fence}, but the track was claimed again since (fence {floor})"
    if before is None or after.status in _reachable(before.status, retried=_later(before, after)):
        return None
    if after.status in _reachable(before.status, retried=True):
        return f"{before.status} became {after.status} without a retry: neither metadata.retry_count nor the fence rose"
    return f"{before.status} cannot become {after.status}"


def _later(before: Status, after: Status) -> bool:
    return (after.attempt or 0) > (before.attempt or 0) or (after.fence or 0) > (before.fence or 0)


def _reachable(start: State, *, retried: bool) -> frozenset[State]:
    """Return what can come after ``start``, itself included."""
    found: frozenset[State] = frozenset({start})
    while True:
        steps = {(here, there) for here in found for there in FOLLOWS[here]}
        more = found | {there for here, there in steps if retried or (here, there) not in RETRIES}
        if more == found:
            return found
        found = more
