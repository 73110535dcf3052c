"""What a run leaves on disk beside the status files: run, job, result and outcome.

Standard library only. A reader returns None where there is no file and raises :class:`Unreadable`, with the field,
where it is not what it should be. Everything is published whole and survives a power cut.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from orchestrator.core import phase, result, run
from orchestrator.core.name import is_name
from orchestrator.core.phase import Job
from orchestrator.core.result import Result
from orchestrator.core.run import Outcome, RunRecord
from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.core.typed import build, versioned
from orchestrator.errors import Unreadable
from orchestrator.host import files
from orchestrator.state.checkpoint import relocated, root_of
from orchestrator.state.layout import RunLayout
from orchestrator.state.once import publish_once
from orchestrator.state.status import prepare, temp

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the largest file of ours that is read: a run with thousands of tracks and their texts fits."""

_OUTCOME: Final = ".outcome.json"

T = TypeVar("T", Job, Result, Outcome)


def read_run(paths: RunLayout) -> RunRecord:
    """Read the run's ``run.json``; raises :class:`Unreadable` with the reason, and ``FileNotFoundError``.

    Where the root was moved since the run was accepted, the paths below it are those of today.
    """
    record = build(RunRecord, versioned(files.read(paths.record, LARGEST).data, run.VERSION, "a run file"))
    for name in (record.run, *(each for track in record.tracks for each in (track.agent_id, track.track))):
        if not is_name(name):
            raise Unreadable(f"'{visible(name, 60)}' is not allowed as a name")
    if record.run != os.path.basename(paths.folder):
        raise Unreadable(f"it is about run {record.run}")
    return relocated(record, root_of(paths))


def write_run(paths: RunLayout, record: RunRecord) -> bool:
    """Accept a run: write ``run.json`` unless there is one already; tell whether it was written."""
    prepare(paths)
    return publish_once(paths.record, run.encode(record), temp(paths))


def has_ended(paths: RunLayout) -> bool:
    """Tell whether a run is over: it has its report, and an outcome of each track that this or the record is about.

    An agent may have put a file of that name there: the folder of its status is not its own.
    """
    try:
        said = parse_object(files.read(paths.metrics, LARGEST).data)
    except FileNotFoundError:
        return False
    except Unreadable as error:
        return isinstance(error.__cause__, OSError)  # it is there, and what it says is not known now
    tracks = said.get("total_sub_tasks")
    if said.get("run") != os.path.basename(paths.folder) or not isinstance(tracks, int):
        return False
    return sum(name.endswith(_OUTCOME) for name in os.listdir(paths.folder)) >= max(tracks, _accepted(paths))


def _accepted(paths: RunLayout) -> int:
    """Return how many tracks were accepted; 0 where that cannot be read any more."""
    with suppress(FileNotFoundError, Unreadable):
        return len(read_run(paths).tracks)
    return 0


def read_outcome(path: str) -> Outcome | None:
    """Read how a track ended for good."""
    return _read(path, _OUTCOME, _outcome)


def write_outcome(paths: RunLayout, outcome: Outcome) -> bool:
    """Say how a track ended, unless that has been said; tell whether it was written."""
    prepare(paths)
    return publish_once(paths.outcome(outcome.agent_id), run.encode(outcome), temp(paths))


def read_result(path: str) -> Result | None:
    """Read how each attempt and phase ended."""
    return _read(path, ".result.json", result.decode)


def read_job(path: str) -> Job | None:
    """Read what a worker is to execute."""
    return _read(path, ".job.json", phase.decode)


def write_job(paths: RunLayout, job: Job) -> None:
    """Write what a worker is to execute, over the job of the attempt before."""
    prepare(paths)
    files.publish(paths.job(job.agent_id), phase.encode(job), temp(paths), durable=True)


def _read(path: str, ending: str, decode: Callable[[bytes], T]) -> T | None:
    try:
        found = decode(files.read(path, LARGEST).data)
    except FileNotFoundError:
        return None
    agent_id = os.path.basename(path).removesuffix(ending)
    for kind, name in (("agent_id", found.agent_id), ("track", found.track)):
        if not is_name(name):
            raise Unreadable(f"field {kind} is '{visible(name, 60)}', which is not allowed as a name")
    if found.agent_id != agent_id:
        raise Unreadable(f"it is about {found.agent_id}, but the file is {visible(agent_id, 60)}'s")
    return found


def _outcome(data: bytes) -> Outcome:
    return build(Outcome, versioned(data, run.VERSION, "an outcome file"))
