"""Which file system a folder is on."""

import os
from typing import Final

_NETWORK: Final = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "lustre", "fuse.", "virtiofs", "ncpfs", "vboxsf")


def network_kind(path: str) -> str:
    """Return the type of the network file system that holds ``path``; empty for a local one.

    Where the machine does not say (no /proc), the answer is empty.
    """
    kind = _type_of(os.path.realpath(path))
    return kind if kind.startswith(_NETWORK) else ""


def _type_of(path: str) -> str:
    """Return the type of the mount with the longest mount point above ``path``; the last one wins."""
    found, kind = "", ""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                left, _, right = line.partition(" - ")
                point = left.split(" ")[4].encode("latin-1", "replace").decode("unicode_escape") if "\\" in left else left.split(" ")[4]
                if len(point) >= len(found) and (path == point or path.startswith(point.rstrip("/") + "/")):
                    found, kind = point, right.split(" ")[0]
    except OSError:
        return ""
    return kind
