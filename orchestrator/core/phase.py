"""What a worker is to execute: the job file, ``agent-<n>.job.json``."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from orchestrator.core.name import check_name
from orchestrator.core.strictjson import parse_object
from orchestrator.errors import OrchdError, Unreadable

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of an attempt: a command, never through a shell.

    ``stdin`` is the path of a file that the command reads, None for nothing. ``timeout_seconds`` is the
    phase's own limit. ``env`` is added to the job's.
    """

    name: str
    argv: tuple[str, ...]
    timeout_seconds: float
    stdin: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a track, from claim to release. Paths are absolute; times are seconds.

    ``status`` is None for a bare ``orchd claim TRACK -- CMD`` outside a run, which reports to nobody.
    """

    root: str
    run: str | None
    agent_id: str
    track: str
    attempt: int
    owner: str
    working_dir: str
    branch_name: str
    phases: tuple[Phase, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    grace_seconds: float = 10.0
    heartbeat_seconds: float = 30.0


def encode(job: Job) -> bytes:
    """Return the job file's bytes."""
    return json.dumps({"v": VERSION, **asdict(job)}, indent=1).encode("ascii") + b"\n"


def decode(data: bytes) -> Job:
    """Read a job file of version 1; raises :class:`Unreadable` with the reason."""
    fields = parse_object(data)
    if fields.pop("v", None) != VERSION:
        raise Unreadable("not a job file of version 1")
    phases = fields.pop("phases", None)
    if not isinstance(phases, list) or not all(isinstance(each, dict) for each in phases):
        raise Unreadable("field phases is not a list of objects")
    try:
        job = Job(phases=tuple(Phase(**{**each, "argv": tuple(each["argv"])}) for each in phases), **fields)  # type: ignore[arg-type]  # checked below
        check_name("track", job.track)
        check_name("agent", job.agent_id)
        if job.run is not None:
            check_name("run", job.run)
    except (TypeError, KeyError, AttributeError) as error:
        raise Unreadable(f"not a job file: {error}") from error
    except OrchdError as error:
        raise Unreadable(error.message) from error
    _check(job)
    return job


def _check(job: Job) -> None:
    texts = (job.root, job.owner, job.working_dir, job.branch_name, *(each for phase in job.phases for each in phase.argv))
    numbers = (job.attempt, job.grace_seconds, job.heartbeat_seconds, *(phase.timeout_seconds for phase in job.phases))
    maps = (job.env, *(phase.env for phase in job.phases))
    if not all(isinstance(each, str) for each in texts):
        raise Unreadable("a path or an argument is not a text")
    if not all(isinstance(each, int | float) and each >= 0 for each in numbers):
        raise Unreadable("a time or the attempt is not a number")
    if not all(isinstance(each, Mapping) and all(isinstance(value, str) for value in each.values()) for each in maps):
        raise Unreadable("an environment is not a set of texts")
    if not job.phases or not all(phase.argv for phase in job.phases):
        raise Unreadable("a phase without a command")
