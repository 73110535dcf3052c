"""The workers: those that this process started, and those it found alive and can prove to be ours."""

import os
from contextlib import suppress
from typing import Final

from orchestrator.claims import Seen
from orchestrator.core.claim import Claim
from orchestrator.host import children, others, pidfd, process

_MODULE: Final = "orchestrator.worker"


class Workers:
    """Children by job path. Adopted workers need no entry: their claims and files say everything."""

    def __init__(self) -> None:
        self._children: dict[str, children.Detached] = {}

    def add(self, job: str, child: children.Detached) -> None:
        """Take note of a worker just started on ``job``."""
        self._children[job] = child

    def ended(self) -> dict[str, int]:
        """Collect the children that ended: job path → exit status (negative: the signal)."""
        statuses = {job: status for job, child in self._children.items() if (status := child.poll()) is not None}
        for job in statuses:
            del self._children[job]
        return statuses

    @property
    def some(self) -> bool:
        """Tell whether any child has not ended."""
        return bool(self._children)


def stop(seen: Seen, job: str, number: int = process.signal_number("TERM")) -> bool:
    """Signal the owner of a claim if it is provably the worker of ``job``; tell whether it was.

    The process is pinned first and its start compared; then its command line must be that of a worker
    on this very job. A pid out of a file is never signalled for its own sake.
    """
    if not isinstance(seen.record, Claim) or seen.verdict.state != "alive":
        return False
    with suppress(OSError):
        fd = pidfd.pin(seen.record.pid, seen.record.start_ticks or -1)
        if fd is None:
            return False
        try:
            argv = others.command_line(seen.record.pid)
            return _MODULE in argv and argv[-1] == job and pidfd.send(fd, number)
        finally:
            os.close(fd)
    return False
