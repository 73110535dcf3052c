"""Files that are written once: whole when they appear, and never replaced."""

import os

from orchestrator.core.text import visible
from orchestrator.host import files, temps
from orchestrator.host.failpoint import reach


def publish_once(path: str, data: bytes, temp: str) -> bool:
    """Put ``data`` at ``path`` whole and durable, unless something is there; tell whether it was put.

    ``temp`` is a folder on the same file system. Raises ``SystemFailure``; then ``path`` is as it was.
    """
    draft = os.path.join(temp, temps.name())
    try:
        fd = files.create(draft, data)
        try:
            reach("publish.written")
            os.fsync(fd)
            reach("publish.synced")
            os.link(draft, path, follow_symlinks=False)
        finally:
            os.close(fd)
        reach("publish.renamed")
        files.sync_folder(os.path.dirname(path))
    except FileExistsError:
        return False
    except OSError as error:
        raise files.failure(error, f"cannot write {visible(path)}") from error
    finally:
        files.remove(draft)
    return True
