"""The table of states: every pair of state and event is decided or refused, and the diagram is the table."""

from pathlib import Path

import pytest

from orchestrator.core.states import ACTIVE, EVENTS, FINAL, STATES, TABLE, Event, State, diagram, reachable

DOCUMENT = Path(__file__).parents[2] / "docs" / "states.md"

DECIDED = {(state, event) for state in STATES for event in TABLE[state]}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_pair_is_decided_or_refused(state: State, event: Event) -> None:
    """An event leads to one state that there is, or nowhere; nothing leads away from an end."""
    after = TABLE[state].get(event)
    assert (after in STATES) == ((state, event) in DECIDED)
    assert after is None or state not in FINAL


def test_every_state_and_event_has_its_use() -> None:
    """Every state has its row, can be reached, and can come to an end; every event happens somewhere."""
    assert set(TABLE) == set(STATES)
    assert {event for _, event in DECIDED} == set(EVENTS)
    assert reachable("waiting") == set(STATES)
    assert all(reachable(state) & FINAL for state in STATES)
    assert ACTIVE.isdisjoint(FINAL)


@pytest.mark.parametrize(
    ("before", "after", "possible"),
    [
        ("waiting", "done", True),
        ("running", "committed", True),
        ("running", "running", True),
        ("parked", "starting", True),
        ("merged", "done", True),
        ("merged", "running", False),
        ("merged", "failed", False),
        ("done", "merged", False),
        ("failed", "waiting", False),
        ("cancelled", "running", False),
    ],
)
def test_whoever_looks_now_and_then_sees_only_what_is_possible(before: State, after: State, *, possible: bool) -> None:
    """States between two looks are missed; a way that is not in the table is a fault."""
    assert (after in reachable(before)) == possible


def test_the_diagram_is_drawn_from_the_table() -> None:
    """The document shows the table as it is: replace the diagram there by what `diagram()` returns."""
    assert diagram() in DOCUMENT.read_text(encoding="utf-8")
