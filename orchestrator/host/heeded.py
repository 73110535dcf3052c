"""Which signals that ask a process to end are meant for it."""

import signal

from orchestrator.host.limits import ENDING


def heeded() -> tuple[int, ...]:
    """Return those of ENDING that our starter did not tell us to ignore, as a shell does for what it puts behind."""
    return tuple(number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN)
