"""The terminal that we were started from, and which process group may use it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from orchestrator.host import signals


def sends(number: int) -> bool:
    """Tell whether a signal of that number comes from the terminal's keys, which send it to our whole group.

    An interrupt that somebody sends to us alone while we have the terminal cannot be told from one.
    """
    return number in (signals.INTERRUPT, signals.QUIT) and _owner() == os.getpgrp()


def _owner() -> int | None:
    """Return the process group that may use our terminal; None without one."""
    with suppress(OSError), _opened() as terminal:
        return os.tcgetpgrp(terminal)
    return None


@contextmanager
def _opened() -> Iterator[int]:
    fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def leading() -> Iterator[None]:
    """Lead a process group for the block, and hand it the terminal if our old group had it.

    Where the group has the terminal but we do not both read and write there, all stays as it is: this is
    a pipeline, and a neighbour may need the terminal. Afterwards the terminal is given back.
    """
    former = os.getpgrp()
    in_front = _owner() == former
    if former == os.getpid() or (in_front and not (os.isatty(0) and os.isatty(1))):
        yield
        return
    os.setpgid(0, 0)
    if not in_front:
        yield
        return
    # The shell does not know of the new group, so nobody could wake it: the stop key must do nothing.
    with signals.ignored((signals.STOPPED_BY_KEY,)):
        _give(os.getpgrp())
        try:
            yield
        finally:
            _give(former)


def _give(group: int) -> None:
    with suppress(OSError), signals.held_back((signals.WRITES_BEHIND,)), _opened() as terminal:
        os.tcsetpgrp(terminal, group)
