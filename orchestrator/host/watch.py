"""Hints that something changed in a folder. The files are the truth; a hint only wakes the loop early.

Built on watchdog, whose traps are met here: only creations, moves and deletions are asked for, so that
our own reading makes no events; an overflow shows only as a log line, so that line is caught; an
emitter dies silently with its folder, so :meth:`Watch.check` looks at folders by device and inode.
Where the kernel has no watches left, the folder is named as degraded and lives by rescans alone.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from watchdog.events import FileCreatedEvent, FileDeletedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from orchestrator.host import mounts

_EVENTS: Final = [FileCreatedEvent, FileDeletedEvent, FileMovedEvent]


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


class Watch:
    """Watches folders, not what is below them. ``wake`` is called from another thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = Lock()
        self._paths: set[str] = set()
        self._everything = True
        self._overflows = 0
        self._observer: BaseObserver | None = None
        self._watched: dict[str, tuple[tuple[int, int], ObservedWatch]] = {}
        self._wanted: set[str] = set()
        self._degraded: dict[str, str] = {}
        self._catcher = _Overflow(self._overflowed)
        logging.getLogger("watchdog.observers").addHandler(self._catcher)

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
        for folder in sorted(self._wanted):
            held = self._watched.get(folder)
            if held is None or held[0] != _identity(folder) or not self._alive(held[1]):
                self._detach(folder)
                self._attach(folder)

    def close(self) -> None:
        """End all watching."""
        logging.getLogger("watchdog.observers").removeHandler(self._catcher)
        self._drop_observer()

    def _attach(self, folder: str) -> None:
        key = _identity(folder)
        if key is None:
            self._degraded.pop(folder, None)
            return
        kind = mounts.network_kind(folder)
        if kind:
            self._degraded[folder] = f"on a {kind} file system, which tells of no changes; rescanning"
            return
        try:
            watch = self._running().schedule(_Handler(self._changed), folder, event_filter=_EVENTS)
        except OSError as error:
            self._degraded[folder] = f"cannot be watched ({os.strerror(error.errno or 0)}); rescanning"
            if self._observer is not None and not self._observer.is_alive():
                self._observer = None
            return
        self._degraded.pop(folder, None)
        self._watched[folder] = (key, watch)
        self._changed_all()

    def _running(self) -> BaseObserver:
        if self._observer is None:
            observer = Observer()
            observer.daemon = True
            observer.start()
            self._observer = observer
        return self._observer

    def _detach(self, folder: str) -> None:
        held = self._watched.pop(folder, None)
        if held is not None and self._observer is not None:
            try:
                self._observer.unschedule(held[1])
            except (KeyError, OSError):
                self._drop_observer()

    def _drop_observer(self) -> None:
        """Give the observer up; every folder is attached to a new one by the next check."""
        observer, self._observer = self._observer, None
        self._watched.clear()
        if observer is not None:
            observer.stop()
            observer.join(1.0)

    def _alive(self, watch: ObservedWatch) -> bool:
        emitters = self._observer.emitters if self._observer is not None else ()
        return any(each.watch == watch and each.is_alive() for each in emitters)

    def _changed(self, path: str) -> None:
        with self._lock:
            self._paths.add(path)
        self._wake()

    def _changed_all(self) -> None:
        with self._lock:
            self._everything = True
        self._wake()

    def _overflowed(self) -> None:
        self._overflows += 1
        self._changed_all()


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        facts = os.stat(folder)
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino)
