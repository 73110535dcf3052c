"""Adding to the log of a track what happens before its worker begins and after it ended."""

import os
from contextlib import suppress
from typing import Final

from orchestrator.errors import OrchdError
from orchestrator.host import clock, files, logfile
from orchestrator.state.layout import Layout

_LEAD: Final = "[orchd {now}] "


def say(layout: Layout, track: str, text: str, output: bytes = b"") -> None:
    """Add lines of our own, each marked as such, and then what a command printed. A full disk keeps nobody back."""
    lead = _LEAD.format(now=clock.iso())
    lines = "".join(f"{lead}{line}\n" for line in text.splitlines())
    with suppress(OSError, OrchdError):
        fd = logfile.open_log(layout.log(track))
        try:
            gap = b"" if logfile.tail(fd)[-1:] in (b"", b"\n") else b"\n"
            files.write_all(fd, gap + lines.encode("utf-8", "backslashreplace") + output)
        finally:
            os.close(fd)
