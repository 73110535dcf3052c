"""The log of a track: what its agents printed, attempt by attempt, written by them directly."""

from contextlib import suppress
from typing import Final

from orchestrator.host import clock, files, logfile

ROTATED_AT: Final = 64 * 1024 * 1024
"""A log of more bytes is set aside before an attempt; KEPT such files stay."""

KEPT: Final = 3

MOST: Final = 256 * 1024 * 1024
"""No phase may print more bytes than this."""


class Log:
    """The log of one attempt, open until the worker ends. What is new is counted from :meth:`mark`."""

    def __init__(self, path: str) -> None:
        """Open the log at ``path``; one that has grown too large is set aside first. The claim must be ours."""
        logfile.rotate(path, ROTATED_AT, KEPT)
        self.fd = logfile.open_log(path)
        self._start = logfile.size(self.fd)

    def say(self, text: str) -> None:
        """Add lines of our own, marked as such. A full disk keeps nobody from going on."""
        with suppress(OSError):
            lead = b"" if logfile.tail(self.fd)[-1:] in (b"", b"\n") else b"\n"
            lines = "".join(f"[orchd {clock.iso()}] {line}\n" for line in text.splitlines())
            files.write_all(self.fd, lead + lines.encode("utf-8", "backslashreplace"))

    def mark(self) -> None:
        """Count what is new from here."""
        self._start = logfile.size(self.fd)

    def overflows(self) -> bool:
        """Tell whether more than MOST bytes are new."""
        return logfile.size(self.fd) > self._start + MOST

    def tail(self) -> bytes:
        """Return the end of what is new."""
        return logfile.tail(self.fd, self._start)

    def cut(self) -> None:
        """Drop what is new beyond MOST bytes."""
        logfile.cut(self.fd, self._start + MOST)
