"""The published schemas, ``schemas/*.schema.json``, made from the dataclasses of ``core``, ``reports`` and ``state``.

``python -m orchestrator.state.schemas`` writes them, ``--check`` says which are stale and exits 1.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from orchestrator.core import status as core
from orchestrator.core.claim import Claim
from orchestrator.core.events import EVENTS
from orchestrator.core.events import VERSION as EVENTS_VERSION
from orchestrator.core.phase import Job
from orchestrator.core.refusal import Refusals
from orchestrator.core.result import Result
from orchestrator.core.run import Outcome, RunRecord
from orchestrator.reports.metrics import AgentMetrics, Metrics
from orchestrator.state.ahead import Ahead
from orchestrator.state.answers import Answer
from orchestrator.state.approvals import Approval
from orchestrator.state.cancel import Request
from orchestrator.state.published import Node, headed, tool, untitled
from orchestrator.state.verdicts import Verdicts
from orchestrator.state.wakes import Kept

_NAME: Final = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
    "not": {"pattern": r"\.\.|\.$|\.([lL][oO][cC][kK]|[jJ][sS][oO][nN])$"},
}
_VERSION_1: Final = {"const": 1, "description": "the version of this format"}


@dataclass(frozen=True, slots=True)
class Published:
    """One schema: the dataclass that it is made from, what the file is, and what types alone cannot say."""

    kind: type
    title: str
    description: str
    finish: Callable[[Node], None]


def _versioned(node: Node) -> None:
    node["properties"] = {"v": _VERSION_1, **{name: each for name, each in node["properties"].items() if name != "v"}}
    node["required"] = ["v", *node.get("required", ())]


def _lock(node: Node) -> None:
    _versioned(node)
    fields = node["properties"]
    fields["track"] |= _NAME
    fields["token"] = {**fields["token"], "pattern": "^[0-9a-f]{32}$", "description": "names exactly this claim"}
    fields["fence"] = {**fields["fence"], "minimum": 0, "description": "greater in every later claim of the track"}
    fields["pid"] = {**fields["pid"], "minimum": 1}


def _job(node: Node) -> None:
    _versioned(node)
    node["additionalProperties"] = False


def _status(node: Node) -> None:
    fields = node["properties"]
    del fields["extra"]
    for name in core.REQUIRED:
        fields[name] = _without_null(fields[name])
    node["required"] = list(core.REQUIRED)
    there = {"not": {"type": "null"}}
    node["anyOf"] = [{"required": [name], "properties": {name: there}} for name in ("track", "sub_issue")]
    for name in ("agent_id", "track"):
        fields[name]["not"] = _NAME["not"]
    count = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**63 - 1}
    fields["metadata"]["properties"] = dict.fromkeys(core.NUMBERS, count)


def _without_null(node: Node) -> Node:
    """Return a field's schema without the null that only older writers may put there."""
    members = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    own = {key: value for key, value in node.items() if key not in {"anyOf", "default"}}
    return own | (members[0] if members else {})


