"""What has been spent against what may be; what is unknown counts for nothing."""

from dataclasses import replace

import pytest

from orchestrator.core import budget
from orchestrator.core.facts import Others, RunFacts, TrackFacts
from orchestrator.core.outcome import TIME_IS_OVER
from orchestrator.core.run import Budget, Limit
from orchestrator.core.standing import Standing
from tests.core import runs

NOW = 1000.0


def spending(*spent: Limit, allowed: Budget, **fields: object) -> RunFacts:
    """Return a run whose tracks have spent so much; 100 s old."""
    tracks = (TrackFacts(runs.spec(number), 1, spent=each) for number, each in enumerate(spent, 1))
    run = replace(runs.facts(*tracks, budget=allowed), since=NOW - 40, spent_seconds=60.0)
    return replace(run, **fields)  # type: ignore[arg-type]  # the tests name real fields


def test_sums_are_of_what_is_known() -> None:
    """Nothing known is unknown, not nothing."""
    assert budget.total(()) == Limit()
    assert budget.total((Limit(), Limit(usd=1.5), Limit(0.5, 10, 3.0))) == Limit(2.0, 10, 3.0)


def test_a_run_s_seconds_are_those_since_it_was_accepted() -> None:
    """Also those before this process drove it; a clock that goes back takes none away."""
    run = spending(Limit(1.0, 5, 7.0), Limit(), allowed=Budget())
    assert budget.of_run(run, NOW) == Limit(1.0, 5, 100.0)
    assert budget.run_seconds(run, NOW - 60) == 60.0


@pytest.mark.parametrize(
    ("allowed", "why"),
    [
        (Budget(), ""),
        (Budget(run=Limit(usd=3.0, tokens=16, seconds=101.0)), ""),
        (Budget(run=Limit(usd=2.5)), "RESOURCE_ERROR: the budget of the run is spent: 2.50 of 2.50 USD"),
        (Budget(run=Limit(tokens=15)), "RESOURCE_ERROR: the budget of the run is spent: 15 of 15 tokens"),
        (Budget(run=Limit(seconds=100.0)), f"{TIME_IS_OVER} (1m40s)"),
        (Budget(day=Limit(usd=4.0)), ""),
        (Budget(day=Limit(usd=3.5)), "RESOURCE_ERROR: the budget of the day is spent: 3.50 of 3.50 USD"),
        (Budget(day=Limit(seconds=20.0)), "RESOURCE_ERROR: the budget of the day is spent: 20s of work"),
    ],
)
def test_a_run_keeps_to_its_budget_and_the_day_s(allowed: Budget, why: str) -> None:
    """The day's counts what other runs have spent; time of the day is time of work."""
    others = Others(spent_today=Limit(1.0, None, 5.0))
    run = spending(Limit(2.5, 15, 10.0), Limit(seconds=5.0), allowed=allowed, others=others)
    assert budget.over_run(run, NOW) == why


@pytest.mark.parametrize(
    ("spent", "why"),
    [
        (Limit(), ""),
        (Limit(0.99, 99, 59.9), ""),
        (Limit(usd=1.0), "RESOURCE_ERROR: the budget of the track is spent: 1.00 of 1.00 USD"),
        (Limit(tokens=100), "RESOURCE_ERROR: the budget of the track is spent: 100 of 100 tokens"),
        (Limit(seconds=61.0), "RESOURCE_ERROR: the budget of the track is spent: 1m of work"),
    ],
)
def test_a_track_keeps_to_its_budget(spent: Limit, why: str) -> None:
    """In dollars, tokens and time; whoever does not say what it costs is not stopped for it."""
    run = spending(spent, allowed=Budget(track=Limit(1.0, 100, 60.0)))
    assert budget.over_track(run, run.tracks[0]) == why


@pytest.mark.parametrize("attempts", [1, 3])
def test_what_is_cut_short_says_why(attempts: int) -> None:
    """The last attempt too ends for want of time, not because it was cancelled; and nothing is cleaned up then."""
    cut = replace(runs.phase("review"), ending="cancelled", status=None, signal=15)
    entry = runs.attempt(runs.phase(), cut, error="UNKNOWN: cancelled (SIGTERM)")
    track = TrackFacts(runs.spec(1), 1, result=entry, failed_since=NOW)
    run = runs.facts(track, attempts=attempts, cleanup=True, budget=Budget(run=Limit(seconds=5.0)))
    state = Standing(run, NOW).of(track)
    assert (state.where, state.rule, state.why.startswith(TIME_IS_OVER)) == ("failed", "budget", True)


def test_what_failed_by_itself_says_so() -> None:
    """Whatever is spent by then."""
    track = TrackFacts(runs.spec(1), 1, result=runs.attempt(runs.phase(status=3), error="UNKNOWN: 3"), failed_since=NOW)
    run = runs.facts(track, budget=Budget(run=Limit(seconds=5.0)))
    assert Standing(run, NOW).of(track).why == "UNKNOWN: 3"
