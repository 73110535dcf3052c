"""The figures of a run."""

import json
from dataclasses import replace

import pytest

from orchestrator.core.result import Result
from orchestrator.core.run import Publication
from orchestrator.reports.metrics import Ending, encode, measure, measure_agent, peak_concurrency, seconds_between
from tests.core import runs

PUSHED = Publication("pushed", "main at cccccccccccc")


def result(number: int, start: str, end: str) -> Result:
    """Return one attempt from ``start`` to ``end`` (seconds of one minute)."""
    entry = replace(
        runs.attempt(), started_at=f"2026-01-31T12:00:{start}Z", ended_at=f"2026-01-31T12:00:{end}Z" if end else ""
    )
    return Result(f"agent-{number}", f"t{number}", (entry,))


def ending(**fields: object) -> Ending:
    """Return the end of a run of three tracks: merged, timed out, never started."""
    made = Ending(
        record=runs.record(runs.spec(1), runs.spec(2), runs.spec(3)),
        outcomes=(
            runs.outcome(1),
            runs.outcome(2, "failed", "TIMEOUT: phase work took longer than 4 s"),
            replace(runs.outcome(3, "failed", "UNKNOWN: not started"), attempt=0),
        ),
        results={"agent-1": result(1, "00", "10"), "agent-2": result(2, "05", "25")},
        publication=PUSHED,
        ended_at="2026-01-31T12:00:30.000Z",
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # the tests name real fields


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
