"""Signals: by name, and as events that a loop waits for."""

import os
import select
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, Self

from orchestrator.core.text import visible

Handler = Callable[[int, FrameType | None], object] | int | None
"""What may be set for a signal."""

CHILD: Final = int(signal.SIGCHLD)
TERM: Final = int(signal.SIGTERM)
INTERRUPT: Final = int(signal.SIGINT)
QUIT: Final = int(signal.SIGQUIT)
HANGUP: Final = int(signal.SIGHUP)
STOPPED_BY_KEY: Final = int(signal.SIGTSTP)
WRITES_BEHIND: Final = int(signal.SIGTTOU)
STOP: Final = int(signal.SIGSTOP)
CONTINUE: Final = int(signal.SIGCONT)
KILL: Final = int(signal.SIGKILL)
_LONGEST: Final = 3600.0
_PIPE: Final = 64 * 1024
_EVERY: Final = signal.valid_signals()


def signal_number(name: str) -> int:
    """Return the number of a signal by its name (``SIGTERM`` or ``TERM``); raises ``ValueError``."""
    full = name if name.startswith("SIG") else f"SIG{name}"
    if full not in signal.Signals.__members__:
        raise ValueError(f"no signal is called {visible(name, 20)}")
    return int(signal.Signals[full])


def signal_name(number: int) -> str:
    """Return the name of a signal; ``signal N`` where the system has none."""
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def ignore(number: int) -> None:
    """Ignore a signal from now on."""
    signal.signal(number, signal.SIG_IGN)


@contextmanager
def ignored(numbers: Iterable[int]) -> Iterator[None]:
    """Ignore signals for the block; children started in it ignore them too."""
    former = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def held_back(numbers: Iterable[int] = _EVERY) -> Iterator[None]:
    """Let signals wait for the end of the block."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def as_new() -> None:
    """Give every signal that we handle, and those that Python ignores, its first meaning; hold none back.

    For a child after its fork. What our own starter ignored stays ignored.
    """
    signal.set_wakeup_fd(-1)
    for number in _EVERY:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


class Signals:
    """The signals of ``numbers`` as events, for the block of a ``with``; in the main thread only.

    A signal that our starter told us to ignore (``nohup``, a shell's background job) stays ignored;
    the death of a child is always heard, and what our starter held back comes through.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = tuple(numbers)
        self._former: dict[int, Handler] = {}
        self._seen: list[int] = []
        self._reader, self._writer = -1, -1
        self._former_fd = -1
        self._former_mask: set[int] = set()
        self._poll = select.poll()

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._poll.register(self._reader, select.POLLIN)
        self._former_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in self._numbers:
            if number == CHILD or signal.getsignal(number) != signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._note)
        self._former_mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, self._numbers)
        return self

    def __exit__(self, *_raised: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._former_mask)
        signal.set_wakeup_fd(self._former_fd)
        self._poll.unregister(self._reader)
        os.close(self._reader)
        os.close(self._writer)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        """Remember a signal; children that die by the thousand count once."""
        if number != CHILD or CHILD not in self._seen:
            self._seen.append(number)

    def wait(self, seconds: float) -> list[int]:
        """Return the signals that came since the last call, waiting at most ``seconds`` for one."""
        if not self._seen:
            self._poll.poll(max(0.0, min(seconds, _LONGEST)) * 1000)
        with suppress(BlockingIOError):
            os.read(self._reader, _PIPE)
        seen, self._seen = self._seen, []
        return seen
