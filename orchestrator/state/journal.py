"""The journal, ``runtime/events.jsonl``: one line of JSON an event, for people and observers.

Writing never fails the work that it tells of: what cannot be written is not written. The file is rotated, so at
most KEPT + 1 files of about LIMIT bytes exist.
"""

import math
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final, Self

from orchestrator.core.bounded import encode_within
from orchestrator.core.events import UNREADABLE, VERSION
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.errors import OrchdError, Unreadable
from orchestrator.host import clock, files
from orchestrator.state.layout import Layout

LIMIT: Final = 64 * 1024 * 1024
"""Bytes after which a new file is begun."""

KEPT: Final = 4
"""Full files that are kept, ``events.jsonl.1`` being the newest."""

LONGEST: Final = 64 * 1024
"""Bytes of the longest line."""

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_BLOCK: Final = 256 * 1024
_PAUSE: Final = 0.1
_SHOWN: Final = 200
_VITAL: Final = ("v", "at", "event", "track", "run", "agent_id", "token", "fence", "why", "path")

Event = dict[str, object]


class Journal:
    """Writes events below one root; :meth:`write` can be handed to whoever tells of changes."""

    def __init__(self, root: str, *, limit: int = LIMIT) -> None:
        self._layout = Layout(root)
        self._limit = limit
        self._torn = False

    def write(self, event: str, fields: Mapping[str, object]) -> None:
        """Append one event; never raises."""
        try:
            self._append(_line(event, fields))
            self._torn = False
        except (OSError, OrchdError, ValueError):
            self._torn = True

    def _append(self, line: bytes) -> None:
        data = b"\n" + line if self._torn else line
        try:
            size = files.append(self._layout.journal, data)
        except FileNotFoundError:
            files.ensure_folder(self._layout.runtime)
            size = files.append(self._layout.journal, data)
        if size > self._limit:
            self._rotate()

    def _rotate(self) -> None:
        """Begin a new file. Whoever has the guard does it; the others go on, their lines reach the old file."""
        path = self._layout.journal
        with files.guard(f"{path}.guard", 0, "the journal"):
            if os.stat(path).st_size <= self._limit:
                return
            for number in range(KEPT, 0, -1):
                with suppress(FileNotFoundError):
                    os.rename(_rotated(path, number - 1), _rotated(path, number))


def _line(event: str, fields: Mapping[str, object]) -> bytes:
    plain = {name: _plain(value) for name, value in fields.items()}
    line = {"v": VERSION, "at": clock.iso(), "event": event}
    return encode_within(line | {name: plain[name] for name in plain if name not in line}, LONGEST, _VITAL, indent=None)


def _plain(value: object) -> object:
    """Return ``value`` as JSON can say it."""
    match value:
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if math.isfinite(value):
            return value
    return str(value)


def _rotated(path: str, number: int) -> str:
    return f"{path}.{number}" if number else path


def tail(root: str, n: int) -> list[Event]:
    """Return the last ``n`` events, oldest first. A line that is none comes as ``{"event": "unreadable", ...}``."""
    path = Layout(root).journal
    with _Reader.of(path) as reader:
        return _last(path, reader, n)


def follow(root: str, *, last: int = 0, ended: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Yield the last ``last`` events and then every new one, across rotations, until ``ended``.

    Looks for news ten times a second.
    """
    path = Layout(root).journal
    reader = _Reader.of(path)
    try:
        yield from _last(path, reader, last)
        while not ended():
            after = reader.after()
            yield from reader.news()
            if after is not None:
                reader.close()
                reader = after
            else:
                clock.pause(_PAUSE)
    finally:
        reader.close()


def _last(path: str, reader: "_Reader", n: int) -> list[Event]:
    """Return the last ``n`` events up to where ``reader`` goes on; ``reader`` has the newest file."""
    found = reader.last(n)
    for number in range(1, KEPT + 1):
        if len(found) >= n:
            break
        with _Reader.of(path, number) as older:
            found[:0] = older.last(n - len(found))
    return found


class _Reader:
    """The events of one file, from its end or as they come. Where there is none it has none."""

    def __init__(self, path: str, fd: int | None) -> None:
        self._path = path
        self._fd = fd
        self._rest = b""
        self._skipping = False

    @classmethod
    def of(cls, path: str, number: int = 0) -> "_Reader":
        """Open the journal, or the file that is ``number`` rotations old."""
        fd = None
        with suppress(OSError):
            fd = os.open(_rotated(path, number), _READ)
        if fd is not None and not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            fd = None
        return cls(path, fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_file(self) -> bool:
        """Tell whether there is anything to read."""
        return self._fd is not None

    def close(self) -> None:
        """Let the file go."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def last(self, n: int) -> list[Event]:
        """Return the last ``n`` events; :meth:`news` goes on after them."""
        if self._fd is None:
            return []
        size, window = os.fstat(self._fd).st_size, (n + 1) * LONGEST
        while True:
            start = max(0, size - min(window, LIMIT))
            lines = self._window(self._fd, start, n + 1)
            if len(lines) >= n or not start or window >= LIMIT:
                return [_event(each) for each in lines[max(0, len(lines) - n) :]]
            window *= 8  # somebody's lines are longer than ours

    def _window(self, fd: int, start: int, most: int) -> list[bytes]:
        """Return the last lines from ``start`` on, without what is left of the first."""
        os.lseek(fd, start, os.SEEK_SET)
        self._rest, self._skipping = b"", start > 0
        return list(deque(self._lines(), maxlen=most))

    def news(self) -> Iterator[Event]:
        """Yield the events that came since."""
        return (_event(each) for each in self._lines())

    def _lines(self) -> Iterator[bytes]:
        """Yield whole lines up to the end of the file. A line that is too long comes cut, once."""
        while self._fd is not None and (data := os.read(self._fd, _BLOCK)):
            *whole, self._rest = (self._rest + data).split(b"\n")
            for line in whole:
                if line and not self._skipping:
                    yield line
                self._skipping = False
            if len(self._rest) > LONGEST:
                if not self._skipping:
                    yield self._rest[: LONGEST + 1]
                self._rest, self._skipping = b"", True

    def after(self) -> "_Reader | None":
        """Return a reader of the file that was begun after this one; None while there is none."""
        ours = None if self._fd is None else os.fstat(self._fd)
        for number in range(KEPT + 1):
            with suppress(FileNotFoundError):
                there = os.stat(_rotated(self._path, number), follow_symlinks=False)
                if ours is not None and os.path.samestat(ours, there):
                    return self._newer(number - 1)
        return self._newer(0)

    def _newer(self, number: int) -> "_Reader | None":
        if number < 0:
            return None
        reader = _Reader.of(self._path, number)
        return reader if reader.has_file else None


def _event(line: bytes) -> Event:
    try:
        fields = parse_object(line) if len(line) <= LONGEST else {}
        if isinstance(fields.get("event"), str):
            return fields
        why = "not an event" if fields else f"longer than {LONGEST} bytes"
    except Unreadable as error:
        why = error.message
    return {"event": UNREADABLE, "why": why, "line": visible(line[:_SHOWN].decode("utf-8", "backslashreplace"), _SHOWN)}
