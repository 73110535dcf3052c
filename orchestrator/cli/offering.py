"""Which of the chosen tracks a run takes on: not those that somebody is at work on already.

What failed in too many runs is taken on to be reported, and not worked on: it is in quarantine until a person
says otherwise.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.claims import FileClaims, Seen
from orchestrator.cli import run_files
from orchestrator.cli.hints import lifting
from orchestrator.core.graph import Graph
from orchestrator.core.quarantine import Past, Record
from orchestrator.core.run import RunRecord
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.errors import Unreadable
from orchestrator.state import results
from orchestrator.state.layout import Layout

MOST_RUNS: Final = 200
"""So many of the newest runs of a root are looked at to see how often a track failed."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The tracks to take on, in their order, and a line for each that somebody works on."""

    tracks: tuple[Track, ...]
    remarks: tuple[str, ...] = ()


def offer(root: str, chosen: Sequence[Track]) -> Offer:
    """Leave out what is marked in progress and claimed by an owner who may live, and what waits for it.

    A track that is only marked was interrupted, and is offered again.
    """
    store = FileClaims(root)
    begun = [each.track for each in chosen if each.state == "in_progress"]
    held = {name: seen for name in begun if (seen := store.read(name)) is not None and seen.verdict.state != "dead"}
    names = frozenset(each.track for each in chosen) - set(held)
    free = {name for wave in Graph(chosen).waves(names) for name in wave}
    remarks = [f"{name} is being worked on and not taken on: {_why(seen)}" for name, seen in held.items()]
    waiting = [each.track for each in chosen if each.track in names and each.track not in free]
    remarks += [f"{name} is not taken on: it waits for one that is being worked on" for name in waiting]
    return Offer(tuple(each for each in chosen if each.track in free), tuple(remarks))


def _why(seen: Seen) -> str:
    return visible(seen.verdict.why, 200)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The tracks that are not worked on, with the reason, and those that are: not what waits for one of the others."""

    tracks: Mapping[str, str]
    worked_on: frozenset[str]

    @property
    def work(self) -> bool:
        """Whether that leaves work for a run."""
        return bool(self.worked_on)

    @property
    def remarks(self) -> list[str]:
        """A line for each of them."""
        return [f"{track} is in quarantine: {why}" for track, why in self.tracks.items()]


def quarantine(layout: Layout, source: str, tracks: Sequence[Track], after: int) -> Quarantine:
    """Find the tracks that failed in ``after`` runs of the ``source`` (a path) in a row; 0: none."""
    records = {each.track: Record(after) for each in tracks}
    for run in _former(layout, source) if after else ():
        left = {track for track, record in records.items() if not record.settled}
        if not left:
            break
        for track, past in _pasts(layout, run, left):
            records[track].add(past)
    again = lifting(source)
    found = {track: record.why(again) for track, record in records.items() if record.is_too_bad}
    waves = Graph(tracks).waves(records.keys() - found.keys())
    return Quarantine(found, frozenset(track for wave in waves for track in wave))


def _former(layout: Layout, source: str) -> Iterator[RunRecord]:
    """Yield the runs of a source among the newest of the root, the newest first."""
    found = []
    for paths in run_files.folders(layout):
        with suppress(FileNotFoundError, NotADirectoryError):
            found.append((os.lstat(paths.record).st_mtime_ns, paths))
    for _, paths in sorted(found, key=lambda each: each[0], reverse=True)[:MOST_RUNS]:
        with suppress(Unreadable, FileNotFoundError):
            record = results.read_run(paths)
            if record.source == source:
                yield record


def _pasts(layout: Layout, run: RunRecord, wanted: set[str]) -> Iterator[tuple[str, Past]]:
    paths = layout.run(run.run)
    for track in (each for each in run.tracks if each.track in wanted):
        with suppress(Unreadable):
            outcome = results.read_outcome(paths.outcome(track.agent_id))
            if outcome is not None:
                yield track.track, Past(outcome, track.track in run.lifted)
