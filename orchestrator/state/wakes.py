"""What ``orchd wake`` keeps from wake to wake, ``runtime/wakes/<name>.json``: whoever is next goes on from there."""

import json
from dataclasses import asdict, dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.core.typed import build, versioned
from orchestrator.core.wake import Memory
from orchestrator.errors import Unreadable, UsageError
from orchestrator.host import clock, files
from orchestrator.state.layout import Layout

VERSION: Final = 1

LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """The memory of one watch, for which ``file``, and when the next wake is due (ns since the epoch)."""

    file: str
    memory: Memory
    due_ns: int = 0


@dataclass(frozen=True, slots=True)
class WakePaths:
    """The files of one watch; ``name`` has been checked."""

    layout: Layout
    name: str

    @property
    def folder(self) -> str:
        """Where all of them lie."""
        return f"{self.layout.runtime}/wakes"

    @property
    def memory(self) -> str:
        """What is kept from wake to wake."""
        return f"{self.folder}/{self.name}.json"

    @property
    def lock(self) -> str:
        """The file whose flock is held by the process that wakes."""
        return f"{self.folder}/{self.name}.pidlock"

    @property
    def log(self) -> str:
        """What the commands of its wakes printed."""
        return f"{self.folder}/{self.name}.log"

    @property
    def missing(self) -> str:
        """What was missing when the clean-up began, a line each."""
        return f"{self.folder}/{self.name}.missing.txt"


def read(paths: WakePaths, file: str) -> Kept:
    """Return what is kept, an empty memory where nothing is. Raises :class:`UsageError` where it is of another file."""
    try:
        fields = versioned(files.read(paths.memory, LARGEST).data, VERSION, "a wake's memory")
        kept = build(Kept, fields)
    except FileNotFoundError:
        return Kept(file, Memory())
    except Unreadable as error:
        raise Unreadable(
            f"{visible(paths.memory)}: {error.message}", hint="--anew forgets it and begins again"
        ) from error
    if kept.file != file:
        raise UsageError(
            f"the name {paths.name} is that of {visible(kept.file, 200)}",
            hint="give one of them another name, or begin again with --anew",
        )
    return kept


def write(paths: WakePaths, kept: Kept) -> None:
    """Keep it, durably: what it says was begun is not begun again."""
    fields = {"v": VERSION, "at": clock.iso(), **asdict(kept)}
    files.ensure_folder(paths.folder)
    files.publish(paths.memory, json.dumps(fields, indent=1).encode("ascii") + b"\n", paths.folder, durable=True)


def write_missing(paths: WakePaths, lines: tuple[str, ...]) -> None:
    """Say what is missing, a line each, for whoever cleans up."""
    files.ensure_folder(paths.folder)
    text = "".join(f"{line}\n" for line in lines)
    files.publish(paths.missing, text.encode("utf-8", "surrogateescape"), paths.folder)
