"""Who a process is, by facts that survive a moved clock and a recycled pid.

Linux tells all of it in ``/proc``; other systems are asked through psutil. Source: proc_pid_stat(5).
"""

import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

from orchestrator.core.machine import Machine, Sight
from orchestrator.host import clock

if sys.platform != "linux":
    from orchestrator.host import portable

IS_LINUX: Final = sys.platform == "linux"
HERTZ: Final = os.sysconf("SC_CLK_TCK")

_MACHINE_ID: Final = re.compile(r"[0-9a-f]{32}\Z")
_STATES: Final[Mapping[bytes, Literal["zombie", "gone", "stopped"]]] = {
    b"Z": "zombie",
    b"X": "gone",
    b"x": "gone",
    b"T": "stopped",
    b"t": "stopped",
}
# Positions in what follows the name of the program in /proc/<pid>/stat.
_STATE, _PARENT, _GROUP, _SESSION, _THREADS, _START, _WANTED = 0, 1, 2, 3, 17, 19, 20


def machine() -> Machine:
    """Return what identifies this host, boot and pid namespace."""
    name = os.uname().nodename or "unnamed"
    return Machine(
        host_id=_machine_id() or f"name-{name}",
        host=name,
        boot_id=_first_line("/proc/sys/kernel/random/boot_id") or None,
        pidns=pid_namespace(),
        ticks_comparable=_unshifted(),
    )


def _machine_id() -> str:
    """Return the id of this installation; an image that was not yet started holds another word."""
    found = _first_line("/etc/machine-id") or _first_line("/var/lib/dbus/machine-id")
    return found if _MACHINE_ID.match(found) else ""


def _first_line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.readline(1024).strip().decode("ascii", "backslashreplace")
    except OSError:
        return ""


@cache
def pid_namespace() -> int | None:
    """Return the number of the pid namespace that we are in; None: this system does not say."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None


def _unshifted() -> bool:
    """Tell whether start ticks here mean what they mean outside (no boot-time offset)."""
    try:
        with open("/proc/self/timens_offsets", "rb") as file:
            return all(line.split()[1:] == [b"0", b"0"] for line in file)
    except OSError:
        return True


def _proc_is_ours() -> bool:
    """Tell whether /proc numbers processes as we do; inside `unshare --pid` it is often the outer one."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return True


_OURS: Final = _proc_is_ours()


def start_ticks(pid: int) -> int | None:
    """Return when ``pid`` started, in kernel ticks since boot; None: no such process, or hidden."""
    return look(pid).start_ticks


def look(pid: int, *, group: bool = False) -> Sight:
    """Return what the machine says of ``pid`` now.

    ``group``: also find out whether its process group has living members, where it is itself gone.
    Raises ``OSError`` where there is no descriptor left to look with.
    """
    if sys.platform != "linux":
        return portable.look(pid, group=group)
    if pid <= 0:
        return Sight("gone")
    try:
        if pid == os.getpid():
            ticks = _own_ticks(pid)
            return Sight("running", ticks, _started_ns(ticks))
        if not _OURS:
            return _absent(pid, group=group)
        fields = _stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return _absent(pid, group=group)
    except PermissionError:
        return Sight("hidden")
    ticks = int(fields[_START])
    seen = _seen(fields)
    living = group and seen in ("zombie", "gone") and group_lives(pid)
    return Sight(seen, ticks, _started_ns(ticks), group=living)


@cache
def _own_ticks(_pid: int) -> int:
    """Return when we, who have that pid, started: it never changes."""
    return int(_stat("self")[_START])


os.register_at_fork(after_in_child=_own_ticks.cache_clear)
os.register_at_fork(after_in_child=pid_namespace.cache_clear)


def _stat(pid: int | str) -> list[bytes]:
    """Return the fields of /proc/<pid>/stat after the name, which may hold anything."""
    fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 4096).rpartition(b")")[2].split(None, _WANTED)
    finally:
        os.close(fd)


def _seen(fields: list[bytes]) -> Literal["running", "stopped", "zombie", "gone"]:
    ended = _STATES.get(fields[_STATE])
    if ended is None or (ended == "zombie" and int(fields[_THREADS]) > 1):
        return "running"  # a zombie with threads: only the first of them has ended
    return ended


def _absent(pid: int, *, group: bool) -> Sight:
    """Judge a process that /proc does not show: gone, or hidden (hidepid, a /proc that is not ours)."""
    if _OURS and not os.path.isdir("/proc/self"):
        return Sight("hidden")
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return Sight("gone", group=group and group_lives(pid))
    except PermissionError:
        return Sight("hidden")
    if _OURS and os.path.isdir(f"/proc/{pid}"):
        return Sight("gone")  # the one that was asked for; this one came a moment ago
    return Sight("hidden")


def _started_ns(ticks: int) -> int:
    return clock.steady_offset_ns() + ticks * 1_000_000_000 // HERTZ


def group_lives(pgid: int) -> bool:
    """Tell whether any process of that group is alive, zombies not counted where that can be seen."""
    if sys.platform != "linux":
        return portable.group_lives(pgid)
    if pgid > 1:  # to killpg, 0 is our own group and 1 is everybody
        try:
            os.killpg(pgid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            return True
        if not _OURS:
            return True
    return bool(group_members(pgid))


def group_members(pgid: int) -> list[int]:
    """Return the pids of the living processes in a group."""
    return [pid for pid, facts in processes().items() if facts[1] == pgid]


def processes() -> dict[int, tuple[int, int, int, int]]:
    """Return every living process: pid → (parent, group, session, start ticks).

    Empty where nobody says: a system without /proc, or one whose numbers are not ours.
    """
    found: dict[int, tuple[int, int, int, int]] = {}
    if not (IS_LINUX and _OURS):
        return found
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = _stat(name)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if _seen(fields) in ("running", "stopped"):
                found[int(name)] = (
                    int(fields[_PARENT]),
                    int(fields[_GROUP]),
                    int(fields[_SESSION]),
                    int(fields[_START]),
                )
    return found
