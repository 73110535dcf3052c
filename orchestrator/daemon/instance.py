"""One driver at a time: the daemon of a root, the conductor of a run. Both are a flock held for life."""

import os
from typing import Final

from filelock import FileLock, Timeout

from orchestrator.core.text import visible
from orchestrator.errors import DaemonUnavailable
from orchestrator.host import files

_MODE: Final = 0o600


class Instance:
    """A flock that this process holds until it ends; the kernel frees it then, however it ends.

    The file stays where it is: its presence means nothing, only its lock does.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._found: tuple[int, int] | None = None
        self._lock = FileLock(
            path, timeout=0, mode=_MODE, thread_local=False, preserve_lock_file=True, fallback_to_soft=False
        )

    def take(self, wait: float = 0.0) -> bool:
        """Take the lock unless another process has it for ``wait`` seconds; tell whether it is ours now."""
        if os.path.islink(self._path):
            raise DaemonUnavailable(f"{visible(self._path)} is a link; links are not followed", hint="remove it")
        files.ensure_folder(os.path.dirname(self._path))
        try:
            self._lock.acquire(timeout=wait, poll_interval=0.01)
        except Timeout:
            return False
        except OSError as error:
            raise files.failure(error, f"cannot lock {visible(self._path)}") from error
        self._found = _identity(self._path)
        return True

    def is_there(self) -> bool:
        """Tell whether others still find the file that we hold; where somebody removed it we hold nobody off."""
        return self._found is not None and _identity(self._path) == self._found

    def release(self) -> None:
        """Give it back."""
        self._lock.release()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        facts = os.lstat(path)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def is_taken(path: str) -> bool:
    """Tell whether some process holds the flock at ``path``; never takes it for longer than the look."""
    if not os.path.exists(path):
        return False
    probe = Instance(path)
    if probe.take():
        probe.release()
        return False
    return True
