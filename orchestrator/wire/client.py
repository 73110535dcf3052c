"""Asking the daemon, from a program that waits for the answer."""

import os
import socket
import struct
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import DaemonUnavailable
from orchestrator.host import clock
from orchestrator.state.layout import Layout
from orchestrator.wire import codec
from orchestrator.wire.messages import Request

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE: Final = 65536
_START: Final = "start it with `orchd start`"


def call(root: str, request: Request, timeout: float = 5.0) -> dict[str, object]:
    """Ask the daemon of ``root`` and return its answer, waiting at most ``timeout`` seconds in all.

    Raises :class:`DaemonUnavailable` when nobody listens or no answer comes, and the error that the daemon
    itself refused with.
    """
    deadline = clock.steady() + timeout
    path = Layout(root).socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as line:
        line.settimeout(timeout)
        try:
            _connect(line, path)
        except FileNotFoundError as error:
            raise DaemonUnavailable("no daemon is running here", hint=_START) from error
        except OSError as error:
            raise DaemonUnavailable(f"nobody listens at {visible(path)} ({_reason(error)})", hint=_START) from error
        _check_peer(line, path)
        try:
            line.sendall(codec.encode_request(request))
            answer = _receive(line, deadline)
        except OSError as error:
            raise DaemonUnavailable(
                f"the daemon does not answer ({_reason(error)})", hint="its log is runtime/orchd.log"
            ) from error
    return codec.decode_response(answer, request.id)


def _connect(line: socket.socket, path: str) -> None:
    """Connect through a descriptor of the folder: the address of a socket is at most 107 bytes long."""
    folder = os.open(os.path.dirname(path), _FOLDER)
    try:
        short = f"/proc/self/fd/{folder}"
        line.connect(f"{short}/{os.path.basename(path)}" if os.path.isdir(short) else path)
    finally:
        os.close(folder)


def _check_peer(line: socket.socket, path: str) -> None:
    """Refuse to talk to a process of another user that sits on our socket."""
    if not hasattr(socket, "SO_PEERCRED"):
        return
    size = struct.calcsize("3i")
    _pid, uid, _gid = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    if uid not in (os.geteuid(), 0):
        raise DaemonUnavailable(f"{visible(path)} is served by another user (uid {uid})", hint="use a root of your own")


def _receive(line: socket.socket, deadline: float) -> bytes:
    """Return what comes up to the first line break, or up to the end."""
    pieces: list[bytes] = []
    size = 0
    while size <= codec.LARGEST_ANSWER:
        line.settimeout(max(0.001, deadline - clock.steady()))
        piece = line.recv(_PIECE)
        pieces.append(piece)
        size += len(piece)
        if not piece or piece.endswith(b"\n"):
            return b"".join(pieces)
    raise DaemonUnavailable(f"the daemon's answer has more than {codec.LARGEST_ANSWER} bytes")


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return os.strerror(error.errno) if error.errno else visible(str(error), 80)
