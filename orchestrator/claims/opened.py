"""The folder of the locks, open for one operation: everything in it is reached through descriptors.

They lead to real folders, never through a link, so that nothing outside is read or written whatever
somebody puts in their place, and one operation happens in one folder even if that is moved meanwhile.
"""

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from orchestrator.core.claim import LARGEST
from orchestrator.core.name import is_name
from orchestrator.core.text import visible
from orchestrator.errors import Unreadable
from orchestrator.host import files, temps

MOST_KEPT: Final = 1000
"""At most about this many removed locks are kept in ``reaped/``."""

SUFFIX: Final = ".lock"
PRIVATE: Final = ".d"
_TOKEN: Final = re.compile(r"[0-9a-z-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Odd:
    """Something in the place of a lock that is no readable file; ``reason`` says what."""

    reason: str
    inode: int
    written_ns: int


class Opened:
    """Close it by its ``with`` block. The private folders are opened, and made, when asked for."""

    def __init__(self, locks: int) -> None:
        self.locks = locks
        self._rooms: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in (self.locks, *self._rooms.values()):
            with suppress(OSError):  # nothing was written through it, and what was done is done
                os.close(fd)

    def private(self, *, make: bool = True) -> int:
        """Return a descriptor of ``.d``; ``FileNotFoundError`` where it is missing and not to be made."""
        if PRIVATE not in self._rooms:
            self._rooms[PRIVATE] = _open(PRIVATE, self.locks, make=make)
        return self._rooms[PRIVATE]

    def room(self, name: str, *, make: bool = True) -> int:
        """Return a descriptor of ``.d/<name>``: guards, tmp or reaped."""
        if name not in self._rooms:
            self._rooms[name] = _open(name, self.private(make=make), make=make)
        return self._rooms[name]

    def names(self) -> list[str]:
        """Return the names of all locks without their ending, sorted; some may be no track's."""
        return sorted(name.removesuffix(SUFFIX) for name in os.listdir(self.locks) if name.endswith(SUFFIX))

    def strangers(self) -> list[str]:
        """Return the names in the folder that are none of ours, escaped, sorted."""
        names = (name for name in os.listdir(self.locks) if name != PRIVATE)
        return sorted(visible(name) for name in names if not (name.endswith(SUFFIX) and is_name(name[: -len(SUFFIX)])))

    def read(self, track: str) -> files.Content | Odd:
        """Read one lock file; ``FileNotFoundError`` where there is none, ``OSError`` when we ran out of something."""
        name = track + SUFFIX
        try:
            return files.read(name, LARGEST, folder=self.locks)
        except Unreadable as error:
            files.raise_if_ran_out(error)
            facts = os.stat(name, dir_fd=self.locks, follow_symlinks=False)
            return Odd(error.message, facts.st_ino, facts.st_mtime_ns)

    def is_locked(self, track: str) -> bool:
        """Tell whether anything stands in the place of a track's lock."""
        return _exists(track + SUFFIX, self.locks)

    def is_guarded(self, track: str) -> bool:
        """Tell whether the track has ever had a guard."""
        try:
            return _exists(track, self.room("guards", make=False))
        except FileNotFoundError:
            return False

    def link(self, temp: str, track: str, fd: int) -> bool:
        """Publish the private file ``temp``, open as ``fd``, as the lock of a track; False: there is one.

        Two names of our file mean that it was done, whatever the call said.
        """
        tmp = self.room("tmp")
        try:
            os.link(temp, track + SUFFIX, src_dir_fd=tmp, dst_dir_fd=self.locks, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError:
            if os.fstat(fd).st_nlink != 2:
                raise
        return True

    def keep(self, track: str, token: str) -> None:
        """Keep the lock of a track in ``reaped/``, as far as there is room."""
        reaped = self.room("reaped")
        with suppress(OSError):
            os.link(
                track + SUFFIX, kept_name(track, token), src_dir_fd=self.locks, dst_dir_fd=reaped, follow_symlinks=False
            )

    def was_kept(self, track: str, token: str) -> bool:
        """Tell whether a lock of that token was removed before."""
        try:
            return _TOKEN.match(token) is not None and _exists(kept_name(track, token), self.room("reaped", make=False))
        except FileNotFoundError:
            return False

    def unlink(self, track: str, token: str, found: tuple[int, int]) -> bool:
        """Remove the lock if it is the one that was ``found`` (inode, written_ns); tell whether it was.

        The guard holds everybody off who takes it; this is for those who do not.
        A folder in a lock's place is moved to ``reaped/`` with all that is in it.
        """
        name = track + SUFFIX
        try:
            facts = os.stat(name, dir_fd=self.locks, follow_symlinks=False)
            if (facts.st_ino, facts.st_mtime_ns) != found:
                return False
            if stat.S_ISDIR(facts.st_mode):
                os.rename(name, kept_name(track, token), src_dir_fd=self.locks, dst_dir_fd=self.room("reaped"))
            else:
                os.unlink(name, dir_fd=self.locks)
        except FileNotFoundError:
            return False
        return True

    def sweep(self) -> int:
        """Remove temporary files whose makers are dead and all but the newest of ``reaped/``."""
        gone = 0
        with suppress(FileNotFoundError):
            gone += temps.sweep(self.room("tmp", make=False))
        with suppress(FileNotFoundError):
            gone += _prune(self.room("reaped", make=False))
        return gone


def kept_name(track: str, token: str) -> str:
    """Return the name in ``reaped/`` of a lock that was removed."""
    return f"{track}.{token}.json"


def _open(name: str, folder: int, *, make: bool) -> int:
    try:
        return files.open_folder(name, folder=folder)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
        os.chmod(name, 0o700, dir_fd=folder)  # whatever the umask
        os.fsync(folder)
    return files.open_folder(name, folder=folder)


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _prune(folder: int) -> int:
    names = os.listdir(folder)
    if len(names) <= MOST_KEPT:
        return 0
    aged = sorted((_changed_ns(name, folder), name) for name in names)
    return sum(files.remove(name, folder=folder) for _, name in aged[:-MOST_KEPT])


def _changed_ns(name: str, folder: int) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ctime_ns
    except FileNotFoundError:
        return 0
