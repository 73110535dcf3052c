"""Editing a file that belongs to a person: whole, with its mode, and only if it is still what was read."""

import os
import stat

from orchestrator.core.text import visible
from orchestrator.errors import SystemFailure, Unreadable
from orchestrator.host import files


def replace_content(path: str, before: bytes, after: bytes) -> None:
    """Put ``after`` in the place of ``before`` in the file at ``path``.

    Raises :class:`SystemFailure` when the file has changed meanwhile or cannot be written; then it is
    as it was.
    """
    aside = os.path.join(os.path.dirname(path), f".orchd-{os.urandom(8).hex()}.tmp")
    try:
        mode = stat.S_IMODE(os.stat(path, follow_symlinks=False).st_mode)
        fd = files.create(aside, after)
        try:
            os.fchmod(fd, mode)
            os.fsync(fd)
        finally:
            os.close(fd)
        if not _holds(path, before):
            raise SystemFailure(f"{visible(path)} was changed by somebody meanwhile", hint="it was left as it is")
        os.replace(aside, path)
    except OSError as error:
        raise files.failure(error, f"cannot write {visible(path)}") from error
    finally:
        files.remove(aside)


def _holds(path: str, data: bytes) -> bool:
    try:
        return files.read(path, len(data)).data == data
    except Unreadable:
        return False  # longer than what was read, or no file any more
