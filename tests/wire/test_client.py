"""Asking a daemon over its socket: a real socket, and a listener that says what the test tells it to."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.errors import DaemonUnavailable, NotFound
from orchestrator.host import clock
from orchestrator.wire import codec
from orchestrator.wire.client import call
from orchestrator.wire.messages import Adopt, Ping

Answer = Callable[[bytes, socket.socket], None]


@contextmanager
def _listener(root: Path, answer: Answer) -> Iterator[list[bytes]]:
    """Listen on the socket of ``root``, however long its path; yields the requests that came."""
    runtime = root / "runtime"
    runtime.mkdir(parents=True, exist_ok=True)
    heard: list[bytes] = []
    folder = os.open(runtime, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/orchd.sock")
        os.close(folder)
        server.listen()

        def serve() -> None:
            line, _ = server.accept()
            with line:
                heard.append(line.makefile("rb").readline())
                answer(heard[-1], line)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield heard
        finally:
            thread.join(10)
            assert not thread.is_alive()


def _pong(line: bytes, to: socket.socket) -> None:
    to.sendall(codec.encode_response(codec.decode_request(line).id, {"pid": 7}))


def test_a_question_is_answered(tmp_path: Path) -> None:
    """The request arrives as one line, and its result comes back."""
    with _listener(tmp_path, _pong) as heard:
        assert call(str(tmp_path), Ping(id=3)) == {"pid": 7}
    assert [codec.decode_request(line) for line in heard] == [Ping(id=3)]


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """A root deeper than the 107 bytes of a socket's address works like any other."""
    root = tmp_path / ("deep" * 20) / ("deeper" * 20)
    root.mkdir(parents=True)
    assert len(str(root)) > 107
    with _listener(root, _pong):
        assert call(str(root), Ping()) == {"pid": 7}


def test_a_large_answer_comes_whole(tmp_path: Path) -> None:
    """An answer of many pieces is put together."""

    def answer(_line: bytes, to: socket.socket) -> None:
        to.sendall(codec.encode_response(0, {"x": "y" * 3_000_000}))

    with _listener(tmp_path, answer):
        assert len(str(call(str(tmp_path), Ping())["x"])) == 3_000_000


def test_the_daemons_refusal_is_raised(tmp_path: Path) -> None:
    """What the daemon refuses is the same error here."""

    def refuse(_line: bytes, to: socket.socket) -> None:
        to.sendall(codec.encode_error(0, codec.REFUSED, "no run is called 9", NotFound("", hint="look")))

    with _listener(tmp_path, refuse), pytest.raises(NotFound) as refused:
        call(str(tmp_path), Adopt("9"))
    assert refused.value.hint == "look"


def _dead_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


@pytest.mark.parametrize("make", [None, Path.mkdir, _dead_socket, Path.touch])
def test_nobody_is_there(tmp_path: Path, make: Callable[[Path], None] | None) -> None:
    """No folder, a folder or file in the socket's place, a dead daemon's socket: nobody is there, and what to do."""
    if make is not None:
        (tmp_path / "runtime").mkdir()
        make(tmp_path / "runtime" / "orchd.sock")
    with pytest.raises(DaemonUnavailable) as refused:
        call(str(tmp_path), Ping())
    assert "orchd start" in refused.value.hint


def test_silence_is_bounded(tmp_path: Path) -> None:
    """A daemon that does not answer in time is told so, and no later than asked for."""
    over = threading.Event()

    def wait(_line: bytes, _to: socket.socket) -> None:
        over.wait(30)

    with _listener(tmp_path, wait):
        begun = clock.steady()
        with pytest.raises(DaemonUnavailable, match="in time"):
            call(str(tmp_path), Ping(), timeout=0.2)
        assert clock.steady() - begun < 10
        over.set()


def test_a_daemon_that_drips_is_bounded(tmp_path: Path) -> None:
    """The time is for the whole answer, not for each byte."""
    over = threading.Event()

    def drip(_line: bytes, to: socket.socket) -> None:
        while not over.wait(0.05):
            to.sendall(b" ")

    with _listener(tmp_path, drip):
        with pytest.raises(DaemonUnavailable):
            call(str(tmp_path), Ping(), timeout=0.3)
        over.set()


@pytest.mark.parametrize("said", [b"", b"\n", b"hello\n", b'{"jsonrpc":"2.0","id":0,"res'])
def test_a_broken_answer_is_said_to_be(tmp_path: Path, said: bytes) -> None:
    """Nothing, nonsense, or half an answer."""
    with _listener(tmp_path, lambda _line, to: to.sendall(said)), pytest.raises(DaemonUnavailable):
        call(str(tmp_path), Ping())
