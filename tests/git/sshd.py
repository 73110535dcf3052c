"""A server that the real ssh talks to on loopback, and git through it: one host key, some user keys, two commands.

It proves who it is as any server does; of a user it only asks which key it is. There is no sshd on every machine.
"""

import base64
import hashlib
import os
import shlex
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

import pytest

from tests.git.ciphers import NINE, Box, Signer, x25519

_VERSION: Final = b"SSH-2.0-Tests"
_ALGORITHMS: Final = (
    *(b"curve25519-sha256", b"ssh-ed25519"),
    *(b"chacha20-poly1305@openssh.com", b"chacha20-poly1305@openssh.com"),
    *(b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none", b"", b""),
)
_SERVED: Final = {"git-upload-pack", "git-receive-pack"}


needs_ssh = pytest.mark.skipif(
    shutil.which("ssh") is None and not os.environ.get("CI"),
    reason="this machine has no ssh; where CI runs there is one",
)


def text(data: bytes) -> bytes:
    """Return a string as SSH writes it."""
    return struct.pack(">I", len(data)) + data


def _number(data: bytes) -> bytes:
    """Return a positive number as SSH writes it."""
    data = data.lstrip(b"\0")
    return text(b"\0" + data if data and data[0] & 0x80 else data)


class _Reader:
    """The fields of a message, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.kind, self._data = data[:1], data[1:]

    def take(self, count: int) -> bytes:
        found, self._data = self._data[:count], self._data[count:]
        return found

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def text(self) -> bytes:
        return self.take(self.number())


class _Wire:
    """Packets both ways, plain until there are boxes."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._stream = peer.makefile("rb")
        self._lock = threading.Lock()
        self._sent = self._got = 0
        self.boxes: tuple[Box, Box] | None = None

    def line(self) -> bytes:
        return self._stream.readline().rstrip(b"\r\n")

    def _exactly(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def send(self, *parts: bytes, then: tuple[Box, Box] | None = None) -> None:
        payload = b"".join(parts)
        with self._lock:
            lead = 1 if self.boxes else 5
            padding = 16 - (lead + len(payload)) % 8
            packet = struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)
            self._peer.sendall(self.boxes[1].seal(self._sent, packet) if self.boxes else packet)
            self._sent += 1
            self.boxes = then or self.boxes

    def get(self, box: Box | None = None) -> bytes:
        head = self._exactly(4)
        if box is None:
            packet = self._exactly(int.from_bytes(head, "big"))
        else:
            body = self._exactly(box.length(self._got, head))
            packet = box.open(self._got, head + body, self._exactly(16))
        self._got += 1
        return packet[1 : len(packet) - packet[0]]


class Server:
    """Serves whoever comes. ``users`` are the blobs of the keys that it lets in, ``banner`` what it says first."""

    def __init__(self) -> None:
        self._host = Signer()
        self._blob = text(b"ssh-ed25519") + text(self._host.public)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.users: set[bytes] = set()
        self.banner = b""

    @property
    def known(self) -> str:
        """The line of a known_hosts that names it."""
        return f"[127.0.0.1]:{self.port} ssh-ed25519 {base64.b64encode(self._blob).decode()}\n"

    def admit(self, public: str) -> None:
        """Let the key of a public line in."""
        self.users.add(base64.b64decode(public.split()[1]))

    def close(self) -> None:
        """Serve nobody any more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def serve(self) -> None:
        """Serve one after the other until closed."""
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            with peer, suppress(EOFError, OSError):
                peer.settimeout(60)
                self._session(_Wire(peer), peer)

    def _session(self, wire: _Wire, peer: socket.socket) -> None:
        peer.sendall(_VERSION + b"\r\n")
        theirs = wire.line()
        boxes = self._agree(wire, theirs)
        if not self._let_in(wire, boxes[0]):
            return
        self._channel(wire, boxes[0])

    def _agree(self, wire: _Wire, theirs: bytes) -> tuple[Box, Box]:
        """Exchange keys; return the boxes of both directions, theirs first."""
        ours = b"\x14" + os.urandom(16) + b"".join(map(text, _ALGORITHMS)) + bytes(5)
        wire.send(ours)
        wanted = wire.get()
        point = _Reader(wire.get()).text()
        secret = os.urandom(32)
        mine, shared = x25519(secret, NINE), _number(x25519(secret, point))
        told = (theirs, _VERSION, wanted, ours, self._blob, point, mine)
        digest = hashlib.sha256(b"".join(map(text, told)) + shared).digest()
        signature = text(b"ssh-ed25519") + text(self._host.sign(digest))
        wire.send(b"\x1f", text(self._blob), text(mine), text(signature))

        def key(letter: bytes) -> bytes:
            first = hashlib.sha256(shared + digest + letter + digest).digest()
            return first + hashlib.sha256(shared + digest + first).digest()

        boxes = Box(key(b"C")), Box(key(b"D"))
        wire.send(b"\x15", then=boxes)
        assert wire.get() == b"\x15"
        return boxes

    def _let_in(self, wire: _Wire, box: Box) -> bool:
        while True:
            message = _Reader(wire.get(box))
            if message.kind == b"\x05":
                wire.send(b"\x06", text(message.text()))
                if self.banner:
                    wire.send(b"\x35", text(self.banner), text(b""))
            elif message.kind != b"\x32":
                return False
            else:
                message.text(), message.text()
                method, signed = message.text(), message.take(1)
                algorithm, blob = message.text(), message.text()
                if method != b"publickey" or blob not in self.users:
                    wire.send(b"\x33", text(b"publickey"), b"\0")
                elif signed == b"\1":
                    wire.send(b"\x34")
                    return True
                else:
                    wire.send(b"\x3c", text(algorithm), text(blob))

    def _channel(self, wire: _Wire, box: Box) -> None:
        """Run the one command that is asked for, until the other side goes."""
        theirs, child, sender = b"", None, None
        while (message := _Reader(wire.get(box))).kind not in {b"\x01", b"\x61"}:
            if message.kind == b"\x5a":
                message.text()
                theirs = message.take(4)
                wire.send(b"\x5b", theirs, bytes(4), struct.pack(">II", 1 << 30, 1 << 15))
            elif message.kind == b"\x62":
                message.take(4)
                asked, reply = message.text(), message.take(1)
                if reply == b"\1":
                    wire.send(b"\x63", theirs)
                if asked == b"exec":
                    child = _started(message.text().decode())
                    sender = threading.Thread(target=_send_all, args=(wire, theirs, child))
                    sender.start()
            elif child and child.stdin:
                _hand(child.stdin, message)
        if sender:
            sender.join()


def _hand(stdin: IO[bytes], message: _Reader) -> None:
    """Give a child what came for it."""
    with suppress(OSError):
        if message.kind == b"\x5e":
            message.take(4)
            stdin.write(message.text())
        elif message.kind == b"\x60":
            stdin.close()


def _started(said: str) -> "subprocess.Popen[bytes]":
    """Start one of git's two programs, as the login shell of an account that may do nothing else."""
    words = shlex.split(said)
    assert words[0] in _SERVED
    return subprocess.Popen(words, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _send_all(wire: _Wire, theirs: bytes, child: "subprocess.Popen[bytes]") -> None:
    """Send what a child prints, and how it ended."""
    with suppress(OSError), child:
        assert child.stdout
        assert child.stderr
        while data := child.stdout.read(8192):
            wire.send(b"\x5e", theirs, text(data))
        if told := child.stderr.read():
            wire.send(b"\x5f", theirs, struct.pack(">I", 1), text(told))
        status = child.wait()
        wire.send(b"\x62", theirs, text(b"exit-status"), b"\0", struct.pack(">I", status))
        wire.send(b"\x60", theirs)
        wire.send(b"\x61", theirs)


@contextmanager
def running() -> Iterator[Server]:
    """Have a server for the block."""
    server = Server()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
