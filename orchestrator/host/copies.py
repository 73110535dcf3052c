"""Copying single files from one tree into another, below folders that are never left: links are not followed.

Where the file system can, a copy shares its blocks with the original until one of them is written to.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from orchestrator.host import files

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CLONE: Final = 0x40049409
"""Asks Linux for a copy that shares its blocks (FICLONE, ioctl_ficlone(2))."""
_HALF: Final = 0o200
"""The rights of a copy that is not finished: no file of anybody's has these."""
_PIECE: Final = 1024 * 1024


def copy(source: str, target: str, path: str) -> bool:
    """Copy the file or link at ``path`` below ``source`` to its place below ``target``; tell whether that was done.

    What stands there already stays, unless it is a copy of ours that was cut short. What is neither a file nor a link
    is not copied, nor what a link leads to. Rights and time of the last change are the original's. Raises ``OSError``.
    """
    *folders, name = path.split("/")
    try:
        with _inside(source, folders, make=False) as there, _inside(target, folders, make=True) as here:
            facts = os.lstat(name, dir_fd=there)
            _clear(name, here)
            if stat.S_ISLNK(facts.st_mode):
                os.symlink(os.readlink(name, dir_fd=there), name, dir_fd=here)
                return True
            return stat.S_ISREG(facts.st_mode) and _copied(name, there, here)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EEXIST, errno.ENOENT}:
            return False
        raise


@contextmanager
def _inside(top: str, folders: Sequence[str], *, make: bool) -> Iterator[int]:
    """Yield a descriptor of a folder below ``top``, with every step of the way a real folder."""
    fd = os.open(top, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for each in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(each, dir_fd=fd)
            inner = os.open(each, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = inner
        yield fd
    finally:
        os.close(fd)


def _clear(name: str, folder: int) -> None:
    """Remove a copy that was cut short; raises ``FileExistsError`` for anything else that stands there."""
    with suppress(FileNotFoundError):
        facts = os.lstat(name, dir_fd=folder)
        if not stat.S_ISREG(facts.st_mode) or stat.S_IMODE(facts.st_mode) != _HALF:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        os.unlink(name, dir_fd=folder)


def _copied(name: str, there: int, here: int) -> bool:
    source = os.open(name, _READ, dir_fd=there)
    try:
        facts = os.fstat(source)
        if not stat.S_ISREG(facts.st_mode):
            return False
        target = os.open(name, _MAKE, _HALF, dir_fd=here)
        try:
            os.fchmod(target, _HALF)
            _fill(source, target)
            os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            os.fchmod(target, stat.S_IMODE(facts.st_mode) & 0o777)
        finally:
            os.close(target)
    finally:
        os.close(source)
    return True


def _fill(source: int, target: int) -> None:
    with suppress(OSError):
        fcntl.ioctl(target, _CLONE, source)
        return
    while data := os.read(source, _PIECE):
        files.write_all(target, data)
