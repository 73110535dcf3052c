"""When a schedule runs again: on its grid, at once after an overrun, and not for ever."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import outcome
from orchestrator.core.cadence import EVERY, HOPELESS, LASTS, Cadence, Next, Over, Reason, Tick, after, worst

CADENCE = Cadence(1000.0, every=10.0, lasts=60.0)


def tick(began: float, ended: float, code: int = 0, *, worked: bool = True, stopped: bool = False) -> Tick:
    """Return a run by seconds since the start."""
    return Tick(CADENCE.start + began, CADENCE.start + ended, code, worked, stopped)


@pytest.mark.parametrize(
    ("began", "ended", "expected"),
    [
        (0, 1, Next(1010.0)),
        (0, 9.99, Next(1010.0)),
        (10, 12, Next(1020.0)),
        (0, 10, Next(1010.0, overran=True)),
        (0, 13, Next(1013.0, overran=True)),
        (0, 37, Next(1037.0, overran=True)),
        (13, 15, Next(1020.0)),
        (37, 38, Next(1040.0)),
        (40, 49, Next(1050.0)),
        (50, 51, Over("time")),
        (50, 59.9, Over("time")),
        (40, 59, Next(1059.0, overran=True)),
        (40, 60, Over("time")),
        (40, 400, Over("time")),
    ],
)
def test_the_grid(began: float, ended: float, expected: Next | Over) -> None:
    """The next tick of the grid; at once after an overrun; none at the end or after it, and no run is cut."""
    assert after(CADENCE, tick(began, ended)) == expected


@pytest.mark.parametrize(
    ("given_tick", "reason"),
    [
        (tick(0, 1, worked=False), "no work"),
        (tick(0, 30, worked=False), "no work"),
        (tick(0, 1, outcome.INTERRUPTED), "stopped"),
        (tick(0, 1, stopped=True), "stopped"),
        (tick(0, 99, outcome.USAGE, stopped=True), "stopped"),
        (tick(0, 1, outcome.USAGE, worked=False), "refused"),
        (tick(0, 1, outcome.BUG), "refused"),
    ],
)
def test_what_ends_a_schedule(given_tick: Tick, reason: Reason) -> None:
    """No work, a person, or words that no run will ever take; whatever the time is."""
    assert after(CADENCE, given_tick) == Over(reason)


@pytest.mark.parametrize("code", [1, 2, 3, 4, 7, 8, 9, 75, 137])
@pytest.mark.parametrize("worked", [True, False])
def test_what_may_be_mended_goes_on(code: int, worked: bool) -> None:  # noqa: FBT001  # a parameter of the case
    """A run that failed, a source in the middle of an edit, a full disk, another run in the way: it tries again."""
    assert code not in HOPELESS
    assert after(CADENCE, tick(0, 1, code, worked=worked)) == Next(1010.0)


def test_ten_minutes_for_six_hours() -> None:
    """Unless told otherwise, quick runs are 36."""
    cadence = Cadence(12345.678)
    began, runs = cadence.start, 0
    while True:
        runs += 1
        follows = after(cadence, Tick(began, began + 1, 0, worked=True))
        if isinstance(follows, Over):
            break
        assert math.isclose(follows.at, cadence.start + runs * EVERY)
        began = follows.at
    assert (runs, follows.reason) == (LASTS / EVERY, "time")


@given(
    start=st.floats(0, 1e7),
    every=st.floats(0.01, 1e5),
    times=st.integers(1, 40),
    lengths=st.lists(st.floats(0, 10), min_size=60, max_size=60),
)
def test_always_ends_and_never_goes_back(start: float, every: float, times: int, lengths: list[float]) -> None:
    """Whatever runs take: each begins when the last has ended or later, before the end, and within a tick of it."""
    cadence = Cadence(start, every, every * times)
    began = start
    for length in lengths:
        ended = began + length * every
        follows = after(cadence, Tick(began, ended, 0, worked=True))
        if isinstance(follows, Over):
            return
        assert ended <= follows.at < cadence.end
        assert follows.at - ended <= every * (1 + 1e-6)
        assert follows.at > began or follows.overran
        began = follows.at
    assert sum(lengths) < times


def test_the_worst_run_is_the_schedules() -> None:
    """Partly done is worse than done, below the threshold worse than that, no run at all the worst."""
    assert [worst(codes) for codes in ((), (0, 0), (0, 1, 0), (1, 2, 0), (3, 1), (0, 75))] == [0, 0, 1, 2, 3, 75]