PUBLISHED: Final[Mapping[str, Published]] = {
    "lock": Published(
        Claim,
        "Claim of a track",
        "One line of JSON in .orchestrator_locks/<track>.lock, whole before it is visible: this owner works on this "
        "track. Other writers' locks (a bare pid, an empty file) are honoured too.",
        _lock,
    ),
    "status": Published(
        core.Status,
        "Status of an agent, schema 1.0",
        "runtime/parallel/<run>/agent-<n>.status.json: the worker's word on where it is, replaced whole at the start, "
        "on each change and every 30 s. pending, then in_progress, then completed or failed; from failed to "
        "in_progress only by a retry. Unknown fields are kept.",
        _status,
    ),
    "job": Published(
        Job,
        "Job of a worker",
        "runtime/parallel/<run>/agent-<n>.job.json: what a worker is to execute in one attempt. Argument lists, never "
        "a shell; absolute paths; times in seconds.",
        _job,
    ),
    "result": Published(
        Result,
        "Result of an agent",
        "runtime/parallel/<run>/agent-<n>.result.json: how each attempt and phase really ended, written by the worker "
        "after each phase.",
        _versioned,
    ),
    "run": Published(
        RunRecord,
        "Run",
        "runtime/parallel/<run>/run.json: the accepted plan and options, written once.",
        _versioned,
    ),
    "outcome": Published(
        Outcome,
        "Outcome of a track",
        "runtime/parallel/<run>/agent-<n>.outcome.json: what the orchestrator made of it, written once, when nothing "
        "more will happen to the track in this run.",
        _versioned,
    ),
    "metrics": Published(
        Metrics,
        "Figures of a run",
        "runtime/parallel/<run>/metrics.json: its presence means that the run has ended. Unknown is null, never zero.",
        _versioned,
    ),
    "agent-metrics": Published(
        AgentMetrics,
        "Figures of an agent",
        "runtime/parallel/<run>/agent-<n>.metrics.json: what one track took. Unknown is null, never zero.",
        _versioned,
    ),
    "answer": Published(
        Answer,
        "Answer to an agent",
        "runtime/parallel/<run>/agent-<n>.answer.json: what a person, or a script, says to the question of an attempt. "
        "Any process may put it there, whole (a rename), with or without a daemon.",
        _versioned,
    ),
    "approved": Published(
        Approval,
        "Open gates of a run",
        "runtime/parallel/<run>/approved.json: the gates that a person, or a script, has opened. Any process may put "
        "it there, whole (a rename).",
        _versioned,
    ),
    "cancel": Published(
        Request,
        "Request to end",
        "runtime/parallel/<run>/cancel.json: these tracks are to end, or with null the whole run. Any process may put "
        "it there, whole (a rename).",
        _versioned,
    ),
    "validators": Published(
        Verdicts,
        "Verdicts on a run",
        "runtime/parallel/<run>/.d/validators.json: what the validators of the run said of the commit that would be "
        "pushed.",
        _versioned,
    ),
    "refused": Published(
        Refusals,
        "Refusals of a track",
        "runtime/parallel/<run>/.d/agent-<n>.refused.json: why work that passed was not merged, an entry an attempt.",
        _versioned,
    ),
    "ahead": Published(
        Ahead,
        "Conflicts ahead",
        "runtime/parallel/<run>/.d/ahead.json: which branches could not be merged as they were seen last. Nothing "
        "rests on it.",
        _versioned,
    ),
    "wake-memory": Published(
        Kept,
        "Memory of a watch",
        "runtime/wakes/<name>.json: what orchd wake keeps from wake to wake.",
        _versioned,
    ),
}

NAMES: Final = (*PUBLISHED, "event")
"""All schemas that are made here; those of files that people write are made in ``settings``."""


def schema(name: str) -> Node:
    """Return the schema of one kind of file."""
    if name == "event":
        return headed(name, "Event", "One line of runtime/events.jsonl; more fields depend on the event.", _event())
    published = PUBLISHED[name]
    node = TypeAdapter(published.kind).json_schema()
    untitled(node)
    published.finish(node)
    return headed(name, published.title, published.description, node)


def _event() -> Node:
    known = "; ".join(f"{name}: {meaning}" for name, meaning in EVENTS.items())
    return {
        "type": "object",
        "properties": {
            "v": {"const": EVENTS_VERSION},
            "at": {"type": "string", "format": "date-time", "description": "when, UTC"},
            "event": {"type": "string", "pattern": r"^[a-z]+\.[a-z_]+$", "description": known},
        },
        "required": ["v", "at", "event"],
    }


def main(arguments: Sequence[str]) -> int:
    """Write the schemas, or with ``--check`` only say which are stale; return the exit status."""
    return tool(arguments, "orchestrator.state.schemas", NAMES, schema)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
