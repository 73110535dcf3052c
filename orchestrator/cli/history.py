"""What the former runs of a source say of its tracks: how often each failed, how it ended last, what was said since."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.cli import run_files
from orchestrator.core.quarantine import Past, Record
from orchestrator.core.run import Outcome, RunRecord, RunTrack
from orchestrator.core.track import Track
from orchestrator.errors import Unreadable
from orchestrator.state import answers, results
from orchestrator.state.answers import Answer
from orchestrator.state.layout import Layout

MOST_RUNS: Final = 200
"""So many of the newest runs of a root are looked at."""


@dataclass(frozen=True, slots=True)
class Last:
    """The newest run that worked on a track, and how that ended. ``answer`` is what a person said after that."""

    record: RunRecord
    spec: RunTrack
    outcome: Outcome
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class History:
    """By track: the row of its failures, and its newest end; a track that no run worked on has none."""

    records: dict[str, Record]
    last: dict[str, Last]

    def add(self, each: Last) -> None:
        """Take in how a track ended one run earlier."""
        track = each.spec.track
        past = Past(each.outcome, lifted=track in each.record.lifted, answered=each.answer is not None)
        self.records[track].add(past)
        if each.outcome.attempt > 0:
            self.last.setdefault(track, each)

    def open(self) -> set[str]:
        """Return the tracks of which an earlier run may say something new."""
        return {track for track, record in self.records.items() if not record.settled or track not in self.last}


def read(layout: Layout, source: str, tracks: Sequence[Track], after: int) -> History:
    """Read the past of ``tracks`` in the runs of ``source`` (a path), the newest first.

    ``after`` failures in a row are too many, 0: never.
    """
    history = History({each.track: Record(after) for each in tracks}, {})
    for run in _former(layout, source):
        wanted = history.open()
        if not wanted:
            break
        for each in _ends(layout, run, wanted):
            history.add(each)
    return history


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


def _ends(layout: Layout, run: RunRecord, wanted: set[str]) -> Iterator[Last]:
    paths = layout.run(run.run)
    for spec in (each for each in run.tracks if each.track in wanted):
        with suppress(Unreadable):
            outcome = results.read_outcome(paths.outcome(spec.agent_id))
            if outcome is not None:
                yield Last(run, spec, outcome, _said_since(paths.answer(spec.agent_id), outcome))


def _said_since(path: str, outcome: Outcome) -> Answer | None:
    """Return the answer that a person gave when the track had ended already; nobody was there any more to hear it."""
    with suppress(Unreadable):
        answer = answers.read(path)
        if answer is not None and answer.at > outcome.at and outcome.ended != "merged":
            return answer
    return None
