"""One execution of a plan: what was accepted (``run.json``) and how each track ended.

``run.json`` is written once. ``agent-<n>.outcome.json`` is written once a track, by the orchestrator, when
nothing more will happen to it in this run. Everything in between is derived from what is on disk; see
:mod:`orchestrator.core.facts`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from orchestrator.core.phase import GRACE_SECONDS, HEARTBEAT_SECONDS, STALE_SECONDS

VERSION: Final = 1

Ended = Literal["merged", "conflict", "failed", "cancelled", "quarantined"]
Gate = Literal["start", "push"]
"""Where a run waits for a person's word."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Which agent does the work.

    ``argv``, ``prompt`` and ``reduced`` belong to kind ``command``: how the prompt reaches it is ``stdin``, ``file``
    (the path of a file) or ``argument``; ``reduced`` is the command with fewer tools, for an agent that failed twice
    in the same way (empty: the same). ``scripts`` belongs to kind ``scripted``: the folder of its scripts.
    """

    kind: str
    argv: tuple[str, ...] = ()
    prompt: Literal["stdin", "file", "argument"] = "stdin"
    reduced: tuple[str, ...] = ()
    scripts: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be spent; None: no limit. ``seconds`` are wall-clock time."""

    usd: float | None = None
    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a track, the run, and all runs of a day (UTC) may spend."""

    track: Limit = Limit()
    run: Limit = Limit()
    day: Limit = Limit()


@dataclass(frozen=True, slots=True)
class GitOptions:
    """How a run uses git. Commands are argv lists, never read by a shell; times are seconds.

    ``setup`` is run in a new working tree before the first phase, one after the other. ``keep_ignored``: files
    that git ignores are backed up, too. ``check`` has to pass after each merge, else that one is taken out again.
    ``resolve``: a conflict is first given to the agent. ``author`` (``Name <mail>``) and ``trailers`` are of the
    commits made for tracks; ``sign`` None: as the user's git is set; without ``hooks`` the user's are not run.
    ``isolation`` says where agents work: ``worktree`` in one of their own each, ``shared`` in the user's checkout,
    ``none`` in a root that is no repository. ``worktrees`` is the folder in which working trees are made: from the
    root, or an absolute path. ``teardown`` is run in each before it goes. A push that takes longer than
    ``push_timeout_seconds`` is ended.
    """

    setup: tuple[tuple[str, ...], ...] = ()
    setup_timeout_seconds: float = 600.0
    keep_ignored: bool = False
    strategy: Literal["merge", "rebase", "squash"] = "merge"
    check: tuple[str, ...] = ()
    check_timeout_seconds: float = 1800.0
    resolve: bool = False
    author: str = ""
    trailers: Mapping[str, str] = field(default_factory=dict)
    sign: bool | None = None
    hooks: bool = True
    isolation: Literal["worktree", "shared", "none"] = "worktree"
    worktrees: str = "worktrees"
    teardown: tuple[tuple[str, ...], ...] = ()
    teardown_timeout_seconds: float = 300.0
    push_timeout_seconds: float = 1800.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for. Times are seconds; ``threshold`` is a share of the tracks.

    ``profile`` is who the agents are (empty: nobody in particular); they find it in their environment, and
    ``profile_limits`` counts by it. ``timeout_seconds`` is the limit of an agent's phase in the first attempt; each
    of the ``attempts`` gets ``timeout_growth`` times the one before. ``batch_size``: so many tracks are taken on
    before the next ones may start, 0 for no such bound. ``start_on`` says what a track needs of those it depends on.
    No agent is started while the machine has less than ``min_memory_mb`` left. ``kind_limits`` and ``profile_limits``
    bound how many run at once of one kind of agent, of one profile. ``input_wait_seconds`` is how long a run with
    nothing else to do waits for answers. ``limit_wait_seconds`` is how long a usage limit is taken to last that does
    not say so.
    """

    agents: int = 4
    profile: str = ""
    stagger_seconds: float = 2.0
    timeout_seconds: float = 3600.0
    grace_seconds: float = GRACE_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    push: bool = True
    threshold: float = 0.8
    attempts: int = 3
    timeout_growth: float = 1.5
    retry_delay_seconds: float = 5.0
    stale_seconds: float = STALE_SECONDS
    batch_size: int = 0
    start_on: Literal["merged", "committed"] = "merged"
    min_memory_mb: int = 200
    kind_limits: Mapping[str, int] = field(default_factory=dict)
    profile_limits: Mapping[str, int] = field(default_factory=dict)
    park_on_limit: bool = True
    limit_wait_seconds: float = 900.0
    input_wait_seconds: float = 3600.0
    cleanup: bool = True
    budget: Budget = Budget()
    gates: tuple[Gate, ...] = ()
    git: GitOptions = field(default_factory=GitOptions)


DEFAULTS: Final = Options()


@dataclass(frozen=True, slots=True)
class RunTrack:
    """One track of the run, with the agent, branch and worktree (absolute path) that carry it.

    ``line`` is for people: where the track stood in the source when the run was accepted. ``estimate`` is in
    minutes. ``quarantined`` says why the track is not to be worked on until a person says otherwise. ``before`` has
    what is known of it from former runs, a line each: a retry goes on from there.
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
    estimate: int | None = None
    profile: str = ""
    quarantined: str = ""
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Validator:
    """Who judges work, and when: ``after`` a phase of each track in ``tracks`` (globs of names; none: all), or the run.

    Kind ``command`` judges by the exit status of ``argv``. ``artifacts``: the files in ``paths`` (globs) exist, are not
    empty and are newer than the attempt. ``diff``: every change is inside ``paths``, or the track's own where there
    are none. ``agent``: an agent compares and says ACCEPT, REVISE or REJECT; the run's own where ``argv`` is empty.
    """

    name: str
    kind: Literal["command", "artifacts", "diff", "agent"]
    after: Literal["work", "review", "commit", "run"] = "review"
    tracks: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    timeout_seconds: float = 600.0
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The accepted plan and options. ``source`` is an absolute path, and so is ``root``, where it was accepted.

    ``source_kind`` and ``base`` (the target's commit when the run was accepted) are for people. ``lifted`` are the
    tracks that a person wants tried again, whatever became of them before. ``told`` names the options that the command
    line said: those that no setting changes when the run is retried.
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
    validators: tuple[Validator, ...] = ()
    root: str = ""
    lifted: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    v: int = VERSION

    def find(self, agent_id: str) -> RunTrack:
        """Return the track that ``agent_id`` carries."""
        return next(each for each in self.tracks if each.agent_id == agent_id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a track ended in this run, for good.

    ``commit`` is the merge on the target branch; ``files`` are those in conflict; ``error`` is ``TYPE: text``;
    ``kept`` says where work that was not merged stands, and ``kept_on`` is the branch, or the commit where there is
    none, that holds what was committed. Line counts are of the merged change, without the mark in the source.
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
    kept_on: str = ""
    lines_added: int = 0
    lines_removed: int = 0
    v: int = VERSION


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of the one push. ``state`` ``none``: there was nothing to push or nowhere to.

    ``output`` is the end of what whoever was against it printed: the remote, a hook, the check.
    """

    state: Literal["pushed", "already", "failed", "none"]
    why: str = ""
    command: str = ""
    output: tuple[str, ...] = ()


def encode(record: RunRecord | Outcome) -> bytes:
    """Return the bytes of ``run.json`` or of an outcome file."""
    return json.dumps(asdict(record), indent=1).encode("ascii") + b"\n"
