"""Which file system a folder is on."""

import os
import re
from typing import Final

_NETWORK: Final = (
    b"9p", b"afs", b"beegfs", b"ceph", b"cifs", b"coda", b"fuse.", b"gfs2", b"gluster", b"gpfs", b"lustre", b"ncp",
    b"nfs", b"ocfs2", b"orangefs", b"panfs", b"pvfs", b"smb", b"vboxsf", b"virtiofs", b"vmhgfs",
)  # fmt: skip
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")


def network_kind(path: str) -> str:
    """Return the type of the file system that holds ``path`` if other machines may write it; empty for a local one.

    Where the machine does not say (no /proc), the answer is empty.
    """
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            kind = kind_in(file.read(), os.fsencode(os.path.realpath(path)), os.stat(path).st_dev)
    except OSError:
        return ""
    return kind.decode("ascii", "backslashreplace") if kind.startswith(_NETWORK) else ""


def kind_in(mountinfo: bytes, path: bytes, device: int) -> bytes:
    """Return the type of the mount of ``path``, a real path on ``device``. Format: proc_pid_mountinfo(5).

    The device tells it even where one mount hides another. Some file systems (btrfs) give their files
    other device numbers than their mount has; then it is the last of the longest mount points above.
    """
    number = f"{os.major(device)}:{os.minor(device)}".encode("ascii")
    found, kind = b"", b""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(b" - ")
        words = left.split(b" ")
        if words[2] == number:
            return right.split(b" ")[0]
        point = _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), words[4])
        if len(point) >= len(found) and (path == point or path.startswith(point.rstrip(b"/") + b"/")):
            found, kind = point, right.split(b" ")[0]
    return kind
