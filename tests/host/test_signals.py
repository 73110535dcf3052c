"""Signals by name, and as events."""

import os
import signal
import subprocess
import time

import pytest

from orchestrator.host import signals
from orchestrator.host.signals import Signals
from tests.processes import ended, python


@pytest.mark.parametrize(("name", "number"), [("SIGTERM", 15), ("TERM", 15), ("KILL", 9)])
def test_numbers_by_name(name: str, number: int) -> None:
    """With and without the prefix."""
    assert signals.signal_number(name) == number
    assert signals.signal_name(number) == f"SIG{name.removeprefix('SIG')}"


@pytest.mark.parametrize("name", ["", "SIG", "term", "SIGNOTHING", "SIGTERM\n", "__class__"])
def test_what_is_no_name(name: str) -> None:
    """It is refused, made visible."""
    with pytest.raises(ValueError, match="no signal is called"):
        signals.signal_number(name)


def test_a_number_without_a_name() -> None:
    """It is still said which one it was."""
    assert signals.signal_name(200) == "signal 200"


def test_signals_become_events() -> None:
    """What comes in the block is returned in order, once; afterwards all is as before."""
    before = signal.getsignal(signal.SIGUSR1)
    with Signals((signal.SIGUSR1, signal.SIGUSR2)) as events:
        assert events.wait(0) == []
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        assert sorted([*events.wait(5), *events.wait(0)]) == [signal.SIGUSR1, signal.SIGUSR2]
        assert events.wait(0) == []
    assert signal.getsignal(signal.SIGUSR1) == before


def test_a_signal_ends_the_wait() -> None:
    """A wait ends with the signal and not with its time."""
    with Signals((signals.CHILD,)) as events, subprocess.Popen(["sleep", "0.1"]) as child:
        start = time.monotonic()
        assert events.wait(20) == [signals.CHILD]
        assert time.monotonic() - start < 10
        child.wait()


def test_a_wait_has_an_end() -> None:
    """Without a signal it takes as long as was asked for."""
    with Signals((signal.SIGUSR1,)) as events:
        start = time.monotonic()
        assert events.wait(0.05) == []
        assert 0.04 < time.monotonic() - start < 10


def test_many_deaths_are_one_event() -> None:
    """Children that die by the hundred neither fill a list nor hide another signal."""
    with Signals((signals.CHILD, signal.SIGUSR1)) as events:
        for _ in range(100):
            os.kill(os.getpid(), signals.CHILD)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert sorted(events.wait(1)) == sorted([signals.CHILD, signal.SIGUSR1])


IGNORES = """
import os, signal
from orchestrator.host import signals
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with signals.Signals((signals.HANGUP, signals.CHILD)) as events:
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGCHLD)
    assert events.wait(1) == [signals.CHILD], "what nohup ignores stays ignored, children are heard"
assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
"""


def test_what_the_starter_ignores_stays_ignored() -> None:
    """As under nohup; but for the death of children, which is always heard."""
    assert ended(python(IGNORES)) == ""


HOLDS_BACK = """
import os, signal
from orchestrator.host import signals
with signals.Signals((signal.SIGUSR1,)) as events:
    with signals.held_back():
        os.kill(os.getpid(), signal.SIGUSR1)
        assert events.wait(0.01) == []
    assert events.wait(1) == [signal.SIGUSR1]
"""


def test_signals_are_held_back() -> None:
    """They come at the end of the block; in a process of one thread, for another thread would take them."""
    assert ended(python(HOLDS_BACK)) == ""


def test_signals_are_ignored_for_a_while() -> None:
    """In the block they do nothing; afterwards their meaning is the one before."""
    before = signal.getsignal(signal.SIGUSR1)
    with signals.ignored((signal.SIGUSR1,)):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) == before
