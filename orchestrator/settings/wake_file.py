"""The file of ``orchd wake``: a small TOML that a person writes."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from orchestrator.core.name import is_name, slug
from orchestrator.core.text import visible
from orchestrator.core.wake import INTERVALS, STUCK_AFTER, At, Policy, Size
from orchestrator.errors import BadSettings, NotFound, Unreadable
from orchestrator.host import files
from orchestrator.settings.refusal import Form, refusal
from orchestrator.settings.tables import CLOSED, Name, Span, Text, Word

_HINT: Final = "docs/running.md of orchd says how it is used; examples/wake/ has one that says what each key means"
_PATTERN: Final = re.compile(r"[A-Za-z0-9*?\[\]!._-]{1,100}")


def _track(value: str) -> str:
    if not is_name(value) and not _PATTERN.fullmatch(value):
        raise ValueError(f"'{visible(value, 60)}' is neither the name of a track nor a pattern of such names")
    return value


def _program(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv or not argv[0]:
        raise ValueError("names no program")
    return argv


Argv = Annotated[tuple[Text, ...], AfterValidator(_program)]


@dataclass(frozen=True, slots=True)
class Order:
    """A command, never through a shell; without a time limit of its own it has that of its kind."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    argv: Argv
    timeout_seconds: Span | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A command that gets a text on its standard input, and at which wakes."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    argv: Argv
    text: str
    timeout_seconds: Span | None = None
    at: At = "wake"


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the work is to make: these ``files``, and ``expected`` files that match ``globs``."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    files: tuple[Word, ...] = ()
    globs: tuple[Word, ...] = ()
    expected: Annotated[int, Field(strict=True, ge=1, le=10**6)] | None = None

    def __post_init__(self) -> None:
        """Refuse one of two things that belong together."""
        if bool(self.globs) != (self.expected is not None):
            raise ValueError("globs and expected belong together")


@dataclass(frozen=True, slots=True)
class WakeFile:
    """What a wake is told. Paths and commands start at the root; ``tracks`` and ``signs`` may be patterns.

    Changes of what matches ``signs`` count as progress, beside those of claims, outputs, statuses and logs.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    name: Name = ""
    run: Name | None = None
    tracks: tuple[Annotated[str, AfterValidator(_track)], ...] = ()
    signs: tuple[Word, ...] = ()
    outputs: Outputs = Outputs()
    size: Size | None = None
    every_seconds: Span | None = None
    stuck_after: Annotated[int, Field(strict=True, ge=1, le=1000)] = STUCK_AFTER
    alive: Order | None = None
    look: Order | None = None
    verify: Order | None = None
    cleanup: Order | None = None
    restart: Order | None = None
    prompt: Prompt | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if not self.tracks and self.alive is None:
            raise ValueError("it names neither tracks nor a command [alive]: nobody could be seen at work")
        if self.size is not None and self.every_seconds is not None:
            raise ValueError("size and every exclude each other")

    @property
    def policy(self) -> Policy:
        """What decisions need of it."""
        every = self.every_seconds
        low, high = INTERVALS[self.size or "complex"] if every is None else (every, every)
        can = (self.verify is not None, self.cleanup is not None, self.restart is not None)
        return Policy(low, high, self.stuck_after, *can, None if self.prompt is None else self.prompt.at)


_DOOR: Final = TypeAdapter(WakeFile)

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
    return TIMEOUTS[kind] if order.timeout_seconds is None else order.timeout_seconds


def read(path: str) -> WakeFile:
    """Read the file. Raises :class:`NotFound`, and :class:`BadSettings` with the first thing that is wrong."""
    shown = visible(os.path.basename(path), 100)
    text = ""
    try:
        text = files.read(path).data.decode("utf-8")
        name = slug(os.path.splitext(os.path.basename(path))[0])
        return _DOOR.validate_python({"name": name, **tomllib.loads(text)})
    except FileNotFoundError as error:
        raise NotFound(f"there is no file '{shown}'", hint=_HINT) from error
    except ValidationError as error:
        raise refusal(error, text, Form(WakeFile, shown, _HINT)) from error
    except (Unreadable, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        why = error.message if isinstance(error, Unreadable) else visible(str(error), 200)
        raise BadSettings(f"{shown}: {why}", hint=_HINT) from error
