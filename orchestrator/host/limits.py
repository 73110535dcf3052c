"""Limits of this process, and the signals that ask it to end."""

import resource
import signal
from contextlib import suppress
from typing import Final

ENDING: Final = (signal.SIGTERM, signal.SIGINT)
"""Sent by a service manager and by Ctrl-C."""

MOST: Final = 65_536
"""We ask for no more descriptors than this: what we start inherits the limit, and some programs close all of them."""

RESERVED: Final = 128
"""So many descriptors are kept for files, sockets and commands; where there are few, three of four."""


def raise_descriptors() -> None:
    """Allow many open descriptors, as far as the system permits: one is held for each living owner."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def holdable() -> int:
    """Return how many descriptors may be held for long without starving the rest of the process."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MOST if soft == resource.RLIM_INFINITY else soft
    return allowed - min(RESERVED, allowed * 3 // 4)
