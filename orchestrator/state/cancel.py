"""The request to end a run, or some of its tracks: ``cancel.json``. It can be made with no daemon running."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from orchestrator.core.strictjson import parse_object
from orchestrator.errors import Unreadable
from orchestrator.host import clock, files
from orchestrator.state.layout import RunLayout

_WAIT: Final = 5.0


def request(paths: RunLayout, track: str | None) -> None:
    """Ask for the end of ``track``, or of the whole run where it is None; asking twice is harmless."""
    files.ensure_folder(f"{paths.private}/tmp")
    with files.guard(f"{paths.private}/cancel.guard", _WAIT, "the request to cancel"):
        asked = _asked(paths)
        asked = None if track is None or asked is None else sorted({*asked, track})
        fields = {"v": 1, "at": clock.iso(), "tracks": asked}
        files.publish(paths.cancel, json.dumps(fields).encode("ascii") + b"\n", f"{paths.private}/tmp")


def read(paths: RunLayout, tracks: Iterable[str]) -> frozenset[str]:
    """Return which of ``tracks`` are to end."""
    asked = _asked(paths)
    return frozenset(tracks) if asked is None else frozenset(asked)


def _asked(paths: RunLayout) -> list[str] | None:
    """Return the tracks asked for; None means all of them."""
    with suppress(FileNotFoundError, Unreadable):
        tracks = parse_object(files.read(paths.cancel).data).get("tracks", [])
        if tracks is None:
            return None
        if isinstance(tracks, list):
            return [each for each in tracks if isinstance(each, str)]
    return []
