"""Which runs have ended, asked again and again: a report is read once, as long as it is the same file."""

import os

from orchestrator.state import results
from orchestrator.state.layout import RunLayout


class Endings:
    """What was read of the reports of runs."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, ...], bool]] = {}

    def has_ended(self, paths: RunLayout) -> bool:
        """Tell whether a run that was accepted is over; see :func:`orchestrator.state.results.has_ended`.

        What is no report stays none, for a report comes after all outcomes and as another file.
        """
        try:
            facts = os.lstat(paths.metrics)
        except (FileNotFoundError, NotADirectoryError):
            self._known.pop(paths.folder, None)
            return False
        key = (facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size)
        known = self._known.get(paths.folder)
        if known is None or known[0] != key:
            known = self._known[paths.folder] = (key, results.has_ended(paths))
        return known[1]
