"""The daemon as a background service: started, found, stopped."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.daemon.instance import is_taken
from orchestrator.errors import DaemonUnavailable, Unreadable
from orchestrator.host import children, clock, files
from orchestrator.state.layout import Layout
from orchestrator.wire.client import call
from orchestrator.wire.messages import Ping, Stop

READY: Final = 10.0
"""Seconds for a daemon to answer after its start."""

GONE: Final = 30.0
"""Seconds for a daemon to end after it was asked to."""

_PATIENCE: Final = 300.0
"""Seconds to answer a request to end its workers too."""

_LOOK: Final = 0.02
_TAIL: Final = 8192


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that answers; ``already`` when it was there before."""

    pid: int | None
    socket: str
    already: bool


def start(root: str) -> Running:
    """Start the daemon of ``root`` in the background and return once it answers.

    Raises :class:`DaemonUnavailable` with the last line of its log where it cannot.
    """
    layout = Layout(root)
    found = _answering(layout)
    if found is not None:
        return Running(_pid(found), layout.socket, already=True)
    files.ensure_folder(layout.runtime)
    begun = _size(layout.daemon_log)
    child = children.detach(
        [sys.executable, "-P", "-m", "orchestrator.daemon", "--root", root],
        cwd=root,
        env=dict(os.environ),
        output=layout.daemon_log,
    )
    deadline = clock.steady() + READY
    while clock.steady() < deadline:
        status = child.poll()
        found = _answering(layout)
        if found is not None:
            return Running(_pid(found), layout.socket, already=_pid(found) != child.pid)
        if status is not None:
            raise DaemonUnavailable(f"the daemon ended at once (status {status})", hint=_last_words(layout, begun))
        clock.pause(_LOOK)
    raise DaemonUnavailable(
        f"the daemon (process {child.pid}) does not answer within {READY:g} s", hint=_last_words(layout, begun)
    )


def _answering(layout: Layout) -> Mapping[str, object] | None:
    with suppress(DaemonUnavailable):
        return call(layout.root, Ping(), timeout=1.0)
    return None


def _pid(answer: Mapping[str, object]) -> int | None:
    pid = answer.get("pid")
    return pid if isinstance(pid, int) else None


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _last_words(layout: Layout, begun: int) -> str:
    """Return the last line that the log got since it was ``begun`` bytes long."""
    text = ""
    with suppress(OSError), open(layout.daemon_log, "rb") as log:
        log.seek(max(begun, _size(layout.daemon_log) - _TAIL))
        lines = [line for line in log.read(_TAIL).splitlines() if line.strip()]
        text = _message(lines[-1]) if lines else ""
    return visible(f"its last words: {text}" if text else f"look into {layout.daemon_log}", 400)


def _message(line: bytes) -> str:
    """Return what a line of the log says to a person."""
    with suppress(Unreadable):
        return str(parse_object(line).get("message", ""))
    return line.decode("utf-8", "backslashreplace")


def stop(root: str, *, workers: bool) -> bool:
    """End the daemon of ``root`` and return once it has gone; False: none was running.

    Raises :class:`DaemonUnavailable` where one is there and does not end.
    """
    layout = Layout(root)
    try:
        call(root, Stop(workers), timeout=_PATIENCE if workers else READY)
    except DaemonUnavailable as error:
        if not is_taken(layout.pidlock):
            return False
        raise DaemonUnavailable(f"a daemon is there but {error.message}", hint=_who_holds(layout)) from error
    deadline = clock.steady() + (_PATIENCE if workers else GONE)
    while is_taken(layout.pidlock):
        if clock.steady() > deadline:
            raise DaemonUnavailable("the daemon was asked to end and does not", hint=_who_holds(layout))
        clock.pause(_LOOK)
    return True


def _who_holds(layout: Layout) -> str:
    return f"its log is {visible(layout.daemon_log)}; `fuser {visible(layout.pidlock)}` shows its process"
