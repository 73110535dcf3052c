"""What a worker is to execute: the job file, ``agent-<n>.job.json``."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Final, Literal

from orchestrator.core.name import check_name
from orchestrator.core.text import visible
from orchestrator.core.typed import build, versioned
from orchestrator.errors import BadName, Unreadable

VERSION: Final = 1

GRACE_SECONDS: Final = 10.0
HEARTBEAT_SECONDS: Final = 30.0
STALE_SECONDS: Final = 300.0
"""What holds where nobody says otherwise; see :class:`Job`."""

MENDING: Final = "-mend"
"""What follows a validator's name in the name of the phase that mends what it found."""

Kind = Literal["setup", "agent", "validator", "commit"]
Cause = Literal["first", "retry", "answered", "limit", "cleanup", "resolve"]
"""Why there is an attempt: the former one failed, was answered, met a usage limit, left something missing, or could not
be merged: it is in conflict with what came before it."""
Toolset = Literal["full", "reduced"]


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of an attempt: a command, never through a shell.

    ``stdin`` is the path of a file that the command reads, None for nothing. ``timeout_seconds`` is the
    phase's own limit. ``env`` is added to the job's.

    A validator judges by its exit ``status`` (0 accepts, others ask for more) or in ``words`` (the last of ACCEPT,
    REVISE and REJECT that stands first in a line of its output). Where it asks for more, the phase ``mend`` is
    carried out and the validator asked again, at most ``rounds`` times in all.
    """

    name: str
    argv: tuple[str, ...]
    timeout_seconds: float
    stdin: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = "agent"
    judges_by: Literal["status", "words"] = "status"
    mend: "Phase | None" = None
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a track, from claim to release. Paths are absolute; times are seconds.

    ``run`` says where to report. ``grace_seconds`` pass between asking a process to end and ending it.
    ``stale_seconds`` without a sign of life make a worker warn, and as many more make it end the phase.
    """

    root: str
    run: str
    agent_id: str
    track: str
    attempt: int
    owner: str
    working_dir: str
    branch_name: str
    phases: tuple[Phase, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    grace_seconds: float = GRACE_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    stale_seconds: float = STALE_SECONDS
    cause: Cause = "first"
    toolset: Toolset = "full"


_KEYS: Final = frozenset({"v", *(each.name for each in fields(Job)), *(each.name for each in fields(Phase))})


def encode(job: Job) -> bytes:
    """Return the job file's bytes."""
    return json.dumps({"v": VERSION, **asdict(job)}, indent=1).encode("ascii") + b"\n"


def decode(data: bytes) -> Job:
    """Read a job file of version 1; raises :class:`Unreadable` with the reason.

    An unknown field is refused too: it may be an instruction that this version would not carry out.
    """
    given = versioned(data, VERSION, "a job file")
    job = build(Job, given)
    _check_names(job)
    _check_times(job)
    _check_texts(job)
    _check_known(given)
    return job


def _all(job: Job) -> list[Phase]:
    """Return the phases with those that mend; a phase that mends is itself not judged."""
    mends = [each.mend for each in job.phases if each.mend is not None]
    if any(each.mend is not None for each in mends):
        raise Unreadable("a phase that mends has one that mends it")
    return [*job.phases, *mends]


def _check_names(job: Job) -> None:
    names = [("run", job.run), ("track", job.track), ("agent", job.agent_id)]
    names += [("phase", each.name) for each in _all(job)]
    try:
        for kind, name in names:
            check_name(kind, name)
    except BadName as error:
        raise Unreadable(error.message) from error


def _check_times(job: Job) -> None:
    positive = (job.heartbeat_seconds, job.stale_seconds, *(each.timeout_seconds for each in _all(job)))
    if job.attempt < 1 or job.grace_seconds < 0 or any(each <= 0 for each in positive):
        raise Unreadable("a time or the attempt is not positive")
    if not job.phases or not all(each.argv and each.argv[0] for each in _all(job)):
        raise Unreadable("a phase without a command")
    if any(each.rounds < 1 for each in job.phases):
        raise Unreadable("a phase without a round")


def _check_texts(job: Job) -> None:
    """Refuse what the kernel takes for no path, argument or variable."""
    maps = (job.env, *(each.env for each in _all(job)))
    names = [name for each in maps for name in each]
    texts = [job.root, job.working_dir, job.branch_name, *names, *(value for each in maps for value in each.values())]
    texts += [text for each in _all(job) for text in (*each.argv, each.stdin or "")]
    if any("\0" in each for each in texts) or any(not name or "=" in name for name in names):
        raise Unreadable("a path, an argument or a variable has a character that it cannot have")
    if not (job.root.startswith("/") and job.working_dir.startswith("/")):
        raise Unreadable("a path is not absolute")


def _check_known(given: Mapping[str, object]) -> None:
    phases = given["phases"]
    objects = [given, *(phases if isinstance(phases, list) else [])]
    objects += [each["mend"] for each in objects[1:] if each.get("mend")]
    strange = sorted({key for each in objects for key in each} - _KEYS)
    if strange:
        raise Unreadable(f"field {visible(strange[0], 40)} is not known")
