"""The tables of ``orchestrator.toml``: which keys there are, what each may be, and what holds without it."""

import os
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from orchestrator.core import duration
from orchestrator.core.name import check_name
from orchestrator.core.phase import MENDING
from orchestrator.core.run import DEFAULTS, Gate, GitOptions
from orchestrator.core.text import visible
from orchestrator.errors import BadName, UsageError
from orchestrator.state.layout import OURS

QUARANTINE_AFTER: Final = 3
"""A track that failed in so many runs is left alone until a person says otherwise."""

GIT: Final = GitOptions()

_PHASES: Final = frozenset({"work", "review", "commit", "cleanup"})
_LONGEST_NAME: Final = 60


def _seconds(value: object) -> object:
    """Turn a duration as people write it into seconds; leave the rest to be refused by its type."""
    if not isinstance(value, str):
        return value
    try:
        return duration.parse(value)
    except UsageError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def _name(value: str) -> str:
    try:
        return check_name("this", value)
    except BadName as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def _phase_name(value: str) -> str:
    """Check what becomes the name of a phase, beside those that every attempt has."""
    _name(value)
    if value.casefold() in _PHASES or value.casefold().endswith(MENDING):
        raise ValueError(f"'{visible(value, 60)}' is the name of a phase of orchd's own; choose another")
    if len(value) > _LONGEST_NAME:
        raise ValueError(f"should have at most {_LONGEST_NAME} characters")
    return value


def _relative(value: str) -> str:
    """Check a path or glob that is to stay inside a working tree."""
    if os.path.isabs(value) or ".." in value.split("/"):
        raise ValueError(f"'{visible(value, 80)}' leads out of the working tree; write it from there, without '..'")
    return value


def _folder(value: str) -> str:
    """Check the folder for working trees and write it plainly; what is in its way is for the machine to say."""
    plain = os.path.normpath(value)
    shown = visible(value, 80)
    first = plain.split("/")[0]
    if ".." in value.split("/") or plain == "." or value.startswith("~") or any(ord(each) < 32 for each in value):
        raise ValueError(f"'{shown}' is no folder for working trees; write one below the root, or an absolute path")
    if not plain.strip("/") or first in {*OURS, ".git"}:
        raise ValueError(f"'{shown}' is taken by something else; choose another folder for working trees")
    return f"/{plain.lstrip('/')}" if os.path.isabs(plain) else plain


