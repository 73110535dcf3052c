"""Named places between two durable effects, where a test makes a crash happen.

``ORCHD_FAILPOINT=name:kill|stop|error`` (several: comma-separated) acts when the process comes by
that name: ``kill`` is SIGKILL to itself, ``stop`` is SIGSTOP, ``error`` raises an ``OSError`` with EIO, and
``error=ENOSPC`` one with that number. Without the variable :func:`reach` does nothing.
"""

import errno
import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

POINTS: Final = frozenset(
    {
        "claim.temp_written",
        "claim.guarded",
        "claim.fenced",
        "claim.stamped",
        "claim.linked",
        "claim.unguarded",
        "remove.guarded",
        "remove.journaled",
        "remove.kept",
        "remove.unlinked",
        "guard.reserved",
        "publish.written",
        "publish.synced",
        "publish.renamed",
        "status.guarded",
        "worker.claimed",
        "worker.started",
        "worker.phase_ended",
        "worker.result_written",
        "worker.status_final",
        "run.accepted",
        "run.worktree_made",
        "run.job_written",
        "run.worker_spawned",
        "run.outcome_written",
        "commit.staged",
        "commit.made",
        "integrate.merged",
        "integrate.advanced",
        "integrate.checked_out",
        "publish.pushed",
        "finish.reported",
    }
)


def _parse(setting: str) -> Mapping[str, str]:
    pairs = (each.partition(":") for each in setting.split(",") if each)
    return {name.strip(): action.strip() for name, _, action in pairs}


def _acting(armed: Mapping[str, str]) -> Callable[[str], None]:
    def act(name: str) -> None:
        action = armed.get(name, "")
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif action.startswith("error"):
            number = getattr(errno, action.partition("=")[2] or "EIO")
            raise OSError(number, f"{os.strerror(number)} (failpoint {name})")

    return act


def _pass(name: str) -> None:
    """Do nothing: no failpoint is armed."""


_ARMED: Final = _parse(os.environ.get("ORCHD_FAILPOINT", ""))

reach: Final[Callable[[str], None]] = _acting(_ARMED) if _ARMED else _pass
