"""The log of a track: what its agents printed, attempt by attempt, written by them directly."""

from contextlib import suppress
from typing import Final

from orchestrator.host import clock, logfile

ROTATED_AT: Final = 64 * 1024 * 1024
"""A log of more bytes is set aside before an attempt; KEPT older files stay."""

LARGEST: Final = 2 * ROTATED_AT
"""A log of more bytes is cut while an attempt goes on: about the last ROTATED_AT stay."""

KEPT: Final = 3

ROOM: Final = 5 * ROTATED_AT
"""All the files of one log take no more than about this."""

MOST: Final = 1024 * 1024 * 1024
"""No phase may print more bytes than this."""

_CALM: Final = 0.25
_BUSY: Final = 0.05
_MUCH: Final = 1024 * 1024
"""Seconds between two looks at the size; sooner after a look that found so many new bytes."""


class Log:
    """The log of one attempt, open until the worker ends. What is new is counted from :meth:`mark`."""

    def __init__(self, path: str) -> None:
        """Open the log at ``path``; one that has grown too large is set aside first. The claim must be ours."""
        logfile.close_gap_at(path)  # a worker that was killed left it
        logfile.rotate(path, ROTATED_AT, KEPT)
        self.fd = logfile.open_log(path)
        self._path = path
        self._start = logfile.size(self.fd)
        self._gone = self._said = 0
        self._before = b""
        self._shifted = False
        self._size = 0
        self._grew = False

    def say(self, text: str) -> None:
        """Add lines of our own, marked as such. A full disk keeps nobody from going on."""
        with suppress(OSError):
            self._said += logfile.say(self.fd, text, clock.iso())

    def mark(self) -> None:
        """Count what is new from here."""
        self._start = logfile.size(self.fd)
        self._gone = self._said = 0
        self._before = b""

    def bound(self) -> None:
        """Drop the beginning of the file where it has grown too large: its end stays, whoever writes there."""
        size = logfile.size(self.fd)
        self._grew, self._size = size > self._size + _MUCH, size
        if size > LARGEST and logfile.held(self.fd) > LARGEST:
            with suppress(OSError):
                logfile.make_room(self._path, KEPT, ROOM - LARGEST)
            if not logfile.drop_head(self.fd, ROTATED_AT):
                self._begin_anew(size)

    def _begin_anew(self, size: int) -> None:
        """Begin the file anew, where the file system leaves nothing else to do; its end goes to ``<path>.1``."""
        self._before = self.tail()
        with suppress(OSError):
            if not self._shifted:
                logfile.shift(self._path, KEPT)
                self._shifted = True
            logfile.make_room(self._path, KEPT, ROOM - size - ROTATED_AT)
        most = min(ROTATED_AT, max(_MUCH, ROOM - size))
        since = self._since()
        self._gone += logfile.begin_anew(self.fd, self._path, most) - since
        self._start = self._size = 0

    def close_gap(self) -> None:
        """Make the file as short as what is left of it, once no process of the agent writes to it any more."""
        with suppress(OSError):
            if logfile.held(self.fd) < logfile.size(self.fd):
                logfile.drop_head(self.fd, ROTATED_AT)
                logfile.close_gap(self.fd, self._path)

    def pace(self) -> float:
        """Return how many seconds may pass before the next :meth:`bound`."""
        return _BUSY if self._grew else _CALM

    def printed(self) -> int:
        """Return how many bytes are new, without our own."""
        return self._gone + logfile.size(self.fd) - self._since() - self._said

    def overflows(self) -> bool:
        """Tell whether the phase has printed more than MOST bytes."""
        return self.printed() > MOST

    def tail(self) -> bytes:
        """Return the end of what is new."""
        return (self._before + logfile.tail(self.fd, self._since()))[-logfile.TAIL :]

    def _since(self) -> int:
        """Return where what is new begins; at the top, where somebody has emptied the file (``> /dev/stdout``)."""
        return self._start if self._start <= logfile.size(self.fd) else 0
