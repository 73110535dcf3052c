"""One execution of a plan: what was accepted (``run.json``) and how each track ended.

``run.json`` is written once. ``agent-<n>.outcome.json`` is written once a track, by the orchestrator, when
nothing more will happen to it in this run. Everything in between is derived from what is on disk; see
:mod:`orchestrator.core.facts`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

VERSION: Final = 1

Ended = Literal["merged", "conflict", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Agent:
    """Which agent does the work.

    ``argv`` and ``prompt`` belong to kind ``command``: how the prompt reaches it is ``stdin``, ``file`` (the
    path of a file) or ``argument``. ``scripts`` belongs to kind ``scripted``: the folder of its scripts.
    """

    kind: str
    argv: tuple[str, ...] = ()
    prompt: Literal["stdin", "file", "argument"] = "stdin"
    scripts: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for. Times are seconds; ``threshold`` is a share of the tracks."""

    agents: int = 4
    stagger_seconds: float = 2.0
    timeout_seconds: float = 3600.0
    grace_seconds: float = 10.0
    heartbeat_seconds: float = 30.0
    push: bool = True
    threshold: float = 0.8


DEFAULTS: Final = Options()


@dataclass(frozen=True, slots=True)
class RunTrack:
    """One track of the run, with the agent, branch and worktree (absolute path) that carry it.

    ``line`` is for people: where the track stood in the source when the run was accepted.
    """

    agent_id: str
    track: str
    title: str
    branch: str
    worktree: str
    line: int = 0
    group: str | None = None
    number: str = ""
    depends_on: tuple[str, ...] = ()
    body: str = ""
    acceptance: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    resume: bool = False


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The accepted plan and options. ``source`` is an absolute path.

    ``source_kind`` and ``base`` (the target's commit when the run was accepted) are for people.
    """

    run: str
    orchestration_id: str
    source: str
    source_kind: str
    created_at: str
    target_branch: str
    base: str
    remote: str | None
    agent: Agent
    options: Options
    tracks: tuple[RunTrack, ...]
    v: int = VERSION

    def find(self, agent_id: str) -> RunTrack:
        """Return the track that ``agent_id`` carries."""
        return next(each for each in self.tracks if each.agent_id == agent_id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a track ended in this run, for good.

    ``commit`` is the merge on the target branch; ``files`` are those in conflict; ``error`` is ``TYPE: text``;
    ``kept`` says where work that was not merged stands. Line counts are of the merged change.
    """

    agent_id: str
    track: str
    ended: Ended
    at: str
    attempt: int = 0
    commit: str = ""
    files: tuple[str, ...] = ()
    error: str = ""
    note: str = ""
    kept: str = ""
    lines_added: int = 0
    lines_removed: int = 0
    v: int = VERSION


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of the one push. ``state`` ``none``: there was nothing to push or nowhere to."""

    state: Literal["pushed", "already", "failed", "none"]
    why: str = ""
    command: str = ""


def encode(record: RunRecord | Outcome) -> bytes:
    """Return the bytes of ``run.json`` or of an outcome file."""
    return json.dumps(asdict(record), indent=1).encode("ascii") + b"\n"
