"""The figures of a run."""

import json
from dataclasses import replace

import pytest

from orchestrator.core.result import Result
from orchestrator.core.run import Publication
from orchestrator.reports.metrics import Going, encode, measure, measure_agent, peak_concurrency, seconds_between
from tests.core import runs
from tests.reports.endings import ending, result


def test_counts_every_track_once() -> None:
    """Merged, timed-out and failed tracks add up to all of them, never-started ones included."""
    metrics = measure(ending())
    assert (metrics.total_sub_tasks, metrics.successful_agents, metrics.timeout_agents, metrics.failed_agents) == (
        3,
        1,
        1,
        1,
    )
    assert metrics.success_rate_percentage == 33.3


def test_compares_parallel_with_sequential() -> None:
    """The sequential time is the sum of what each track took; the speed-up is its ratio to the run."""
    metrics = measure(ending())
    assert metrics.duration_seconds == 30.0
    assert metrics.agent_durations == {"agent-1": 10.0, "agent-2": 20.0}
    assert (metrics.estimated_sequential_time, metrics.speedup_ratio) == (30.0, 1.0)
    assert (metrics.avg_agent_duration, metrics.max_agent_duration, metrics.min_agent_duration) == (15.0, 20.0, 10.0)
    assert metrics.peak_concurrency == 2


def test_unknown_is_null() -> None:
    """What nobody measured is null, never zero."""
    metrics = measure(ending(outcomes=(), results={}))
    assert metrics.speedup_ratio is metrics.estimated_sequential_time is metrics.avg_agent_duration is None
    assert metrics.resource_usage.peak_memory_mb is metrics.resource_usage.peak_cpu_percent is None
    assert metrics.cost_usd is metrics.resource_usage.total_api_calls is None
    assert metrics.success_rate_percentage == 0.0


def test_resources_are_those_of_the_greatest() -> None:
    """Peak memory is the largest phase's; CPU is that of the busiest."""
    usage = measure(ending()).resource_usage
    assert (usage.peak_memory_mb, usage.peak_cpu_percent) == (20.0, 50.0)
    still = Result("agent-1", "t1", (runs.attempt(runs.phase(seconds=0.0)),))
    assert measure(ending(results={"agent-1": still})).resource_usage.peak_cpu_percent is None


def test_attempt_without_an_end_counts_up_to_its_last_phase() -> None:
    """A worker that died is counted as far as it was heard of; one that never spoke is not."""
    cut = Result("agent-1", "t1", (runs.attempt(finished=False),))
    assert measure(ending(results={"agent-1": cut})).agent_durations == {"agent-1": 5.0}
    silent = Result("agent-1", "t1", (replace(runs.attempt(finished=False), phases=()),))
    assert measure(ending(results={"agent-1": silent})).agent_durations == {}


def test_back_to_back_is_not_together() -> None:
    """One attempt that begins when another ends makes no concurrency of two."""
    assert peak_concurrency({"a": result(1, "00", "10"), "b": result(2, "10", "20")}) == 1
    assert peak_concurrency({}) == 0


def test_clock_moved_backwards_makes_no_negative_time() -> None:
    """A duration is never below zero."""
    assert seconds_between("2026-01-31T12:00:10Z", "2026-01-31T12:00:00Z") == 0.0
    assert measure(ending(ended_at="2026-01-31T11:00:00Z")).speedup_ratio is None


@pytest.mark.parametrize("time", ["", "yesterday", "2026-02-30T00:00:00Z"])
def test_what_is_no_time_is_not_known(time: str) -> None:
    """A record that somebody else wrote keeps no report from being made."""
    assert seconds_between(time, "2026-01-31T12:00:00Z") is seconds_between("2026-01-31T12:00:00Z", time) is None
    odd = Result("agent-1", "t1", (replace(runs.attempt(), started_at=time),))
    made = ending(results={"agent-1": odd}, ended_at=time)
    assert measure(made).agent_durations == {}
    assert measure(made).duration_seconds == 0.0


def test_a_time_without_a_zone_is_utc() -> None:
    """So it can be compared with one that has."""
    assert seconds_between("2026-01-31T12:00:00", "2026-01-31T12:00:10Z") == 10.0


def test_figures_of_one_agent() -> None:
    """One track has its own figures; where nothing ran they are null."""
    figures = measure_agent(runs.outcome(1), result(1, "00", "10"))
    assert (figures.duration_seconds, figures.cpu_seconds, figures.peak_memory_mb, figures.attempts) == (
        10.0,
        2.0,
        20.0,
        1,
    )
    none = measure_agent(runs.outcome(3, "failed"), None)
    assert none.duration_seconds is none.cpu_seconds is none.peak_memory_mb is None


def test_bytes_are_json() -> None:
    """The file is one JSON object with its version."""
    assert json.loads(encode(measure(ending())))["v"] == 1


def test_cost_is_that_of_every_attempt() -> None:
    """Known only where every attempt that ran says it; of a track, and of the run."""
    told = replace(runs.attempt(), cost_usd=0.5, tokens=100)
    whole = Result("agent-1", "t1", (told, replace(told, attempt=2)))
    metrics = measure(ending(results={"agent-1": whole}))
    assert (metrics.cost_usd, metrics.known_cost_usd, metrics.tokens, metrics.attempts) == (1.0, 1.0, 200, 2)
    part = measure(ending(results={"agent-1": whole, "agent-2": result(2, "05", "25")}))
    assert (part.cost_usd, part.known_cost_usd, part.tokens, part.known_tokens) == (None, 1.0, None, 200)
    assert measure_agent(runs.outcome(1), whole).cost_usd == 1.0


def test_pull_requests_are_counted_once() -> None:
    """Two agents that name one pull request made one."""
    assert measure(ending(pull_requests={"agent-1": 7, "agent-2": 7, "agent-3": 8})).prs_created == 2
    assert measure_agent(runs.outcome(1), None, 7).pull_request == 7


def test_a_run_that_goes_on_is_measured_by_all_its_tracks() -> None:
    """What has not ended is neither a success nor a failure, and counts in the whole."""
    metrics = measure(ending(outcomes=(runs.outcome(1),), going={"agent-2": Going("running", "")}, over=False))
    assert (metrics.total_sub_tasks, metrics.successful_agents, metrics.failed_agents) == (2, 1, 0)
    assert metrics.success_rate_percentage == 50.0


def test_the_figures_say_what_became_of_the_push() -> None:
    """So that the report can be told again from them."""
    metrics = measure(ending(publication=Publication("failed", "rejected", "git push origin main", ("no",))))
    assert metrics.publication_output == ("no",)
    assert (metrics.publication_why, metrics.publication_command) == ("rejected", "git push origin main")
