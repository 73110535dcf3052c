"""Removing a folder of ours with all that is in it."""

import os
import shutil
from contextlib import suppress

from orchestrator.host import files


def remove(path: str) -> None:
    """Remove a folder and everything below it; links are not followed, and what is not there is no fault.

    Raises ``SystemFailure``.
    """
    try:
        with suppress(FileNotFoundError):
            if os.path.islink(path) or not os.path.isdir(path):
                os.unlink(path)
            else:
                shutil.rmtree(path)
    except OSError as error:
        raise files.failure(error, f"{path} cannot be removed") from error
