"""The states of a track, and what leads from one to the next: one table, for decisions, tests and the diagram.

Where a track is follows from facts (:mod:`orchestrator.core.standing`); nobody sets it. The table says which ways there
are: one that is not in it is a fault, and whoever drives a run says so.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal, get_args

State = Literal[
    "waiting",
    "blocked",
    "ready",
    "starting",
    "running",
    "validating",
    "committed",
    "merging",
    "merged",
    "done",
    "failed",
    "conflict",
    "cancelled",
    "parked",
    "needs_input",
    "orphaned",
    "quarantined",
]
Event = Literal[
    "freed",  # what it waited for is there: tracks it depends on, time, a claim, a person's word
    "held",  # something else keeps it: another owner, a track that was lost, an agent that is blocked
    "started",  # a slot is free: worktree and job are made
    "claimed",  # its worker won the claim and works
    "judged",  # a validator is at work
    "passed",  # the last step of an attempt succeeded
    "retried",  # the attempt failed and another one follows
    "failed",  # nothing more is tried
    "limited",  # its kind of agent met a usage limit
    "asked",  # a person has to answer a question first
    "orphaned",  # the worker is dead, what it started or its claim is still there
    "taken",  # its branch is being merged
    "merged",  # its work is on the target branch
    "conflicted",  # its branch cannot be merged
    "refused",  # it was not taken in, and its agent is to mend that
    "reported",  # the run is over
    "cancelled",  # a person ended it
    "quarantined",  # it failed too often over all runs
]

STATES: Final[tuple[State, ...]] = get_args(State)
EVENTS: Final[tuple[Event, ...]] = get_args(Event)

FINAL: Final[frozenset[State]] = frozenset({"done", "failed", "conflict", "cancelled", "quarantined"})
"""Nothing leads away from here within a run."""

ACTIVE: Final[frozenset[State]] = frozenset({"starting", "running", "validating", "orphaned"})
"""Where a track takes up a slot."""

_OVER: Final[Mapping[Event, State]] = {"failed": "failed", "cancelled": "cancelled"}
_IDLE: Final[Mapping[Event, State]] = {
    **_OVER,
    "held": "blocked",
    "limited": "parked",
    "retried": "waiting",
    "started": "starting",
}
_ENDINGS: Final[Mapping[Event, State]] = {
    **_OVER,
    "passed": "committed",
    "retried": "waiting",
    "freed": "ready",
    "limited": "parked",
    "asked": "needs_input",
    "held": "blocked",
    "orphaned": "orphaned",
    "conflicted": "conflict",
}

TABLE: Final[Mapping[State, Mapping[Event, State]]] = {
    "waiting": {**_IDLE, "freed": "ready", "quarantined": "quarantined"},
    "blocked": {**_IDLE, "freed": "ready"},
    "ready": {**_IDLE, "asked": "needs_input"},
    "starting": {**_ENDINGS, "claimed": "running", "judged": "validating"},
    "running": {**_ENDINGS, "judged": "validating"},
    "validating": {**_ENDINGS, "claimed": "running"},
    "orphaned": {**_ENDINGS, "claimed": "running"},
    "committed": {**_OVER, "taken": "merging", "held": "blocked"},
    "merging": {**_OVER, "merged": "merged", "conflicted": "conflict", "retried": "committed", "refused": "waiting"},
    "parked": {**_IDLE, "freed": "ready"},
    "needs_input": {**_IDLE, "freed": "ready"},
    "merged": {"reported": "done"},
    "failed": {},
    "conflict": {},
    "cancelled": {},
    "quarantined": {},
    "done": {},
}
"""State and event to the next state. A pair that is not here cannot be."""


@cache
def reachable(state: State) -> frozenset[State]:
    """Return every state that the track may be seen in later: whoever looks now and then misses those between."""
    found: set[State] = {state}
    new: set[State] = {state}
    while new:
        new = {after for each in new for after in TABLE[each].values()} - found
        found |= new
    return frozenset(found)


def diagram() -> str:
    """Return the table as a Mermaid state diagram; events that lead the same way share an arrow."""
    lines = ["stateDiagram-v2", "    [*] --> waiting"]
    for state in STATES:
        ways: dict[State, list[str]] = {}
        for event, after in TABLE[state].items():
            ways.setdefault(after, []).append(event)
        lines += [f"    {state} --> {after}: {', '.join(events)}" for after, events in ways.items()]
    lines += [f"    {state} --> [*]" for state in STATES if state in FINAL]
    return "\n".join(lines) + "\n"
