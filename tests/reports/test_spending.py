"""What attempts cost."""

from dataclasses import replace

from orchestrator.core.result import Result
from orchestrator.reports.spending import Spent, has_run, spent
from tests.core import runs
from tests.reports.endings import phase


def of(*costs: float | None, tokens: int | None = None) -> Result:
    """Return a track with an attempt for each cost."""
    made = (replace(runs.attempt(), attempt=n, cost_usd=cost, tokens=tokens) for n, cost in enumerate(costs, 1))
    return Result("agent-1", "t1", tuple(made))


def test_what_every_attempt_says_adds_up() -> None:
    """Retries cost too; the sum is over all attempts at all tracks."""
    assert spent([of(0.5, 0.25, tokens=10), of(1.0, tokens=5)]) == Spent(1.75, 1.75, 25, 25)


def test_one_silent_attempt_makes_the_sum_unknown() -> None:
    """What the others say is a lower bound, told apart."""
    assert spent([of(0.5, None)]) == Spent(None, 0.5, None, None)


def test_nothing_is_known_of_nothing() -> None:
    """No attempt, no cost: unknown, not zero; a cost of zero that an agent states is one."""
    assert spent([]) == Spent(None, None, None, None)
    assert spent([of(0.0)]).cost_usd == 0.0


def test_an_agent_that_never_started_cost_nothing() -> None:
    """Its attempt leaves the sum of the others known; a worker that died may have spent anything."""
    never = runs.attempt(phase(ending="not_started", status=None))
    commit = runs.attempt(runs.phase("commit", kind="commit"))
    died = runs.attempt(finished=False)
    assert [has_run(each) for each in (never, commit, died, runs.attempt())] == [False, False, True, True]
    assert spent([of(0.5), Result("agent-2", "t2", (never,))]).cost_usd == 0.5
    assert spent([of(0.5), Result("agent-2", "t2", (died,))]).cost_usd is None
