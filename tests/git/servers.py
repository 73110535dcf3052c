"""Servers on loopback that say nothing, or cut the line, for as long as a test needs them."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Final

_MOST: Final = 65536


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Have each connection served in a thread of its own, until both sides are done; yield the port."""
    threads: list[Thread] = []
    open_ones: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_ones.append(connection)
                threads.append(Thread(target=serve, args=(connection,)))
                threads[-1].start()

    listener = socket.create_server(("127.0.0.1", 0))
    accepting = Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for each in open_ones:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for each in open_ones:
            each.close()


def silent(connection: socket.socket) -> None:
    """Take what comes and never answer."""
    with suppress(OSError):
        while connection.recv(_MOST):
            pass


def daemon(folder: Path, *options: str, most: int | None = None) -> Callable[[socket.socket], None]:
    """Return what serves the repositories in a folder by ``git daemon``; after ``most`` bytes the line is cut."""

    def serve(connection: socket.socket) -> None:
        argv = ["git", "daemon", "--inetd", "--export-all", f"--base-path={folder}", *options]
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        back = Thread(target=_pump_back, args=(child, connection))
        back.start()
        assert child.stdin is not None
        left = most
        with suppress(OSError), child.stdin as stdin:
            while (left is None or left > 0) and (data := connection.recv(_MOST if left is None else min(left, 4096))):
                stdin.write(data)
                stdin.flush()
                left = None if left is None else left - len(data)
        if left is not None and left <= 0:
            child.kill()
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        child.wait()
        back.join()

    return serve


def _pump_back(child: "subprocess.Popen[bytes]", connection: socket.socket) -> None:
    assert child.stdout is not None
    with suppress(OSError), child.stdout as stdout:
        while data := os.read(stdout.fileno(), _MOST):
            connection.sendall(data)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