Text = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]
Word = Annotated[Text, StringConstraints(min_length=1)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Name = Annotated[str, AfterValidator(_name)]
PhaseName = Annotated[str, AfterValidator(_phase_name)]
Inside = Annotated[Word, AfterValidator(_relative)]
Folder = Annotated[Word, StringConstraints(max_length=1000), AfterValidator(_folder)]
Span = Annotated[float, BeforeValidator(_seconds), Field(strict=True, gt=0, le=duration.LONGEST)]
Pause = Annotated[float, BeforeValidator(_seconds), Field(strict=True, ge=0, le=duration.LONGEST)]
Switch = Annotated[bool, Field(strict=True)]
Author = Annotated[str, StringConstraints(pattern=r"^([^<>\x00-\x1f]+ <[^<> \x00-\x1f]+>)?$", max_length=300)]
Trailer = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", max_length=100)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=1000)]
Some = Annotated[int, Field(strict=True, ge=1, le=1000)]
Amount = Annotated[int, Field(strict=True, ge=0, le=10**9)]

_UNIT: Final = "_seconds"


def key(name: str) -> str:
    """Return what a field is called in the file: there, durations say their unit themselves."""
    return name.removesuffix(_UNIT)


CLOSED: Final = ConfigDict(extra="forbid", alias_generator=key)
"""Of every table: no unknown keys."""


@dataclass(frozen=True, slots=True)
class CommandAgent:
    """``[agent.command]``: any program, how the prompt reaches it, and the same with fewer tools."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    argv: list[Word] = field(default_factory=list)
    prompt: Literal["stdin", "file", "argument"] = "stdin"
    reduced: list[Word] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScriptedAgent:
    """``[agent.scripted]``: the folder of the scripts, from the root."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    scripts: Word = "agents"


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """``[agent]``: who does the work. ``env`` is added to the agent's environment."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    kind: Literal["command", "scripted"] | None = None
    command: CommandAgent = field(default_factory=CommandAgent)
    scripted: ScriptedAgent = field(default_factory=ScriptedAgent)
    env: dict[Variable, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``[run]``: what ``orchd run`` does unless told otherwise. ``quarantine_after`` 0: never."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    agents: Some = DEFAULTS.agents
    profile: Name | Literal[""] = DEFAULTS.profile
    stagger_seconds: Pause = DEFAULTS.stagger_seconds
    timeout_seconds: Span = DEFAULTS.timeout_seconds
    grace_seconds: Pause = DEFAULTS.grace_seconds
    heartbeat_seconds: Span = DEFAULTS.heartbeat_seconds
    threshold: Annotated[float, Field(strict=True, ge=0, le=1)] = DEFAULTS.threshold
    push: Switch = DEFAULTS.push
    attempts: Annotated[int, Field(strict=True, ge=1, le=100)] = DEFAULTS.attempts
    timeout_growth: Annotated[float, Field(strict=True, ge=1, le=10)] = DEFAULTS.timeout_growth
    retry_delay_seconds: Pause = DEFAULTS.retry_delay_seconds
    stale_seconds: Span = DEFAULTS.stale_seconds
    batch_size: Amount = DEFAULTS.batch_size
    start_on: Literal["merged", "committed"] = DEFAULTS.start_on
    min_memory_mb: Amount = DEFAULTS.min_memory_mb
    park_on_limit: Switch = DEFAULTS.park_on_limit
    limit_wait_seconds: Span = DEFAULTS.limit_wait_seconds
    input_wait_seconds: Pause = DEFAULTS.input_wait_seconds
    cleanup: Switch = DEFAULTS.cleanup
    quarantine_after: Amount = QUARANTINE_AFTER
    gates: list[Gate] = field(default_factory=list)
    kind_limits: dict[Name, Some] = field(default_factory=dict)
    profile_limits: dict[Name, Some] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """``[budget.track]`` and the like: what may be spent; what is not said is not bounded."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    usd: Annotated[float, Field(strict=True, gt=0, le=10**9)] | None = None
    tokens: Annotated[int, Field(strict=True, ge=1, le=10**15)] | None = None
    time_seconds: Span | None = None


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """``[budget]``: of a track, of the run, of all runs of a day (UTC)."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    track: LimitSettings = field(default_factory=LimitSettings)
    run: LimitSettings = field(default_factory=LimitSettings)
    day: LimitSettings = field(default_factory=LimitSettings)


@dataclass(frozen=True, slots=True)
class ValidatorSettings:
    """``[[validators]]``: one who judges the work. See :class:`orchestrator.core.run.Validator`."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    name: PhaseName
    kind: Literal["command", "artifacts", "diff", "agent"]
    after: Literal["work", "review", "commit", "run"] = "review"
    tracks: list[Word] = field(default_factory=list)
    argv: list[Word] = field(default_factory=list)
    paths: list[Inside] = field(default_factory=list)
    timeout_seconds: Span = 600.0
    rounds: Annotated[int, Field(strict=True, ge=1, le=20)] = 3

    def __post_init__(self) -> None:
        """Refuse what does not go together; the text says what is missing."""
        whole = self.after == "run"
        for is_wrong, what in (
            (self.kind == "command" and not self.argv, 'kind "command" needs argv'),
            (self.kind == "artifacts" and not self.paths, 'kind "artifacts" needs paths'),
            (self.kind in {"artifacts", "diff"} and self.argv, f'kind "{self.kind}" takes no argv'),
            (self.kind in {"command", "agent"} and self.paths, f'kind "{self.kind}" takes no paths'),
            (whole and self.kind == "diff" and not self.paths, 'kind "diff" after "run" needs paths'),
            (whole and self.kind == "agent", 'kind "agent" compares one track; after "run" use kind "command"'),
            (whole and self.tracks, 'after "run" is about all tracks: it takes no tracks'),
        ):
            if is_wrong:
                raise ValueError(what)


def _told_apart(judges: list[ValidatorSettings]) -> list[ValidatorSettings]:
    names = [each.name.casefold() for each in judges]
    twice = next((each.name for number, each in enumerate(judges) if names[number] in names[:number]), None)
    if twice is not None:
        raise ValueError(f"two are called '{visible(twice, 60)}'; each needs a name of its own")
    return judges


@dataclass(frozen=True, slots=True)
class GitSettings:
    """``[git]``: how a run uses git. See :class:`orchestrator.core.run.GitOptions`."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    isolation: Literal["worktree", "shared", "none"] = GIT.isolation
    worktrees: Folder = GIT.worktrees
    setup: list[Annotated[list[Word], Field(min_length=1)]] = field(default_factory=list)
    setup_timeout_seconds: Span = GIT.setup_timeout_seconds
    teardown: list[Annotated[list[Word], Field(min_length=1)]] = field(default_factory=list)
    teardown_timeout_seconds: Span = GIT.teardown_timeout_seconds
    keep_ignored: Switch = GIT.keep_ignored
    strategy: Literal["merge", "rebase", "squash"] = GIT.strategy
    check: list[Word] = field(default_factory=list)
    check_timeout_seconds: Span = GIT.check_timeout_seconds
    resolve: Switch = GIT.resolve
    author: Author = GIT.author
    trailers: dict[Trailer, Line] = field(default_factory=dict)
    sign: Switch | None = GIT.sign
    hooks: Switch = GIT.hooks
    push_timeout_seconds: Span = GIT.push_timeout_seconds


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """``[daemon]``: how often all is looked at again; how large (MB) its log grows before a new one begins."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    rescan_seconds: Annotated[float, BeforeValidator(_seconds), Field(strict=True, ge=0.1, le=3600)] = 5.0
    log_max_mb: Annotated[int, Field(strict=True, ge=1, le=1024)] = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a root is set to."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    agent: AgentSettings = field(default_factory=AgentSettings)
    run: RunSettings = field(default_factory=RunSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    validators: Annotated[list[ValidatorSettings], AfterValidator(_told_apart)] = field(default_factory=list)
    git: GitSettings = field(default_factory=GitSettings)
    daemon: DaemonSettings = field(default_factory=DaemonSettings)
