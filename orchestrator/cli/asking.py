"""Asking the person at the terminal. Nobody there is never a yes."""

import os
import select
import sys
from contextlib import suppress
from typing import Final, TextIO

from orchestrator.cli import output
from orchestrator.errors import UsageError

_LINE: Final = 4096


def refuse_agents(root: str, what: str) -> None:
    """Raise :class:`UsageError` where an agent at work below ``root`` asks for what only a person says."""
    theirs = os.environ.get("ORCHD_ROOT", "")
    if os.environ.get("AGENT_ID") and theirs and os.path.realpath(theirs) == os.path.realpath(root):
        raise UsageError(f"an agent does not {what}: that is a person's word", hint="orchd progress --needs-input TEXT")


def is_possible() -> bool:
    """Tell whether a person sees what we print and can answer: both streams are a terminal that is ours to use."""
    if not (output.is_terminal(sys.stdin) and output.is_terminal(sys.stdout)):
        return False
    with suppress(OSError, ValueError):
        return _in_front(sys.stdin)
    return False


def _in_front(stream: TextIO) -> bool:
    """Tell whether our process group may read the terminal; to try it from behind would stop us."""
    return os.tcgetpgrp(stream.fileno()) == os.getpgrp()


def heard(seconds: float) -> str | None:
    """Return the line that is typed within so many seconds, lower case; empty for the end, None for nothing yet."""
    with suppress(OSError, ValueError):
        fd = sys.stdin.fileno()
        if _in_front(sys.stdin) and select.select([fd], [], [], seconds)[0]:
            return os.read(fd, _LINE).decode("utf-8", "replace").strip().lower()
    return None


def forget() -> None:
    """Drop what was typed before we asked."""
    while heard(0.0):
        pass
