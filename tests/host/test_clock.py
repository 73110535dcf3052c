"""What time it is, and whether somebody moved it."""

import time

import pytest

from orchestrator.host import clock

STEP = 120 * 1_000_000_000


def test_the_offset_stands_still() -> None:
    """Wall clock less time since boot is the same now and a moment later."""
    before = clock.steady_offset_ns()
    clock.pause(0.01)
    assert abs(clock.steady_offset_ns() - before) < 1_000_000_000
    assert not clock.was_set(before)


@pytest.mark.parametrize("step", [STEP, -STEP])
def test_a_moved_clock_is_seen(step: int) -> None:
    """An offset noted two minutes away shows that the clock was moved."""
    assert clock.was_set(clock.steady_offset_ns() + step)


def test_a_step_forward_since_boot_is_looked_for() -> None:
    """Whether this machine's clock was set forward, it can be asked without harm."""
    assert clock.was_set_forward() in {True, False}


def test_the_clocks_go_forward() -> None:
    """Both clocks move on, the wall clock in nanoseconds since 1970."""
    wall, steady = clock.wall_ns(), clock.steady()
    clock.pause(0.002)
    assert clock.wall_ns() > wall > 1_600_000_000 * 1_000_000_000
    assert 0.002 <= clock.steady() - steady < 10


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_769_860_800_123_999_999, "2026-01-31T12:00:00.123Z"),
        (4_102_444_799_999_999_999, "2099-12-31T23:59:59.999Z"),
        (253_402_300_800 * 10**9, "9999-12-31T23:59:59.999Z"),
        (2**63 * 10**9, "9999-12-31T23:59:59.999Z"),
        (-(2**63) * 10**9, "1000-01-01T00:00:00.000Z"),
    ],
)
def test_iso(wall: int, text: str) -> None:
    """A time is written as UTC with milliseconds, cut, not rounded; what no calendar has is the nearest that it has."""
    assert clock.iso(wall) == text


def test_iso_of_now() -> None:
    """Without a time it is now."""
    assert clock.iso()[:4] == time.strftime("%Y", time.gmtime())
