"""Waiting for a condition, with a bound."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

SHORTEST: Final = 0.005
LONGEST: Final = 0.25
SHARE: Final = 5
"""How often the time of a look is waited before the next: one that starts a process would else keep a CPU busy."""


def wait_for(condition: Callable[[], T], seconds: float = 30.0, what: str = "") -> T:
    """Return the first true value of ``condition``; fail the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        looked = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(min(max(SHORTEST, SHARE * (now - looked)), LONGEST))
