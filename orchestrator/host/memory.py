"""How much memory the machine has left."""

import psutil


def available_mb() -> int | None:
    """Return what can be had without swapping, in MB (2^20 bytes); None where the machine does not say."""
    try:
        return int(psutil.virtual_memory().available) >> 20
    except (OSError, ValueError, psutil.Error):
        return None
