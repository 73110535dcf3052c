"""What attempts cost, as their agents say. What one of them does not say makes the sum unknown, never smaller."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.core.result import Attempt, Result


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent in dollars and tokens: in all (None: not every attempt says), and as far as it is known."""

    cost_usd: float | None
    known_cost_usd: float | None
    tokens: int | None
    known_tokens: int | None


def spent(results: Iterable[Result]) -> Spent:
    """Return what the attempts that ran have spent together; where none ran, nothing is known."""
    ran = [attempt for result in results for attempt in result.attempts if has_run(attempt)]
    costs = [each.cost_usd for each in ran if each.cost_usd is not None]
    tokens = [each.tokens for each in ran if each.tokens is not None]
    known_cost = round(sum(costs), 6) if costs else None
    known_tokens = sum(tokens) if tokens else None
    return Spent(
        cost_usd=known_cost if len(costs) == len(ran) else None,
        known_cost_usd=known_cost,
        tokens=known_tokens if len(tokens) == len(ran) else None,
        known_tokens=known_tokens,
    )


def has_run(attempt: Attempt) -> bool:
    """Tell whether an agent was started in an attempt; of a worker that died it is not known, so it counts."""
    started = any(each.kind != "commit" and each.ending != "not_started" for each in attempt.phases)
    return started or not attempt.finished
