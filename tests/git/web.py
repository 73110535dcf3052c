"""A remote on the web: git's own http-backend behind a small server on loopback, with a password if wanted."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

BACKEND: Final = Path(
    subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True, timeout=30).stdout.strip()
)


class Remote(ThreadingHTTPServer):
    """Serves the repositories below ``folder``.

    ``login`` ("user:password") is asked for: always where ``closed``, else for a push only. ``seen`` are the paths
    that were asked for. Whoever gives a wrong one is told so, with what was given.
    """

    daemon_threads = True

    def __init__(self, folder: Path, login: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.login, self.closed = folder, login, False
        self.forbidden = False
        self.seen: list[str] = []

    @property
    def site(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Remote

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer as git's program does."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer as git's program does."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _answer(self, body: bytes) -> None:
        remote = self.server
        remote.seen.append(self.path)
        push = "git-receive-pack" in self.path
        wanted = "Basic " + base64.b64encode(remote.login.encode()).decode()
        if (push or remote.closed) and self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="tests"')
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            given = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "))
            self.wfile.write(b"nobody is called %b\n" % given)
            return
        if push and remote.forbidden:
            self.send_error(403)
            return
        self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": "ann",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        ended = subprocess.run(
            [BACKEND / "git-http-backend"], input=body, env=env, capture_output=True, timeout=60, check=False
        )
        head, _, rest = ended.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest)


@contextmanager
def running(folder: Path, login: str = "ann:pa55word") -> Iterator[Remote]:
    """Have a remote for the block."""
    with Remote(folder, login) as remote:
        thread = threading.Thread(target=remote.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield remote
        finally:
            remote.shutdown()
            thread.join()
