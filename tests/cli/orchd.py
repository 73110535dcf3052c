"""The real command in a root of its own: what it prints, what it leaves, how it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.core.claim import Claim
from orchestrator.core.text import visible

PACKAGE: Final = Path(__file__).parents[2]
ARGV: Final = (sys.executable, "-P", "-m", "orchestrator")

Word = str | bytes

DRIVER: Final = """\
import json, os, sys
from orchestrator.cli.lazy import COMMANDS, load
from orchestrator.cli.main import main

commands = [[os.fsdecode(bytes.fromhex(word)) for word in words] for words in json.load(sys.stdin)]
for name in {words[0] for words in commands}:
    load(COMMANDS[name][0])
for number, words in enumerate(commands):
    child = os.fork()
    if not child:
        for fd, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{sys.argv[1]}/{number}.{name}", os.O_CREAT | os.O_WRONLY, 0o600), fd)
        sys.argv = ["orchd", *words]
        status = main()
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs one command a process like the real one, but starts Python only once."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401  # whatever JSON it is
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The JSON error object on stderr."""
        fields: dict[str, Any] = json.loads(self.err)["error"]
        return fields

    @property
    def tame(self) -> bool:
        """Whether nothing was printed that a terminal would act on, and no traceback."""
        lines = (self.out + self.err).splitlines()
        return "Traceback" not in self.err and all(visible(line, 10**6) == line for line in lines)


class Orchd:
    """A root, and the command in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("ORCHD_", "GIT_"))}
        self.env |= {"PYTHONPATH": str(PACKAGE), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        self.env |= {"ORCHD_ROOT": str(root)}

    def __call__(self, *words: Word, cwd: Path | None = None, **env: str) -> Ended:
        """Run the command to its end, with ``env`` on top."""
        ended = subprocess.run(
            [*ARGV, *words],
            cwd=cwd or self.root,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def many(self, commands: Sequence[Sequence[Word]], scratch: Path) -> list[Ended]:
        """Run many commands one after the other, each in a process of its own; ``scratch`` is outside the root."""
        scratch.mkdir(exist_ok=True)
        told = json.dumps([[os.fsencode(word).hex() for word in words] for words in commands])
        ended = subprocess.run(
            [sys.executable, "-P", "-c", DRIVER, str(scratch)],
            cwd=self.root,
            env=self.env,
            input=told,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        statuses = [int(line) for line in ended.stdout.split()]
        return [
            Ended(status, (scratch / f"{number}.out").read_text(), (scratch / f"{number}.err").read_text())
            for number, status in enumerate(statuses)
        ]

    def into(self, stdout: int | IO[bytes], *words: Word) -> tuple[int, bytes]:
        """Run the command with that stdout; return its status and what it said on stderr."""
        ended = subprocess.run(
            [*ARGV, *words], cwd=self.root, env=self.env, stdout=stdout, stderr=subprocess.PIPE, timeout=60, check=False
        )
        return ended.returncode, ended.stderr

    @contextmanager
    def running(self, *words: Word) -> Iterator[subprocess.Popen[str]]:
        """Have the command run for the block; end it afterwards if it still does."""
        with subprocess.Popen(
            [*ARGV, *words], cwd=self.root, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            try:
                yield child
            finally:
                child.kill()

    def claim(self, track: str, pid: int | None = None, **fields: Any) -> Claim:  # noqa: ANN401  # those of Wanted
        """Claim a track, by default for this very process."""
        won = FileClaims(str(self.root)).claim(Wanted(track, fields.pop("owner", "ada"), pid or os.getpid(), **fields))
        assert isinstance(won, Won)
        return won.claim

    def dead_claim(self, track: str) -> Claim:
        """Claim a track for a process that is gone by now."""
        with subprocess.Popen(["sleep", "60"]) as child:
            claim = self.claim(track, child.pid)
            child.kill()
        return claim

    def lock(self, track: str) -> Path:
        """The lock of a track."""
        return self.root / ".orchestrator_locks" / f"{track}.lock"

    def write_lock(self, track: str, data: bytes) -> Path:
        """Put a lock there as somebody else's program would."""
        path = self.lock(track)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(data)
        return path

    def files(self) -> dict[str, tuple[int, int]]:
        """Return every file and folder below the root with its size and time of change."""
        facts = ((path, path.lstat()) for path in sorted(self.root.rglob("*")))
        return {str(path): (fact.st_size, fact.st_mtime_ns) for path, fact in facts}


def hostile_names() -> Sequence[Word]:
    """Names that are none, from each family; every command that takes a name refuses each of them."""
    return (
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/etc/passwd",
        "a..b",
        "a.",
        ".hidden",
        "a.lock",
        "A.JSON",
        "a b",
        "a\nb",
        "a\r\x1b[31mb",
        "\x07",
        "x" * 5000,
        "a\u202eb",
        "\u0430bc",
        "a\u200bb",
        b"\xff\xfe",
        "*",
        "$(id)",
        "a;id",
    )
