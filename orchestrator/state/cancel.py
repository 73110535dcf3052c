"""The request to end a run, or some of its tracks: ``cancel.json``. It can be made with no daemon running."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Final

from orchestrator.core.typed import build, versioned
from orchestrator.errors import Unreadable
from orchestrator.host import clock, files
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import prepare, temp

VERSION: Final = 1

WAIT: Final = 5.0
"""Seconds to wait for another process that asks at the same time."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to end: these tracks, or all of them where ``tracks`` is None; and when that was asked for last."""

    tracks: tuple[str, ...] | None = ()
    at: str = ""

    def is_about(self, track: str) -> bool:
        """Tell whether a track is to end."""
        return self.tracks is None or track in self.tracks


def request(paths: RunLayout, track: str | None, *, wait: float = WAIT) -> None:
    """Ask for the end of ``track``, or of the whole run where it is None; asking twice is harmless.

    A request that cannot be read is replaced. Raises ``GuardBusy`` and ``SystemFailure``; then what was asked
    for before stands.
    """
    prepare(paths)
    try:
        with files.guard(f"{paths.private}/cancel.guard", wait, "the request to cancel"):
            asked = _asked(paths)
            asked = None if track is None or asked is None else asked | {track}
            tracks = None if asked is None else tuple(sorted(asked))
            fields = {"v": VERSION, **asdict(Request(tracks, clock.iso()))}
            files.publish(paths.cancel, json.dumps(fields).encode("ascii") + b"\n", temp(paths), durable=True)
    except OSError as error:
        raise files.failure(error, "cannot ask the run to end") from error


def _asked(paths: RunLayout) -> frozenset[str] | None:
    with suppress(Unreadable):
        before = read_request(paths.cancel)
        if before is not None:
            return None if before.tracks is None else frozenset(before.tracks)
    return frozenset()


def read_request(path: str) -> Request | None:
    """Read the request in a file; None: there is none. Raises :class:`Unreadable` with the reason."""
    try:
        return build(Request, versioned(files.read(path).data, VERSION, "a request"))
    except FileNotFoundError:
        return None
