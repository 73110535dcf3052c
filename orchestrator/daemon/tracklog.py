"""Adding to the log of a track what happens before its worker begins and after it ended."""

import os
from contextlib import suppress

from orchestrator.errors import OrchdError
from orchestrator.host import clock, files, logfile
from orchestrator.state.layout import Layout


def say(layout: Layout, track: str, text: str, output: bytes = b"") -> None:
    """Add lines of our own, each marked as such, and then what a command printed. A full disk keeps nobody back."""
    with suppress(OSError, OrchdError):
        fd = logfile.open_log(layout.log(track))
        try:
            logfile.say(fd, text, clock.iso())
            files.write_all(fd, output)
        finally:
            os.close(fd)
