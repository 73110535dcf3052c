"""Facts become a state by one table; the first rule that applies wins."""

from dataclasses import replace

import pytest

from orchestrator.core.facts import TrackFacts
from orchestrator.core.outcome import HELD
from orchestrator.core.run import Outcome
from orchestrator.core.standing import Standing, TrackState
from orchestrator.core.states import State
from tests.core import runs

NOW = 1000.0

CASES: list[tuple[str, TrackFacts, State]] = [
    ("nothing happened yet", TrackFacts(runs.spec(1)), "ready"),
    ("its worktree is being made", TrackFacts(runs.spec(1), doing="starting"), "starting"),
    ("its worker has not claimed yet", TrackFacts(runs.spec(1), 1, doing="started"), "starting"),
    ("its worker holds the claim", TrackFacts(runs.spec(1), 1, runs.claim(), runs.status()), "running"),
    ("its worker has claimed and not spoken", TrackFacts(runs.spec(1), 1, runs.claim(), doing="started"), "running"),
    ("its worker cannot be judged", TrackFacts(runs.spec(1), 1, runs.claim("unknown")), "running"),
    ("its worker is gone, its agent is not", TrackFacts(runs.spec(1), 1, runs.claim("orphaned")), "orphaned"),
    ("somebody else holds it before we start", TrackFacts(runs.spec(1), claim=runs.claim(run=None)), "blocked"),
    ("a person claimed it for this run by hand", TrackFacts(runs.spec(1), claim=runs.claim(attempt=None)), "blocked"),
    ("a claim for this run before there is a job", TrackFacts(runs.spec(1), claim=runs.claim()), "blocked"),
    ("a worker of a former attempt holds it", TrackFacts(runs.spec(1), 2, claim=runs.claim(attempt=1)), "blocked"),
    (
        "somebody claimed it after it was finished",
        TrackFacts(runs.spec(1), 1, runs.claim(run=None), result=runs.attempt()),
        "committed",
    ),
    (
        "somebody claimed it while our worker was at it",
        TrackFacts(runs.spec(1), 1, runs.claim(run=None), result=runs.attempt(finished=False)),
        "blocked",
    ),
    ("another run holds it", TrackFacts(runs.spec(1), claim=runs.claim(run="other")), "blocked"),
    ("a foreign lock", TrackFacts(runs.spec(1), claim=runs.claim("foreign", run=None)), "blocked"),
    ("a dead stranger's lock is about to go", TrackFacts(runs.spec(1), claim=runs.claim("dead", run=None)), "ready"),
    ("the last step succeeded", TrackFacts(runs.spec(1), 1, result=runs.attempt()), "committed"),
    (
        "succeeded but the claim is not yet given back",
        TrackFacts(runs.spec(1), 1, runs.claim(), result=runs.attempt()),
        "running",
    ),
    (
        "succeeded and the worker died before release",
        TrackFacts(runs.spec(1), 1, runs.claim("dead"), result=runs.attempt()),
        "committed",
    ),
    (
        "a phase failed",
        TrackFacts(runs.spec(1), 1, result=runs.attempt(runs.phase(status=3), error="UNKNOWN: 3")),
        "failed",
    ),
    (
        "a phase failed without a word",
        TrackFacts(runs.spec(1), 1, result=runs.attempt(runs.phase(status=3))),
        "failed",
    ),
    (
        "the worker's lock is still to be freed",
        TrackFacts(runs.spec(1), 1, runs.claim("dead"), runs.status()),
        "orphaned",
    ),
    (
        "the worker died at work",
        TrackFacts(runs.spec(1), 1, None, runs.status(), doing="started", exited=-9),
        "failed",
    ),
    ("an adopted worker died at work", TrackFacts(runs.spec(1), 1, None, runs.status()), "failed"),
    ("it died between two phases", TrackFacts(runs.spec(1), 1, result=runs.attempt(finished=False)), "failed"),
    ("the worker could not even claim", TrackFacts(runs.spec(1), 1, doing="started", exited=70), "failed"),
    ("the worker lost the claim to somebody", TrackFacts(runs.spec(1), 1, doing="started", exited=HELD), "ready"),
    ("a job without a worker after a crash", TrackFacts(runs.spec(1), 1), "ready"),
    ("the status is of a former attempt", TrackFacts(runs.spec(1), 2, status=runs.status(1)), "ready"),
    ("its branch is being merged", TrackFacts(runs.spec(1), 1, result=runs.attempt(), doing="merging"), "merging"),
    ("its worktree is being removed", TrackFacts(runs.spec(1), 1, result=runs.attempt(), doing="tidying"), "merging"),
    ("its end is being recorded", TrackFacts(runs.spec(1), 1, doing="recording"), "failed"),
    ("an action of ours failed", TrackFacts(runs.spec(1), trouble="RESOURCE_ERROR: no such command"), "failed"),
    ("it is over", TrackFacts(runs.spec(1), 1, outcome=runs.outcome(1)), "merged"),
    (
        "it is over, whatever lies about",
        TrackFacts(runs.spec(1), 1, runs.claim(), outcome=runs.outcome(1, "failed")),
        "failed",
    ),
]


