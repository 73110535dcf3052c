"""Named places between two durable effects, where a test makes a crash happen.

``ORCHD_FAILPOINT=name:kill|stop|error`` (several: comma-separated) acts when the process comes by
that name: ``kill`` is SIGKILL to itself, ``stop`` is SIGSTOP, ``error`` raises an ``OSError`` with EIO, and
``error=ENOSPC`` one with that number. Without the variable :func:`reach` does nothing; with one that
names nothing, every :func:`reach` raises ``BadSettings``: a test that tests nothing must not pass.
"""

import errno
import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import BadSettings

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
        "log.cut",
        "run.accepted",
        "run.worktree_made",
        "run.job_written",
        "run.worker_spawned",
        "run.outcome_written",
        "run.refusal_written",
        "adopt.made",
        "adopt.moved",
        "commit.staged",
        "commit.made",
        "integrate.checked",
        "integrate.merged",
        "integrate.advanced",
        "integrate.settled",
        "shared.kept",
        "submodules.begun",
        "submodules.filled",
        "shared.put_back",
        "integrate.checked_out",
        "publication.asked",
        "publication.fetched",
        "publication.joined",
        "publication.checked",
        "publication.recorded",
        "publication.moved",
        "publication.pushed",
        "finish.reported",
        "restore.committed",
        "restore.written",
        "clean.judged",
        "clean.removed",
    }
)


_STEER: Final = "ORCHD_FAILPOINT"
_HINT: Final = (
    f"write {_STEER}=name:kill, name:stop, name:error or name:error=ENOSPC with a name from host/failpoint.py"
)


def _parse(setting: str) -> Mapping[str, str]:
    pairs = (each.partition(":") for each in setting.split(",") if each.strip())
    return {name.strip(): action.strip() for name, _, action in pairs}


def _nonsense(armed: Mapping[str, str]) -> str:
    """Return the first part of the setting that nothing can come of; empty where there is none."""
    for name, action in armed.items():
        kind, _, number = action.partition("=")
        known = name in POINTS and (kind in ("kill", "stop", "error") if not number else kind == "error")
        if not known or (number and not hasattr(errno, number)):
            return f"{name}:{action}"
    return ""


def _acting(armed: Mapping[str, str]) -> Callable[[str], None]:
    wrong = _nonsense(armed)

    def act(name: str) -> None:
        if wrong:
            raise BadSettings(f"{_STEER} holds '{visible(wrong, 60)}', which is no failpoint", hint=_HINT)
        kind, _, number = armed.get(name, "").partition("=")
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif kind == "error":
            code: int = getattr(errno, number or "EIO")
            raise OSError(code, f"{os.strerror(code)} (failpoint {name})")

    return act


def _pass(name: str) -> None:
    """Do nothing: no failpoint is armed."""


_ARMED: Final = _parse(os.environ.get(_STEER, ""))

reach: Final[Callable[[str], None]] = _acting(_ARMED) if _ARMED else _pass
