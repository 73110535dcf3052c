"""What the files say of runs: when each began, when it ended, and where its report is."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from orchestrator.core.name import check_name, is_name
from orchestrator.core.strictjson import parse_object
from orchestrator.errors import NotFound, Unreadable
from orchestrator.host import files
from orchestrator.state import results
from orchestrator.state.layout import Layout, RunLayout

LARGEST = 64 * 1024 * 1024
"""A record of more bytes is not read: thousands of tracks are far less."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """One accepted run; ``ended`` once it has a report. What the files do not say is empty or None.

    Times are ISO 8601 UTC; ``succeeded`` counts tracks.
    """

    run: str
    source: str
    created_at: str
    ended_at: str
    tracks: int | None
    succeeded: int | None
    ended: bool


def folders(layout: Layout) -> list[RunLayout]:
    """Return the folders of all runs, accepted or only reported to, sorted by name."""
    try:
        names = os.listdir(layout.parallel)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [layout.run(name) for name in sorted(names) if is_name(name)]


def recorded(layout: Layout) -> list[RunFile]:
    """Return every accepted run, the newest first."""
    accepted = (each for each in folders(layout) if os.path.lexists(each.record))
    found = [_of(layout, os.path.basename(each.folder)) for each in accepted]
    return sorted(found, key=lambda each: (each.created_at, each.run), reverse=True)


def _of(layout: Layout, run: str) -> RunFile:
    paths = layout.run(run)
    record, metrics = _fields(paths.record), _fields(paths.metrics)
    tracks, succeeded = record.get("tracks"), metrics.get("successful_agents")
    return RunFile(
        run=run,
        source=_text(record, "source"),
        created_at=_text(record, "created_at"),
        ended_at=_text(metrics, "end_time"),
        tracks=len(tracks) if isinstance(tracks, list) else None,
        succeeded=succeeded if isinstance(succeeded, int) else None,
        ended=results.has_ended(paths),
    )


def _fields(path: str) -> Mapping[str, object]:
    with suppress(FileNotFoundError, Unreadable):
        return parse_object(files.read(path, LARGEST).data)
    return {}


def _text(fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def have(layout: Layout, track: str) -> bool:
    """Tell whether an accepted run has that track; a record that cannot be read has none."""
    for paths in folders(layout):
        with suppress(FileNotFoundError, NotADirectoryError, Unreadable):
            if any(each.track == track for each in results.read_run(paths).tracks):
                return True
    return False


def chosen(layout: Layout, run: str | None) -> RunFile:
    """Return that run, or the newest that has a report. Raises :class:`NotFound`."""
    if run is not None:
        check_name("run", run)
    runs = recorded(layout)
    for each in runs:
        if each.run == run or (run is None and each.ended):
            return each
    what = "no run has ended yet" if run is None else f"no run is called {run}"
    raise NotFound(what, hint="`orchd runs` shows every run")
