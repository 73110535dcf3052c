"""One of a kind at a time: a flock that is held for as long as the work takes, and says by whom."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from orchestrator.errors import GuardBusy, Held, Unreadable
from orchestrator.host import files

_LONGEST: Final = 64


@contextmanager
def alone(path: str, what: str) -> Iterator[None]:
    """Hold the flock of ``path`` for the block; the kernel frees it when we end, however we end.

    The file says which process holds it; its presence means nothing, only its lock does. Raises :class:`Held`, with
    that process, where another one is at ``what``.
    """
    files.ensure_folder(os.path.dirname(path))
    with ExitStack() as stack:
        try:
            fd = stack.enter_context(files.guard(path, 0, what))
        except GuardBusy as error:
            who = _holder(path)
            raise Held(
                f"{who or 'another process'} is at {what} already",
                hint="wait for it, or end it; what it has done is kept",
                holder={"pid": int(who.removeprefix("process "))} if who else None,
            ) from error
        except OSError as error:
            raise files.failure(error, f"cannot lock {what}") from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        yield


def _holder(path: str) -> str:
    """Return ``process N`` as the holder says; empty while it has not."""
    try:
        said = files.read(path, _LONGEST).data.strip()
    except (FileNotFoundError, Unreadable):
        return ""
    return f"process {int(said)}" if said.isdigit() else ""
