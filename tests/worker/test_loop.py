"""The one place where a worker waits."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from orchestrator.host import spawn
from orchestrator.host.signals import CHILD, Signals
from orchestrator.worker.loop import STOPPING, Loop


@pytest.fixture
def events() -> Iterator[Signals]:
    """The signals of a worker, for the length of a test."""
    with Signals((CHILD, *STOPPING)) as made:
        yield made


def test_the_first_reason_counts(events: Signals) -> None:
    """Of several reasons to stop; an empty one is none."""
    loop = Loop(events)
    loop.stop("")
    assert loop.reason == ""
    loop.stop("TIMEOUT: one")
    loop.stop("UNKNOWN: two")
    assert (loop.reason, loop.signal, loop.hurry) == ("TIMEOUT: one", None, False)


def test_a_signal_asks_and_a_second_one_hurries(events: Signals) -> None:
    """The first is remembered, the second shortens the grace."""
    loop = Loop(events)
    os.kill(os.getpid(), signal.SIGTERM)
    assert loop.turn(5)
    assert (loop.reason, loop.signal) == ("UNKNOWN: cancelled (SIGTERM)", signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert not loop.turn(5)
    assert (loop.reason, loop.signal) == ("UNKNOWN: cancelled (SIGTERM)", signal.SIGTERM)


def test_the_same_request_again_is_no_hurry(events: Signals) -> None:
    """Whoever drives the run asks with SIGTERM, and after its own restart once more: the grace stays."""
    loop = Loop(events, patient=True)
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGTERM)
        assert loop.turn(5)
    assert loop.signal == signal.SIGTERM
    os.kill(os.getpid(), signal.SIGINT)
    assert not loop.turn(5)
    os.kill(os.getpid(), signal.SIGTERM)
    assert not loop.turn(5)


def test_a_signal_that_is_not_for_us(events: Signals) -> None:
    """What ``heeds`` does not heed is no reason."""
    loop = Loop(events, lambda number: number == signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert loop.turn(5)
    assert loop.reason == ""


def test_children_are_collected_once(events: Signals) -> None:
    """Each child that ended is told with its code, one time."""
    loop = Loop(events)
    pid = os.posix_spawnp("sh", ["sh", "-c", "exit 3"], os.environ)
    ended: list[spawn.Ended] = []
    deadline = time.monotonic() + 10
    while not ended and time.monotonic() < deadline:
        loop.turn(1)
        ended = loop.collected()
    assert [(each.pid, each.code) for each in ended] == [(pid, 3)]
    assert loop.collected() == []


def test_timers(events: Signals) -> None:
    """What is due is done, again and again, and the wait is no longer than until then."""
    loop = Loop(events)
    done: list[str] = []
    loop.every(0.02, lambda: done.append("often"))
    loop.every(3600, lambda: done.append("never"))
    start = time.monotonic()
    while len(done) < 3:
        assert loop.turn(60)
    assert time.monotonic() - start < 10
    assert set(done) == {"often"}


def test_a_timer_that_changes_its_pace(events: Signals) -> None:
    """A function says anew each time how long it is until the next."""
    loop = Loop(events)
    done: list[str] = []
    loop.every(lambda: 3600 if done else 0.02, lambda: done.append("once"))
    assert loop.turn(60)
    assert loop.turn(0.1)
    assert done == ["once"]


def test_a_wait_ends_with_its_time(events: Signals) -> None:
    """Without timers or events."""
    start = time.monotonic()
    assert Loop(events).turn(0.05)
    assert 0.04 < time.monotonic() - start < 5
    assert subprocess.run(["true"], check=True).returncode == 0