@pytest.mark.parametrize("how", [{"limited": True}, {"asked": "Which one?"}])
@pytest.mark.parametrize(("count", "where"), [(99, "ready"), (100, "failed")])
def test_limits_and_questions_have_an_end(count: int, where: State, how: dict[str, str | bool]) -> None:
    """So many in a row are a failure, whoever answers; nothing is cleaned up then, for nobody could."""
    met = replace(runs.attempt(runs.phase(), error="API_ERROR: usage limit"), **how)  # type: ignore[arg-type]  # the fields are real
    row = [replace(met, attempt=number) for number in range(1, count + 1)]
    facts = TrackFacts(runs.spec(1), count, result=row[-1], former=tuple(row[:-1]), limited_until=0.0, answered=count)
    assert state_of(facts, cleanup=True, attempts=3).where == where


def state_of(facts: TrackFacts, **options: object) -> TrackState:
    """Return the state of the only track of a run."""
    return Standing(runs.facts(facts, **options), NOW).of(facts)


@pytest.mark.parametrize(("what", "facts", "where"), CASES, ids=[case[0] for case in CASES])
def test_state_follows_from_facts(what: str, facts: TrackFacts, where: State) -> None:
    """Each set of facts has the state that a person would give it, with a reason in words."""
    state = state_of(facts)
    assert state.where == where, what
    assert state.why


@pytest.mark.parametrize(
    ("outcome", "where", "why"),
    [
        (runs.outcome(1), "merged", "merged as cccccccccc"),
        (Outcome("agent-1", "t1", "merged", "x"), "merged", "merged"),
        (Outcome("agent-1", "t1", "conflict", "x", files=("a", "b", "c", "d")), "conflict", "conflict in a, b, c"),
        (runs.outcome(1, "failed", "TIMEOUT: work"), "failed", "TIMEOUT: work"),
        (runs.outcome(1, "cancelled"), "cancelled", "cancelled"),
        (runs.outcome(1, "quarantined", "failed 3 times"), "quarantined", "failed 3 times"),
    ],
)
def test_end_is_told_in_words(outcome: Outcome, where: State, why: str) -> None:
    """The reason of an end is what the outcome says."""
    assert state_of(TrackFacts(runs.spec(1), outcome=outcome)) == TrackState(where, why, "outcome")


@pytest.mark.parametrize(
    ("exited", "how"),
    [(None, "the worker died before"), (-9, "died (signal 9) before"), (70, "died (status 70) before")],
)
def test_how_a_worker_died_is_told(exited: int | None, how: str) -> None:
    """As far as it is known: a worker that we adopted tells nobody its status."""
    facts = TrackFacts(runs.spec(1), 1, None, runs.status(), exited=exited)
    assert how in state_of(facts).why


def test_a_start_under_way_is_no_alarm() -> None:
    """Whoever sees the job alone cannot tell a worker on its way from one that is started again, and is told so."""
    state = state_of(TrackFacts(runs.spec(1), 1))
    assert (state.where, state.rule) == ("ready", "again")
    assert state.why == "its job is written; its worker is on the way to the claim, or is started again"


def test_states_of_a_run_are_by_agent() -> None:
    """Every track of the run has its state under its agent's id."""
    run = runs.facts(TrackFacts(runs.spec(1)), TrackFacts(runs.spec(2), 1, runs.claim()))
    assert {agent: state.where for agent, state in Standing(run, NOW).states.items()} == {
        "agent-1": "ready",
        "agent-2": "running",
    }


@pytest.mark.parametrize(
    "facts",
    [
        TrackFacts(runs.spec(1), 1, doing="recording", ending="cancelled"),
        TrackFacts(runs.spec(1), 1, trouble="UNKNOWN: git: no"),
        TrackFacts(runs.spec(1), 1, result=runs.attempt(runs.phase(status=3), error="UNKNOWN: 3")),
    ],
)
def test_what_a_person_cancelled_has_not_failed(facts: TrackFacts) -> None:
    """Whatever became of its attempt: so there is no way from failed to cancelled."""
    run = replace(runs.facts(facts), cancelled=frozenset({"t1"}))
    assert Standing(run, NOW).of(facts).where == "cancelled"


def test_the_end_of_what_is_in_quarantine_is_being_recorded() -> None:
    """It has not failed in this run, where nobody worked on it."""
    facts = TrackFacts(runs.spec(1), doing="recording", ending="quarantined")
    assert Standing(runs.facts(facts), NOW).of(facts).where == "quarantined"
