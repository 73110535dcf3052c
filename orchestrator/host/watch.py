"""Hints that something changed in a folder. The files are the truth; a hint only wakes the loop early.

Built on watchdog, whose traps are met here: only creations, moves and deletions are asked for, so that
our own reading makes no events; an overflow shows only as a log line, so that line is caught; an
emitter dies silently with its folder, so :meth:`Watch.check` looks at folders by device and inode.
What cannot be watched is named as degraded and lives by rescans alone.
"""

import logging
import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from orchestrator.host import mounts

MOST: Final = 250
"""So many folders are watched, each by a thread of watchdog's; more than these are rescanned."""

_EVENTS: Final = [FileCreatedEvent, FileDeletedEvent, FileMovedEvent, DirCreatedEvent, DirDeletedEvent, DirMovedEvent]
_LOGGER: Final = "watchdog.observers"
_NEEDED: Final = 6
"""Descriptors that an observer opens. Half-way without one it would lose the others."""

_JOIN: Final = 2.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What may have changed since the last look: these paths, or ``everything``."""

    paths: frozenset[str]
    everything: bool


class _Handler(FileSystemEventHandler):
    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def dispatch(self, event: FileSystemEvent) -> None:
        for path in (event.src_path, event.dest_path):
            if path:
                self._note(os.fsdecode(path))


class _Overflow(logging.Handler):
    """Catches the log line that is watchdog's only word about lost events."""

    def __init__(self, note: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in record.getMessage():
            self._note()


@dataclass(frozen=True, slots=True)
class _Watched:
    """A folder as it was when its watching began."""

    identity: tuple[int, int]
    watch: ObservedWatch


class Watch:
    """Watches folders, not what is below them. ``wake`` is called from another thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = Lock()
        self._paths: set[str] = set()
        self._everything = True
        self._overflows = 0
        self._observer: BaseObserver | None = None
        self._watched: dict[str, _Watched] = {}
        self._wanted: set[str] = set()
        self._degraded: dict[str, str] = {}
        self._catcher = _Overflow(self._overflowed)
        logging.getLogger(_LOGGER).addHandler(self._catcher)

    @property
    def degraded(self) -> dict[str, str]:
        """Folders that are not watched but only rescanned, and why."""
        return dict(self._degraded)

    @property
    def overflows(self) -> int:
        """How often the kernel lost events so far."""
        return self._overflows

    def follow(self, folder: str) -> None:
        """Watch ``folder`` from now on, also when it is made, replaced or comes back later."""
        self._wanted.add(folder)
        self._attach(folder)

    def forget(self, folder: str) -> None:
        """Watch ``folder`` no longer."""
        self._wanted.discard(folder)
        self._detach(folder)
        self._degraded.pop(folder, None)

    def take(self) -> Changes:
        """Return what may have changed, and begin anew."""
        with self._lock:
            changes = Changes(frozenset(self._paths), self._everything)
            self._paths.clear()
            self._everything = False
        return changes

    def check(self) -> None:
        """Watch again what was replaced, came back, or could not be watched the last time."""
        if self._observer is not None and not self._observer.is_alive():
            self._drop_observer()
        for folder in sorted(self._wanted):
            held = self._watched.get(folder)
            if held is None or held.identity != _identity(folder) or not self._is_alive(held.watch):
                self._detach(folder)
                self._attach(folder)

    def close(self) -> None:
        """End all watching."""
        logging.getLogger(_LOGGER).removeHandler(self._catcher)
        self._wanted.clear()
        self._drop_observer()

    def _attach(self, folder: str) -> None:
        """Watch a folder if it is there. What happened in it before is not known, so everything may have changed."""
        self._degraded.pop(folder, None)
        identity = _identity(folder)
        if identity is None:
            return
        try:
            why = self._obstacle(folder) or self._schedule(folder, identity)
        except OSError as error:
            why = f"cannot be watched ({os.strerror(error.errno or 0)})"
        except RuntimeError:
            why = "cannot be watched (no thread can be started)"
        if why:
            self._degraded[folder] = f"{why}; rescanning"
        else:
            self._changed_all()

    def _obstacle(self, folder: str) -> str:
        """Return why it is no use asking the kernel, or nothing. It would be silent about most of this."""
        kind = mounts.network_kind(folder)
        if kind:
            return f"on a {kind} file system, which tells of no changes"
        if os.path.islink(folder):
            return "a link, which is not followed"
        if not os.access(folder, os.R_OK):
            return "cannot be watched (no permission to read it)"
        return f"not watched: more than {MOST} folders" if len(self._watched) >= MOST else ""

    def _schedule(self, folder: str, identity: tuple[int, int]) -> str:
        watch = self._running().schedule(_Handler(self._changed), folder, event_filter=_EVENTS)
        self._watched[folder] = _Watched(identity, watch)
        return ""

    def _running(self) -> BaseObserver:
        """Return the observer, made and started where there is none."""
        if self._observer is None:
            _make_sure_of_descriptors()
            observer = Observer()
            observer.daemon = True
            try:
                observer.start()
            except RuntimeError:
                observer.stop()
                raise
            self._observer = observer
        return self._observer

    def _detach(self, folder: str) -> None:
        held = self._watched.pop(folder, None)
        if held is not None and self._observer is not None:
            try:
                self._observer.unschedule(held.watch)
            except (KeyError, OSError):
                self._drop_observer()

    def _drop_observer(self) -> None:
        """Give the observer up; every folder is attached to a new one by the next check."""
        observer, self._observer = self._observer, None
        self._watched.clear()
        if observer is not None:
            observer.stop()
            observer.join(_JOIN)

    def _is_alive(self, watch: ObservedWatch) -> bool:
        emitters = self._observer.emitters if self._observer is not None else ()
        return any(each.watch == watch and each.is_alive() for each in emitters)

    def _changed(self, path: str) -> None:
        with self._lock:
            is_first = not self._paths
            self._paths.add(path)
        if is_first:  # whoever was woken, and has not come yet, finds this one too
            self._wake()

    def _changed_all(self) -> None:
        with self._lock:
            self._everything = True
        self._wake()

    def _overflowed(self) -> None:
        self._overflows += 1
        self._changed_all()


def _make_sure_of_descriptors() -> None:
    """Raise the ``OSError`` of a process that has too few left."""
    with ExitStack() as opened:
        for _ in range(_NEEDED):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))


def _identity(folder: str) -> tuple[int, int] | None:
    """Return what tells this folder from one that is put in its place; None where there is none."""
    try:
        facts = os.stat(folder)
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino) if stat.S_ISDIR(facts.st_mode) else None
