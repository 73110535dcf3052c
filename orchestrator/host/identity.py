"""Who a process is, by facts that survive a moved clock and a recycled pid.

Linux tells all of it in ``/proc``; other systems are asked through psutil, whose start times are
turned into the same unit. Source: proc(5), field 22 of ``/proc/<pid>/stat``.
"""

import os
import socket
import sys
from typing import Final

from orchestrator.core.claim import Machine, Sight
from orchestrator.host import clock

HERTZ: Final = os.sysconf("SC_CLK_TCK")
_STATES: Final = {"Z": "zombie", "X": "gone", "x": "gone", "T": "stopped", "t": "stopped"}


def machine() -> Machine:
    """Return what identifies this host, boot and pid namespace."""
    name = socket.gethostname()
    return Machine(
        host_id=_first_line("/etc/machine-id") or _first_line("/var/lib/dbus/machine-id") or f"name-{name}",
        host=name,
        boot_id=_first_line("/proc/sys/kernel/random/boot_id") or None,
        pidns=_pid_namespace(),
        ticks_comparable=_unshifted(),
    )


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _pid_namespace() -> int | None:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None


def _unshifted() -> bool:
    """Tell whether start ticks here mean what they mean outside (no boot-time offset)."""
    try:
        with open("/proc/self/timens_offsets", encoding="ascii") as file:
            return all(line.split()[1:] == ["0", "0"] for line in file)
    except OSError:
        return True


def start_ticks(pid: int) -> int | None:
    """Return when ``pid`` started, in kernel ticks since boot; None: no such process, or hidden."""
    return look(pid).start_ticks


def look(pid: int, *, group: bool = False) -> Sight:
    """Return what the machine says of ``pid`` now.

    ``group``: also find out whether its process group has living members, where it is itself gone.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        fields = []
    except PermissionError:
        return Sight("hidden")
    if not fields:
        return _absent(pid, group)
    ticks = int(fields[19])
    seen = _STATES.get(fields[0].decode("ascii"), "running")
    living = group and seen in ("zombie", "gone") and group_lives(pid)
    return Sight(seen, ticks, _started_ns(ticks), group=living)  # type: ignore[arg-type]  # the table's values are the literals


def _absent(pid: int, group: bool) -> Sight:
    if not os.path.isdir("/proc/self"):
        return Sight("hidden")
    if _exists(pid):
        return Sight("hidden")
    return Sight("gone", group=group and group_lives(pid))


def _exists(pid: int) -> bool:
    """Tell whether the kernel knows ``pid`` although /proc does not show it (hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return not os.path.isdir(f"/proc/{pid}")


def _started_ns(ticks: int) -> int:
    return clock.steady_offset_ns() + ticks * 1_000_000_000 // HERTZ


def group_lives(pgid: int) -> bool:
    """Tell whether any process of that group is alive, zombies not counted."""
    try:
        os.killpg(pgid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return any(True for _ in group_members(pgid))


def group_members(pgid: int) -> list[int]:
    """Return the pids of the living processes in a group."""
    return [pid for pid, facts in processes().items() if facts[1] == pgid]


def processes() -> dict[int, tuple[int, int, int, int]]:
    """Return every living process: pid → (parent, group, session, start ticks)."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields and fields[0] not in (b"Z", b"X"):
                found[int(name)] = (int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))
    return found


IS_LINUX: Final = sys.platform == "linux"
