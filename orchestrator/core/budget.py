"""What has been spent, and whether that is more than may be. What is unknown counts for nothing, and is never zero."""

from collections.abc import Callable, Iterable

from orchestrator.core.duration import brief
from orchestrator.core.facts import RunFacts, TrackFacts
from orchestrator.core.outcome import TIME_IS_OVER
from orchestrator.core.run import Limit


def total(amounts: Iterable[Limit]) -> Limit:
    """Return the sum of what is known; None where nothing is."""
    kept = tuple(amounts)
    tokens = [each.tokens for each in kept if each.tokens is not None]
    return Limit(
        usd=_sum(kept, lambda each: each.usd),
        tokens=sum(tokens) if tokens else None,
        seconds=_sum(kept, lambda each: each.seconds),
    )


def _sum(amounts: Iterable[Limit], part: Callable[[Limit], float | None]) -> float | None:
    known = [value for each in amounts if (value := part(each)) is not None]
    return sum(known) if known else None


def of_run(run: RunFacts, now: float) -> Limit:
    """Return what a run has spent; its ``seconds`` are those since it was accepted."""
    known = total(each.spent for each in run.tracks)
    return Limit(known.usd, known.tokens, run_seconds(run, now))


def run_seconds(run: RunFacts, now: float) -> float:
    """Return the age of a run in seconds of wall-clock time, which no step of the clock changes while it is driven."""
    return run.spent_seconds + max(now - run.since, 0.0)


def over_run(run: RunFacts, now: float) -> str:
    """Return why nothing more may be spent on a run, as an error; empty where it may."""
    budget = run.record.options.budget
    if budget.run == budget.day == Limit():
        return ""
    mine = of_run(run, now)
    if budget.run.seconds is not None and (mine.seconds or 0.0) >= budget.run.seconds:
        return f"{TIME_IS_OVER} ({brief(budget.run.seconds)})"
    worked = Limit(mine.usd, mine.tokens, total(each.spent for each in run.tracks).seconds)
    return _over("run", Limit(budget.run.usd, budget.run.tokens), mine) or _over(
        "day", budget.day, total((worked, run.others.spent_today))
    )


def over_track(run: RunFacts, track: TrackFacts) -> str:
    """Return why nothing more may be spent on a track, as an error; empty where it may."""
    return _over("track", run.record.options.budget.track, track.spent)


def _over(whose: str, limit: Limit, spent: Limit) -> str:
    if limit.usd is not None and spent.usd is not None and spent.usd >= limit.usd:
        return f"RESOURCE_ERROR: the budget of the {whose} is spent: {spent.usd:.2f} of {limit.usd:.2f} USD"
    if limit.tokens is not None and spent.tokens is not None and spent.tokens >= limit.tokens:
        return f"RESOURCE_ERROR: the budget of the {whose} is spent: {spent.tokens} of {limit.tokens} tokens"
    if limit.seconds is not None and spent.seconds is not None and spent.seconds >= limit.seconds:
        return f"RESOURCE_ERROR: the budget of the {whose} is spent: {brief(limit.seconds)} of work"
    return ""
