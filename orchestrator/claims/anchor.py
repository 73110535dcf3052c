"""What is noted once for a folder of locks: that it can carry the protocol, and how the clock stood.

The note is the file ``.d/protocol``, ``1 <device> <boot id> <wall clock less time since boot, ns>``. A lock
that holds a pid and nothing else is compared with the wall clock, so it must be known whether that was moved.
"""

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.core.machine import Machine
from orchestrator.core.text import visible
from orchestrator.errors import Unreadable, UnsupportedFilesystem
from orchestrator.host import clock, files, mounts, temps

NAME: Final = "protocol"
_VERSION: Final = "1"
_WAY_OUT: Final = "put the root on a local file system (ext4, xfs, btrfs, tmpfs, APFS)"
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK, errno.EINVAL})
_NO_FLOCK: Final = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class Anchor:
    """Wall clock less time since boot (ns) as it stood at ``noted_ns`` on the wall clock."""

    offset_ns: int
    noted_ns: int


def now() -> Anchor:
    """Return how the clock stands."""
    return Anchor(clock.steady_offset_ns(), clock.wall_ns())


def steady_since(anchor: Anchor, written_ns: int) -> bool:
    """Tell whether the wall clock is known not to have been moved since it showed ``written_ns``.

    What was written before the anchor was noted is known only as far as the machine shows no step since boot.
    """
    if clock.was_set(anchor.offset_ns):
        return False
    return written_ns >= anchor.noted_ns or not clock.was_set_forward()


def load(folder: int, here: Machine) -> Anchor | None:
    """Return the note in the open folder ``.d``; None: there is none of this boot and device."""
    with suppress(OSError, Unreadable, ValueError):
        note = files.read(NAME, 512, folder=folder)
        version, device, boot_id, offset = note.data.decode("ascii").split()
        if (version, boot_id) == (_VERSION, _boot(here)) and int(device) == os.fstat(folder).st_dev:
            return Anchor(int(offset), note.written_ns)
    return None


def save(path: str, folder: int, here: Machine) -> None:
    """Note in ``.d``, at ``path`` and open as ``folder``, that the self-test was passed and how the clock stands."""
    line = f"{_VERSION} {os.fstat(folder).st_dev} {_boot(here)} {clock.steady_offset_ns()}\n"
    files.publish(f"{path}/{NAME}", line.encode("ascii"), f"{path}/tmp")


def _boot(here: Machine) -> str:
    return here.boot_id or "none"


def test(path: str, temp: int) -> None:
    """Show that hard links and flock work in the open folder ``temp``, and that the file system is local.

    ``path`` is the folder of the locks. Raises :class:`UnsupportedFilesystem`, and ``OSError`` when it cannot be tried.
    """
    kind = mounts.network_kind(path)
    if kind:
        raise UnsupportedFilesystem(
            f"{visible(path)} is on a file system that other machines may write ({visible(kind)}), "
            "where locks cannot be trusted",
            hint=_WAY_OUT,
        )
    one, two = temps.name(), temps.name()
    try:
        fd = files.create(one, b"test\n", folder=temp)
        try:
            _test_link(path, one, two, temp)
            if os.fstat(fd).st_nlink != 2 or not _excludes(path, fd, one, temp):
                raise UnsupportedFilesystem(f"{visible(path)} does not count hard links or flock apart", hint=_WAY_OUT)
        finally:
            os.close(fd)
    finally:
        files.remove(one, folder=temp)
        files.remove(two, folder=temp)


def _test_link(path: str, one: str, two: str, temp: int) -> None:
    try:
        os.link(one, two, src_dir_fd=temp, dst_dir_fd=temp, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise UnsupportedFilesystem(
            f"{visible(path)} has no hard links ({os.strerror(error.errno)})", hint=_WAY_OUT
        ) from error


def _excludes(path: str, fd: int, name: str, temp: int) -> bool:
    try:
        return files.lock_excludes(fd, name, folder=temp)
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise
        raise UnsupportedFilesystem(
            f"{visible(path)} has no flock ({os.strerror(error.errno)})", hint=_WAY_OUT
        ) from error
