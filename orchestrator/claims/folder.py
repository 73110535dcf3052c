"""The folder of the locks of one root: where it is, and that it may be trusted."""

import errno
import os
from contextlib import suppress

from orchestrator.claims import anchor
from orchestrator.claims.opened import PRIVATE, SUFFIX, Opened
from orchestrator.core.machine import Machine
from orchestrator.core.text import visible
from orchestrator.errors import NotFound, UnsafeFolder
from orchestrator.host import files


class ClaimsFolder:
    """``<root>/.orchestrator_locks``, and beside the locks ``.d/``: on the same file system, and not watched.

    Nothing is made before somebody acts.
    """

    def __init__(self, root: str) -> None:
        self._root = os.path.abspath(root)  # whoever changes directory later still means this one
        self.path = os.path.join(self._root, ".orchestrator_locks")
        self._vouched: tuple[int, int] | None = None
        self._anchor: anchor.Anchor | None = None

    def lock(self, track: str) -> str:
        """The path of a track's lock."""
        return f"{self.path}/{track}{SUFFIX}"

    def guard(self, track: str) -> str:
        """The path of a track's guard."""
        return f"{self.path}/{PRIVATE}/guards/{track}"

    def visit(self, *, ours: bool = False) -> Opened | None:
        """Open the folder; None where there is none. ``ours``: to act in it, so it must be ours: ``UnsafeFolder``."""
        try:
            return Opened(files.open_folder(self.path, ours=ours))
        except FileNotFoundError:
            return None

    def enter(self) -> Opened:
        """Open the folder to act in it; made when missing. Raises ``UnsafeFolder`` and ``NotFound``."""
        opened = self.visit(ours=True)
        if opened is not None:
            return opened
        if not os.path.isdir(self._root):
            raise NotFound(f"{visible(self._root)} is not a folder", hint="name an existing folder with --root")
        files.ensure_folder(self.path)
        return Opened(files.open_folder(self.path, ours=True))

    def vouch(self, opened: Opened, here: Machine) -> None:
        """Show, once for a folder and boot, that it can carry the protocol; ``UnsupportedFilesystem``."""
        facts = os.fstat(opened.locks)
        if (facts.st_dev, facts.st_ino) == self._vouched:
            return
        if anchor.load(opened.private(), here) is None:
            anchor.test(self.path, opened.room("tmp"))
            anchor.save(f"{self.path}/{PRIVATE}", opened.private(), here)
        self._vouched = (facts.st_dev, facts.st_ino)

    def clock_steady_since(self, written_ns: int, opened: Opened, here: Machine) -> bool:
        """Tell whether the wall clock is known not to have been moved since it showed ``written_ns``."""
        if self._anchor is None:
            with suppress(FileNotFoundError, UnsafeFolder):
                self._anchor = anchor.load(opened.private(make=False), here)
        if self._anchor is None:
            self._anchor = anchor.now()
        return anchor.steady_since(self._anchor, written_ns)

    def check_public(self, track: str, fd: int) -> None:
        """Raise ``FileNotFoundError`` if the lock that is open as ``fd`` is not where everybody looks for it."""
        ours = os.fstat(fd)
        there = os.stat(self.lock(track), follow_symlinks=False)
        if (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            raise FileNotFoundError(errno.ENOENT, "the folder of the locks was replaced")
