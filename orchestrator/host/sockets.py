"""Unix sockets that only their owner may use, at paths of any length; and the word to a service manager."""

import errno
import os
import socket
from contextlib import suppress
from typing import Final

LONGEST: Final = 100
"""A longer path is reached through a descriptor of its folder; the kernel's own limit is 107 bytes."""


def bind_private(path: str) -> socket.socket:
    """Return a listening socket at ``path`` with mode 0600 from its first moment; raises ``OSError``.

    For the time before there are threads: the umask is the whole process's.
    """
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    before = os.umask(0o177)
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            listener.bind(_short(path, folder))
            listener.listen(64)
        except OSError:
            listener.close()
            raise
    finally:
        os.umask(before)
        os.close(folder)
    return listener


def _short(path: str, folder: int) -> str:
    if len(os.fsencode(path)) <= LONGEST:
        return path
    if not os.path.isdir(f"/proc/self/fd/{folder}"):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return f"/proc/self/fd/{folder}/{os.path.basename(path)}"


def notify(state: str) -> None:
    """Tell the service manager, where there is one ($NOTIFY_SOCKET; sd_notify(3)), e.g. ``READY=1``."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
        speaker.connect("\0" + address[1:] if address.startswith("@") else address)
        speaker.sendall(state.encode("utf-8"))
