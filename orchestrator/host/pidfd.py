"""A hold on exactly one process, whatever becomes of its number. Linux 5.3 and later."""

import errno
import os
import signal
from contextlib import suppress
from typing import Final

from orchestrator.host import identity

_NO_PROCESS: Final = frozenset({errno.ESRCH, errno.EINVAL})


def pin(pid: int, start_ticks: int) -> int | None:
    """Return a descriptor of the process ``pid`` that started at ``start_ticks``; readable once it ended.

    None: it is not that process any more, or this system has no such descriptors.
    Raises ``OSError`` with EMFILE or ENFILE when there are none left.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        fd = os.pidfd_open(pid)
    except OSError as error:
        if error.errno in _NO_PROCESS:
            return None
        raise
    try:
        sight = identity.look(pid)
    except OSError:
        os.close(fd)
        raise
    if sight.start_ticks == start_ticks and sight.seen not in ("gone", "zombie"):
        return fd
    os.close(fd)
    return None


def send(fd: int, number: int) -> bool:
    """Send a signal to the pinned process; tell whether it was still there to get it."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(fd, number)
        return True
    return False
