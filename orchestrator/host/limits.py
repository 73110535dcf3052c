"""Limits of this process, and the signals that ask it to end."""

import resource
import signal
from contextlib import suppress
from typing import Final

ENDING: Final = (signal.SIGTERM, signal.SIGINT)
"""Sent by a service manager and by Ctrl-C."""


def raise_descriptors() -> None:
    """Allow as many open descriptors as the system permits: one is held for each living owner."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
