"""What the daemon does when asked: a fixed list of verbs over its socket, for its own user only."""

import asyncio
import logging
import os
import socket
import struct
from contextlib import suppress
from typing import Final

from orchestrator import __version__
from orchestrator.core.text import visible
from orchestrator.daemon.loop import Loop
from orchestrator.daemon.snapshot import snapshot
from orchestrator.errors import DaemonUnavailable, NotFound, OrchdError
from orchestrator.host import files
from orchestrator.host.sockets import bind_private
from orchestrator.state import cancel
from orchestrator.state.layout import Layout
from orchestrator.wire import codec, messages

MOST_CALLERS: Final = 64
"""So many are listened to at once; beyond, the one that has said nothing for the longest time is let go."""

_log: Final = logging.getLogger("orchd")


class Api:
    """Answers requests. ``since`` is an ISO time."""

    def __init__(self, layout: Layout, loop: Loop, since: str) -> None:
        self._layout = layout
        self._loop = loop
        self._since = since
        self._server: asyncio.Server | None = None
        self._inode = -1
        self._callers: dict[asyncio.StreamWriter, None] = {}

    async def listen(self) -> None:
        """Open the socket (0600). The caller holds the singleton lock, so an old socket is a dead one's."""
        files.remove(self._layout.socket)
        try:
            listener = bind_private(self._layout.socket)
        except OSError as error:
            raise DaemonUnavailable(
                f"cannot listen on {visible(self._layout.socket)}: {visible(error.strerror or str(error))}"
            ) from error
        self._inode = os.lstat(self._layout.socket).st_ino
        self._server = await asyncio.start_unix_server(self._client, sock=listener, limit=codec.LARGEST)

    async def close(self) -> None:
        """Close the socket and remove its file, unless that is another daemon's by now."""
        if self._server is not None:
            self._server.close()
        with suppress(FileNotFoundError):
            if os.lstat(self._layout.socket).st_ino == self._inode:
                files.remove(self._layout.socket)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._hear(writer)
        try:
            if _uid(writer.get_extra_info("socket")) in (os.geteuid(), 0):
                await self._answer_all(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the caller has gone, or we go; a cancelled reader is a bug to asyncio's streams
        finally:
            self._callers.pop(writer, None)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _hear(self, caller: asyncio.StreamWriter) -> None:
        """Take note of who said something last; where there are too many, somebody has to go."""
        self._callers.pop(caller, None)
        if len(self._callers) >= MOST_CALLERS:
            silent = next(iter(self._callers))
            del self._callers[silent]
            silent.transport.abort()
        self._callers[caller] = None

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                writer.write(codec.encode_error(None, codec.INVALID_REQUEST, "the line is too long"))
                await writer.drain()
                return
            if not line or writer.is_closing():
                return
            self._hear(writer)
            writer.write(await self._reply(line))
            await writer.drain()

    async def _reply(self, line: bytes) -> bytes:
        try:
            request = codec.decode_request(line)
        except codec.Refused as error:
            return codec.encode_error(error.id, error.code, error.message)
        try:
            return codec.encode_response(request.id, await self._do(request))
        except OrchdError as error:
            return codec.encode_error(request.id, codec.REFUSED, error.message, error)
        except OSError as error:
            refused = files.failure(error, "the daemon cannot do that now")
            return codec.encode_error(request.id, codec.REFUSED, refused.message, refused)
        except Exception:  # noqa: BLE001  # the boundary: a bug in one answer is told whole, and the others go on
            _log.exception("a bug while answering a request")
            return codec.encode_error(request.id, codec.INTERNAL_ERROR, "a bug in the daemon; its log has the report")

    async def _do(self, request: messages.Request) -> dict[str, object]:
        match request:
            case messages.Ping():
                return self.about()
            case messages.Status():
                found = await asyncio.to_thread(snapshot, self._layout.root, self._loop.standings())
                return {"daemon": self.about(), **found}
            case messages.Adopt(run=run):
                self._check_accepted(run)
                self._loop.poke()
                return {"run": run}
            case messages.Cancel(run=run, track=track):
                self._check_accepted(run)
                await asyncio.to_thread(cancel.request, self._layout.run(run), track)
                self._loop.poke()
                return {"run": run}
            case messages.Stop(workers=workers):
                return {"stopping": True, "workers": self._stop(workers=workers)}

    def _check_accepted(self, run: str) -> None:
        if not os.path.lexists(self._layout.run(run).record):
            raise NotFound(f"no run is called {run}", hint="`orchd runs` shows every run")

    def _stop(self, *, workers: bool) -> list[str]:
        if workers:
            return self._loop.end_workers()
        self._loop.stop()
        return []

    def about(self) -> dict[str, object]:
        """Return what the daemon says of itself."""
        return {
            "running": True,
            "pid": os.getpid(),
            "socket": self._layout.socket,
            "since": self._since,
            "version": __version__,
            "degraded": self._loop.degraded,
        }


def _uid(connection: socket.socket) -> int:
    """Return the user of the process at the other end, as the kernel says it."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.geteuid()
    _pid, uid, _gid = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    return int(uid)
