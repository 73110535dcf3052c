"""What tracks have spent, and when usage limits are over, by files and the clock on the wall."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core import result
from orchestrator.core.result import Attempt, Result
from orchestrator.core.run import Limit, Options
from orchestrator.core.status import Status
from orchestrator.daemon import spending
from orchestrator.host import clock
from orchestrator.state.layout import Layout
from tests.core import runs

HOUR_NS = 3_600_000_000_000


def limited(until: str) -> Attempt:
    """Return an attempt that has just met a usage limit."""
    return replace(runs.attempt(error="API_ERROR: limit", ended_at=clock.iso()), limited=True, limited_until=until)


def test_a_stated_end_is_turned_into_our_clock() -> None:
    """One that has passed has passed, whenever it is asked; one in years is not believed."""
    options = Options()
    later = spending.limited_until(limited(clock.iso(clock.wall_ns() + HOUR_NS)), 5.0, options)
    assert later is not None
    assert later - clock.steady() == pytest.approx(3600, abs=5)
    assert spending.limited_until(limited(clock.iso(clock.wall_ns() - 1)), 5.0, options) == 0.0
    far = spending.limited_until(limited("2999-01-01T00:00:00Z"), 5.0, options)
    assert far is not None
    assert far <= clock.steady() + spending.LONGEST_LIMIT


def test_a_limit_met_again_and_again_has_a_pause_and_an_end() -> None:
    """Who says it is over when it is not, or always a week away, keeps us neither busy nor waiting for ever."""
    options, past = Options(retry_delay_seconds=8.0), clock.iso(clock.wall_ns() - HOUR_NS)
    row = [replace(limited(past), attempt=number, ended_at=past) for number in range(1, 30)]
    assert spending.limited_until(row[0], 5.0, options, ()) == 0.0
    second = spending.limited_until(row[1], 5.0, options, row[:1])
    assert second is not None
    assert 5.0 + 6.0 <= second <= 5.0 + 20.0
    assert spending.limited_until(row[-1], 5.0, options, row[:-1]) == 305.0
    week = clock.iso(clock.wall_ns() - int(spending.LONGEST_LIMIT * 1e9))
    first = replace(limited("2999-01-01T00:00:00Z"), ended_at=week)
    assert spending.limited_until(first, 5.0, options) == 0.0
    broken = [row[0], replace(row[1], limited=False)]
    assert spending.limited_until(row[2], 5.0, options, broken) == 0.0


@pytest.mark.parametrize("until", ["", "soon"])
def test_an_unstated_end_comes_after_a_while(until: str) -> None:
    """As long as the settings say, from when the limit was met; unknown as long as that is unknown."""
    options = Options(limit_wait_seconds=60.0)
    assert spending.limited_until(limited(until), 5.0, options) == 65.0
    assert spending.limited_until(limited(until), None, options) is None
    assert spending.limited_until(runs.attempt(), 5.0, options) is None
    assert spending.limited_until(None, 5.0, options) is None


def test_since_when_an_attempt_is_over() -> None:
    """By its own word, so that the next driver of the run counts on from there."""
    before = clock.iso(clock.wall_ns() - 60_000_000_000)
    since = spending.over_since(replace(runs.attempt(), ended_at=before))
    assert since is not None
    assert clock.steady() - since == pytest.approx(60, abs=2)
    assert spending.over_since(replace(runs.attempt(), ended_at="then")) is None
    assert spending.over_since(runs.attempt(finished=False)) is None
    assert spending.over_since(None) is None


def test_a_track_has_spent_what_all_attempts_have() -> None:
    """The running one by its status; an attempt whose worker died by its last phase; unknown is unknown."""
    one = replace(runs.attempt(), cost_usd=0.5, tokens=10)  # 12:00:00 to 12:00:09
    dead = replace(runs.attempt(finished=False), attempt=2)  # last heard of at 12:00:05
    began = clock.iso(clock.wall_ns() - 10_000_000_000)
    said = {"attempt": 3, "cost_usd": 0.25, "tokens": 5}
    status = Status("agent-1", "in_progress", began, began, "b", track="t1", metadata=said)
    spent = spending.of_track((one, dead), 3, status)
    assert (spent.usd, spent.tokens) == (0.75, 15)
    assert spent.seconds == pytest.approx(24, abs=3)
    assert spending.of_track((), 0, None) == Limit()
    forged = replace(status, start_time="0001-01-01T00:00:00Z")
    running = replace(runs.attempt(finished=False), attempt=3, started_at=began)
    assert spending.of_track((running,), 3, forged).seconds == pytest.approx(10, abs=3)
    over = replace(one, attempt=3)
    assert spending.of_track((over,), 3, status) == Limit(0.5, 10, 9.0)


def test_what_the_day_has_cost(tmp_path: Path) -> None:
    """Attempts that ended today, of all runs named; files that cannot be read are passed over."""
    layout = Layout(str(tmp_path))
    now = clock.iso()
    today = replace(runs.attempt(), started_at=now, ended_at=now, cost_usd=2.0, phases=())
    before = replace(today, attempt=2, started_at="2020-01-01T00:00:00Z", ended_at="2020-01-01T00:00:01Z")
    for run in ("one", "two"):
        folder = Path(layout.run(run).folder)
        folder.mkdir(parents=True)
        (folder / "agent-1.result.json").write_bytes(result.encode(Result("agent-1", "t1", (today, before))))
        (folder / "agent-2.result.json").write_text("{")
    assert spending.today(layout, ["one", "two", "gone"]).usd == 4.0
    assert spending.age("2020-01-01T00:00:00Z") > 1e8
    assert (spending.age("2999-01-01T00:00:00Z"), spending.age("x")) == (0.0, 0.0)
