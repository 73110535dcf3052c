"""The folder of the locks, and what lies beside them: guards, temporary files, what was removed.

``.d/`` is on the same file system and is not watched. Before the first use of a folder a self-test
shows that it can carry the protocol.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from orchestrator.core.claim import LARGEST, Machine, Sight
from orchestrator.core.name import is_name
from orchestrator.core.text import visible
from orchestrator.errors import Unreadable, UnsupportedFilesystem
from orchestrator.host import clock, files, identity, mounts

MOST_KEPT: Final = 1000
"""At most about this many removed locks are kept in ``reaped/``."""

STEADY_NS: Final = 1_000_000_000
"""The wall clock counts as moved when it went this far against the time since boot."""

_WAY_OUT: Final = "put the root on a local file system (ext4, xfs, btrfs, tmpfs, APFS)"

Found = files.Content | str
"""The content of a lock file, or the reason why it cannot be read."""


class ClaimsFolder:
    """``<root>/.orchestrator_locks``. Nothing is made before :meth:`prepare`."""

    def __init__(self, root: str) -> None:
        self.path = os.path.join(root, ".orchestrator_locks")
        self._private = os.path.join(self.path, ".d")
        self._prepared = False
        self._offset_ns: int | None = None

    def lock(self, track: str) -> str:
        """The path of a track's lock."""
        return f"{self.path}/{track}.lock"

    def guard(self, track: str) -> str:
        """The path of a track's guard."""
        return f"{self._private}/guards/{track}"

    def temp(self, token: str) -> str:
        """The path of a private file of this process."""
        return f"{self._private}/tmp/{os.getpid()}-{identity.start_ticks(os.getpid())}-{token}"

    def exists(self) -> bool:
        """Tell whether the guards are there: without them nothing was ever claimed."""
        return os.path.isdir(f"{self._private}/guards")

    def guarded(self, track: str) -> bool:
        """Tell whether the track has ever had a guard."""
        return os.path.exists(self.guard(track))

    def prepare(self, here: Machine) -> None:
        """Make the folders and show once that they can carry the protocol; cheap the next time."""
        if self._prepared and os.path.isdir(f"{self._private}/tmp"):
            return
        for path in (self.path, self._private, *(f"{self._private}/{name}" for name in ("guards", "tmp", "reaped"))):
            files.ensure_folder(path)
        if self._anchor(here) is None:
            self._test()
            self._write_anchor(here)
        self._prepared = True

    def _anchor(self, here: Machine) -> int | None:
        """Return wall clock less time since boot (ns) as it was at the first use in this boot."""
        with suppress(OSError, Unreadable, ValueError):
            line = files.read(f"{self._private}/protocol", 512).data.decode("ascii")
            _version, device, boot_id, offset = line.split()
            if boot_id == (here.boot_id or "none") and int(device) == os.stat(self.path).st_dev:
                return int(offset)
        return None

    def _write_anchor(self, here: Machine) -> None:
        line = f"1 {os.stat(self.path).st_dev} {here.boot_id or 'none'} {clock.steady_offset_ns()}\n"
        files.publish(f"{self._private}/protocol", line.encode("ascii"), f"{self._private}/tmp")

    def _test(self) -> None:
        """Show that hard links and flock work here, and that the file system is local."""
        kind = mounts.network_kind(self.path)
        if kind:
            raise UnsupportedFilesystem(f"{visible(self.path)} is on a network file system ({visible(kind)}), where locks cannot be trusted", hint=_WAY_OUT)
        one = self.temp(os.urandom(8).hex())
        two = f"{one}.second"
        try:
            os.close(files.create(one, b"test\n"))
            try:
                os.link(one, two, follow_symlinks=False)
            except OSError as error:
                raise UnsupportedFilesystem(f"{visible(self.path)} has no hard links ({os.strerror(error.errno or 0)})", hint=_WAY_OUT) from error
            if os.stat(one).st_nlink != 2 or not files.lock_excludes(one):  # noqa: PLR2004  # two names
                raise UnsupportedFilesystem(f"{visible(self.path)} does not keep hard links or flock apart", hint=_WAY_OUT)
        except OSError as error:
            raise files.failure(error, f"cannot write in {visible(self.path)}") from error
        finally:
            files.remove(one)
            files.remove(two)

    def steadied(self, sight: Sight, here: Machine) -> Sight:
        """Return ``sight`` with whether the wall clock was moved since the first use in this boot."""
        if sight.started_ns is None:
            return sight
        if self._offset_ns is None:
            anchor = self._anchor(here)
            self._offset_ns = clock.steady_offset_ns() if anchor is None else anchor
        moved = abs(clock.steady_offset_ns() - self._offset_ns) > STEADY_NS
        return replace(sight, clock_steady=False) if moved else sight

    def read_at(self, name: str, folder: int | None = None) -> Found:
        """Read one lock file; ``folder`` is a descriptor of ours from :meth:`opened`."""
        try:
            return files.read(name if folder is not None else f"{self.path}/{name}", LARGEST, folder=folder)
        except Unreadable as error:
            return error.message

    @contextmanager
    def opened(self) -> Iterator[tuple[int, list[str]]]:
        """Yield a descriptor of the folder and the sorted names of the locks in it."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            yield -1, []
            return
        except OSError as error:
            raise files.failure(error, f"cannot read {visible(self.path)}") from error
        try:
            yield fd, sorted(name for name in os.listdir(fd) if name.endswith(".lock"))
        finally:
            os.close(fd)

    def strangers(self) -> list[str]:
        """Return the names in the folder that are none of ours, escaped, sorted."""
        with suppress(OSError):
            names = os.listdir(self.path)
            return sorted(visible(each) for each in names if each != ".d" and not (each.endswith(".lock") and is_name(each[:-5])))
        return []

    def keep(self, path: str, track: str, token: str) -> None:
        """Keep the lock at ``path`` in ``reaped/``, as far as there is room."""
        with suppress(OSError):
            os.link(path, self._reaped(track, token), follow_symlinks=False)

    def was_reaped(self, track: str, token: str) -> bool:
        """Tell whether a lock of that token was removed before."""
        return os.path.exists(self._reaped(track, token))

    def _reaped(self, track: str, token: str) -> str:
        return f"{self._private}/reaped/{track}.{token if is_name(token) else 'none'}.json"

    def sweep(self) -> int:
        """Remove temporary files whose makers are dead and all but the newest of ``reaped/``."""
        gone = 0
        with suppress(FileNotFoundError), os.scandir(f"{self._private}/tmp") as entries:
            gone += sum(files.remove(each.path) for each in entries if _maker_dead(each.name))
        with suppress(FileNotFoundError), os.scandir(f"{self._private}/reaped") as entries:
            aged = sorted((each.stat(follow_symlinks=False).st_ctime_ns, each.path) for each in entries)
            gone += sum(files.remove(path) for _, path in aged[:-MOST_KEPT])
        return gone


def _maker_dead(name: str) -> bool:
    pid, _, rest = name.partition("-")
    ticks = rest.partition("-")[0]
    if not (pid.isdigit() and ticks.isdigit()) or len(pid) > 10:  # noqa: PLR2004  # longer than any pid
        return False
    sight = identity.look(int(pid))
    return sight.seen in ("gone", "zombie") or (sight.start_ticks is not None and sight.start_ticks != int(ticks))
