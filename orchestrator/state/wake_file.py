"""The file of ``orchd wake``: a small TOML that a person writes. Whatever is wrong in it is said in one line."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from orchestrator.core import duration
from orchestrator.core.listing import some
from orchestrator.core.name import check_name, is_name, slug
from orchestrator.core.text import visible
from orchestrator.core.typed import build
from orchestrator.core.wake import INTERVALS, STUCK_AFTER, At, Policy, Size
from orchestrator.errors import BadSettings, NotFound, OrchdError, Unreadable
from orchestrator.host import files

_PATTERN: Final = re.compile(r"[A-Za-z0-9*?\[\]!._-]{1,100}")
_MOST: Final = 12
_ORDERS: Final = ("alive", "look", "verify", "cleanup", "restart")


@dataclass(frozen=True, slots=True)
class Order:
    """A command, never through a shell; ``timeout`` is a duration as written, empty: the default of its kind."""

    argv: tuple[str, ...]
    timeout: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A command that gets a text on its standard input, and at which wakes."""

    argv: tuple[str, ...]
    text: str
    timeout: str = ""
    at: At = "wake"


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the work is to make: these ``files``, and ``expected`` files that match ``globs``."""

    files: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    expected: int | None = field(default=None, metadata={"ge": 1, "le": 10**6})


@dataclass(frozen=True, slots=True)
class WakeFile:
    """What a wake is told. Paths and commands start at the root; ``tracks`` and ``signs`` may be patterns.

    Changes of what matches ``signs`` count as progress, beside those of claims, outputs, statuses and logs.
    """

    name: str = ""
    run: str | None = None
    tracks: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    outputs: Outputs = Outputs()
    size: Size | None = None
    every: str | None = None
    stuck_after: int = field(default=STUCK_AFTER, metadata={"ge": 1, "le": 1000})
    alive: Order | None = None
    look: Order | None = None
    verify: Order | None = None
    cleanup: Order | None = None
    restart: Order | None = None
    prompt: Prompt | None = None

    @property
    def policy(self) -> Policy:
        """What decisions need of it."""
        if self.every is not None:
            low = high = duration.parse(self.every)
        else:
            low, high = INTERVALS[self.size or "complex"]
        can = (self.verify is not None, self.cleanup is not None, self.restart is not None)
        return Policy(low, high, self.stuck_after, *can, None if self.prompt is None else self.prompt.at)


TIMEOUTS: Final[Mapping[str, float]] = {
    "alive": 30.0,
    "look": 30.0,
    "prompt": 30.0,
    "verify": 600.0,
    "cleanup": 3600.0,
    "restart": 3600.0,
}
"""Seconds that a command may take unless it says otherwise."""


def seconds_of(kind: str, order: Order | Prompt) -> float:
    """Return how long (s) a command of that kind may take."""
    return duration.parse(order.timeout) if order.timeout else TIMEOUTS[kind]


def read(path: str) -> WakeFile:
    """Read the file. Raises :class:`NotFound`, and :class:`BadSettings` with the first thing that is wrong."""
    shown = visible(os.path.basename(path), 100)
    try:
        text = files.read(path).data.decode("utf-8")
        given = tomllib.loads(text)
        _refuse_unknown(given)
        found = build(WakeFile, {"name": slug(os.path.splitext(os.path.basename(path))[0]), **given})
        _check(found)
    except FileNotFoundError as error:
        raise NotFound(f"there is no file '{shown}'", hint="examples/wake/ of orchd has one to begin with") from error
    except (Unreadable, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = error.message if isinstance(error, Unreadable) else visible(str(error), 200)
        raise BadSettings(f"{shown}: {why}", hint="the README says what a wake file may say") from error
    return found


def _refuse_unknown(given: Mapping[str, object]) -> None:
    known = {"": WakeFile, "outputs": Outputs, "prompt": Prompt, **dict.fromkeys(_ORDERS, Order)}
    for where, kind in known.items():
        table = given.get(where, {}) if where else given
        keys = [each.name for each in fields(kind)]
        for key in table if isinstance(table, Mapping) else ():
            if key not in keys:
                place = f"{where}.{key}" if where else key
                raise Unreadable(f"no such key {visible(place, 80)}; known: {some(keys, _MOST * 2)}")


def _check(found: WakeFile) -> None:
    """Raise :class:`Unreadable` for what its types alone do not forbid."""
    fault = next(_faults(found), None)
    if fault is not None:
        raise Unreadable(fault)


def _faults(found: WakeFile) -> Iterator[str]:
    yield from _names(found)
    if not found.tracks and found.alive is None:
        yield "it names neither tracks nor a command [alive]: nobody could be seen at work"
    if found.size is not None and found.every is not None:
        yield "size and every exclude each other"
    if bool(found.outputs.globs) != (found.outputs.expected is not None):
        yield "outputs.globs and outputs.expected belong together"
    paths = (*found.outputs.files, *found.outputs.globs, *found.signs)
    if any(not each or "\0" in each for each in paths):
        yield "a path is empty"
    if found.every is not None and (fault := _duration("every", found.every)):
        yield fault
    for kind in (*_ORDERS, "prompt"):
        order: Order | Prompt | None = getattr(found, kind)
        if order is not None:
            yield from _order(kind, order)


def _names(found: WakeFile) -> Iterator[str]:
    try:
        check_name("wake", found.name)
        if found.run is not None:
            check_name("run", found.run)
    except OrchdError as error:
        yield error.message
    for each in found.tracks:
        if not is_name(each) and not _PATTERN.fullmatch(each):
            yield f"'{visible(each, 60)}' is neither the name of a track nor a pattern of such names"


def _order(kind: str, order: Order | Prompt) -> Iterator[str]:
    if not order.argv or not order.argv[0] or any("\0" in each for each in order.argv):
        yield f"{kind}.argv names no program"
    if order.timeout and (fault := _duration(f"{kind}.timeout", order.timeout)):
        yield fault


def _duration(key: str, text: str) -> str:
    """Return what is wrong with a duration, empty where nothing is."""
    try:
        return "" if duration.parse(text) else f"{key} must be more than 0"
    except OrchdError as error:
        return f"{key}: {error.message}"
