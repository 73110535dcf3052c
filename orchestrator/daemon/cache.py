"""Files of ours that are asked for again and again: parsed again only when inode, size or time are others than before.

So a rescan costs one ``stat`` a file.
"""

import os
from collections.abc import Callable
from typing import Generic, TypeVar

from orchestrator.errors import Unreadable
from orchestrator.host import clock, files
from orchestrator.state.scan import SETTLED_NS

T = TypeVar("T")

Key = tuple[int, ...]
"""What a file is told from its successor by."""


def _key(facts: os.stat_result) -> Key:
    return (facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size)


class Cache(Generic[T]):
    """Parsed files by path; a file is read again only when it is another one than before."""

    def __init__(self, read: Callable[[str], T | None]) -> None:
        self._read = read
        self._known: dict[str, tuple[Key, T | None]] = {}
        self.problems: dict[str, str] = {}

    def get(self, path: str) -> T | None:
        """Return what the file says; None when it is missing or bad (then ``problems`` says why).

        Raises ``OSError`` when it is we who ran out of something: then nothing is known of the file.
        """
        try:
            facts = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            self.drop(path)
            return None
        key = _key(facts)
        known = self._known.get(path)
        if known is not None and known[0] == key:
            return known[1]
        settled = abs(clock.wall_ns() - facts.st_ctime_ns) > SETTLED_NS
        value = self._parse(path)
        self._known[path] = (key if settled else (), value)
        return value

    def _parse(self, path: str) -> T | None:
        try:
            value = self._read(path)
        except Unreadable as error:
            files.raise_if_ran_out(error)
            self.problems[path] = error.message
            return None
        self.problems.pop(path, None)
        return value

    def drop(self, path: str) -> None:
        """Forget a file; should somebody ask for it again, it is read again."""
        self._known.pop(path, None)
        self.problems.pop(path, None)

    def forget(self, folder: str) -> None:
        """Drop everything below ``folder``."""
        for path in [each for each in self._known if each.startswith(folder + "/")]:
            self.drop(path)
