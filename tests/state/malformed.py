"""Status files that nobody should believe: about 400 of them, each with why."""

import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Final

from tests.core.statuses import FULL

GOOD: Final = json.dumps(FULL, indent=1).encode()

BAD_VALUES: Final[dict[str, object]] = {
    "true": True,
    "false": False,
    "zero": 0,
    "minus one": -1,
    "a fraction": 1.5,
    "2 to the 63": 2**63,
    "empty": "",
    "blank": " ",
    "NUL": "a\0b",
    "a path": "../../etc/passwd",
    "escape": "\x1b[2J",
    "a line": "a\nb",
    "long": "x" * 101,
    "half a character": "\ud800",
    "no such day": "2026-02-30T00:00:00Z",
    "words": "in a while",
    "digits": "45",
    "list": [],
    "list of one": [1],
    "object": {},
    "object with a field": {"a": 1},
    "null": None,
}
"""Twenty-two values that most fields cannot have."""

_TEXTS: Final = {name for name, value in BAD_VALUES.items() if isinstance(value, str)} - {"half a character"}
_NULL: Final = {"null"}
FINE: Final[dict[str, set[str]]] = {
    "track": {"digits", "null"},
    "sub_issue": _NULL,
    "completion_time": _NULL,
    "branch_name": _TEXTS - {"empty"},
    "pr_number": _NULL,
    "error": _TEXTS | _NULL,
    "progress_percentage": {"zero", "a fraction", "null"},
    "current_stage": _TEXTS | _NULL,
    "needs_input": _NULL,
    "metadata": {"object", "object with a field"},
}
"""What a field may have all the same."""

BEYOND_SCHEMA: Final = {
    "another agent's",
    "agent_id is digits",
    "start_time is no such day",
    "last_update is no such day",
    "completion_time is no such day",
    "branch_name is half a character",
    "error is half a character",
    "current_stage is half a character",
}
"""What a JSON Schema cannot say: whose file it is, the calendar, and what can be encoded."""


def _fields() -> dict[str, bytes]:
    return {
        f"{field} is {name}": json.dumps(FULL | {field: value}).encode()
        for field in FULL
        for name, value in BAD_VALUES.items()
        if name not in FINE.get(field, set())
    }


def _missing() -> dict[str, bytes]:
    required = ("schema_version", "agent_id", "status", "start_time", "last_update", "branch_name")
    found = {f"no {name}": {key: FULL[key] for key in FULL if key != name} for name in required}
    found["neither track nor sub_issue"] = {key: FULL[key] for key in FULL if key not in {"track", "sub_issue"}}
    found["a newer schema"] = FULL | {"schema_version": "2.0"}
    found["another agent's"] = FULL | {"agent_id": "agent-2"}
    return {name: json.dumps(fields).encode() for name, fields in found.items()}


def _cut() -> dict[str, bytes]:
    return {f"cut after {size} bytes": GOOD[:size] for size in range(0, len(GOOD) - 1, 13)}


def _with(text: str) -> bytes:
    """Return the good file with ``text`` for its percentage."""
    return GOOD.replace(b'"progress_percentage": 45', f'"progress_percentage": {text}'.encode())


def _nested(levels: int) -> bytes:
    return _with("[" * levels + "]" * levels)


def _shapes() -> dict[str, bytes]:
    text = GOOD.decode()
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    return {
        "blank": b" \n\t",
        "null": b"null",
        "a number": b"7",
        "a text": b'"status"',
        "a list": b"[" + GOOD + b"]",
        "true": b"true",
        "an empty object": b"{}",
        "two objects": GOOD + GOOD,
        "something after it": GOOD + b"x",
        "NaN": _with("NaN"),
        "Infinity": _with("Infinity"),
        "minus Infinity": _with("-Infinity"),
        "too large a number": _with("1e999"),
        "5,000 digits": _with("9" * 5000),
        "101 per cent": _with("101"),
        "a key twice": GOOD.replace(b'"pr_number"', b'"error"'),
        "a key twice, deep down": GOOD.replace(b'"retry_count"', b'"fence"'),
        "100,000 lists deep": _nested(100_000),
        "100,000 objects deep": deep,
        "40 lists deep": _nested(40),
        "UTF-16": text.encode("utf-16"),
        "UTF-16, little endian": text.encode("utf-16-le"),
        "UTF-16, big endian": text.encode("utf-16-be"),
        "UTF-32": text.encode("utf-32"),
        "a byte-order mark": b"\xef\xbb\xbf" + GOOD,
        "Latin-1": text.replace("testing", "pr\u00fcfen").encode("latin-1"),
        "bytes that are no text": GOOD.replace(b"testing", b"\xff\xfe\x80"),
        "an overlong NUL": GOOD.replace(b"testing", b"\xc0\x80"),
        "a half character in UTF-8": GOOD.replace(b"testing", b"\xed\xa0\x80"),
        "a raw NUL": GOOD.replace(b"testing", b"\0"),
        "NULs": b"\0" * 4096,
        "a program": b"\x7fELF" + bytes(range(256)) * 16,
        "a compressed file": b"\x1f\x8b\x08\x00" + bytes(200),
        "YAML": b"status: in_progress\nagent_id: agent-1\n",
        "single quotes": GOOD.replace(b'"', b"'"),
        "a comma too many": GOOD.replace(b"\n}", b",\n}"),
        "a comment": b"// mine\n" + GOOD,
        "a raw line in a text": GOOD.replace(b"testing", b"test\ning"),
    }


def texts() -> dict[str, bytes]:
    """Return the content of every file that is wrong in what it holds; each would be agent-1's."""
    return _fields() | _missing() | _cut() | _shapes()


def _sparse(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate(20 << 30)


def _blanks(size: int) -> Callable[[str], None]:
    def write(path: str) -> None:
        with open(path, "wb") as file:
            file.write(GOOD + b" " * size)

    return write


def _socket(path: str) -> None:
    here = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{here}/{os.path.basename(path)}")
    finally:
        os.close(here)


def _link_to_good(path: str) -> None:
    with open(f"{path}.elsewhere", "wb") as file:
        file.write(GOOD)
    os.symlink(f"{path}.elsewhere", path)


def _hard_link(path: str) -> None:
    other = os.path.join(os.path.dirname(path), "agent-2.status.json")
    with open(other, "wb") as file:
        file.write(GOOD.replace(b"agent-1", b"agent-2"))
    os.link(other, path)


def _full_folder(path: str) -> None:
    os.mkdir(path)
    with open(f"{path}/agent-1.status.json", "wb") as file:
        file.write(GOOD)


def _forbidden(path: str) -> None:
    with open(path, "wb") as file:
        file.write(GOOD)
    os.chmod(path, 0)


ODD: Final[dict[str, Callable[[str], None]]] = {
    "a folder": os.mkdir,
    "a folder with files": _full_folder,
    "a FIFO": os.mkfifo,
    "a socket": _socket,
    "257 kB": _blanks(256 * 1024),
    "30 MB": _blanks(30_000_000),
    "20 GB of nothing": _sparse,
    "a link to a good file": _link_to_good,
    "a link to nothing": lambda path: os.symlink("nowhere", path),
    "a link to itself": lambda path: os.symlink(os.path.basename(path), path),
    "a link to an endless device": lambda path: os.symlink("/dev/zero", path),
    "another agent's file by a hard link": _hard_link,
}
"""What can stand in a file's place: each makes it at a path."""

if sys.platform == "linux" and os.geteuid() == 0:
    ODD["a device"] = lambda path: os.mknod(path, 0o20600, os.makedev(1, 5))
else:
    ODD["a file without permission"] = _forbidden
