"""What a root is set to: ``orchestrator.toml`` and ``ORCHD_…`` variables, read once at the door.

Every key is optional. What is unknown, of another type or out of range is refused with the key, its
line and what is allowed there. Only the entry points read settings; everybody else is told.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from orchestrator.core import duration
from orchestrator.core.listing import besides
from orchestrator.core.run import DEFAULTS, Agent, Options
from orchestrator.core.text import visible
from orchestrator.errors import AgentUnavailable, BadSettings, Unreadable, UsageError
from orchestrator.host import files
from orchestrator.state.layout import SETTINGS, Layout

LARGEST: Final = 256 * 1024
"""A settings file of more bytes is not read."""


def _seconds(value: object) -> object:
    """Turn a duration as people write it into seconds; leave the rest to be refused by its type."""
    if not isinstance(value, str):
        return value
    try:
        return duration.parse(value)
    except UsageError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


Text = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]
Word = Annotated[Text, StringConstraints(min_length=1)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Span = Annotated[float, BeforeValidator(_seconds), Field(strict=True, gt=0, le=duration.LONGEST)]
Pause = Annotated[float, BeforeValidator(_seconds), Field(strict=True, ge=0, le=duration.LONGEST)]

_UNIT: Final = "_seconds"


def _key(name: str) -> str:
    """Return what a field is called in the file: there, durations say their unit themselves."""
    return name.removesuffix(_UNIT)


_CLOSED: Final = ConfigDict(extra="forbid", alias_generator=_key)


@dataclass(frozen=True, slots=True)
class CommandAgent:
    """``[agent.command]``: any program, and how the prompt reaches it."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    argv: list[Word] = field(default_factory=list)
    prompt: Literal["stdin", "file", "argument"] = "stdin"


@dataclass(frozen=True, slots=True)
class ScriptedAgent:
    """``[agent.scripted]``: the folder of the scripts, from the root."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    scripts: Word = "agents"


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """``[agent]``: who does the work. ``env`` is added to the agent's environment."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    kind: Literal["command", "scripted"] | None = None
    command: CommandAgent = field(default_factory=CommandAgent)
    scripted: ScriptedAgent = field(default_factory=ScriptedAgent)
    env: dict[Variable, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``[run]``: what ``orchd run`` does unless told otherwise."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    agents: Annotated[int, Field(strict=True, ge=1, le=1000)] = DEFAULTS.agents
    stagger_seconds: Pause = DEFAULTS.stagger_seconds
    timeout_seconds: Span = DEFAULTS.timeout_seconds
    grace_seconds: Pause = DEFAULTS.grace_seconds
    heartbeat_seconds: Span = DEFAULTS.heartbeat_seconds
    threshold: Annotated[float, Field(strict=True, ge=0, le=1)] = DEFAULTS.threshold
    push: Annotated[bool, Field(strict=True)] = DEFAULTS.push


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """``[daemon]``: how often all is looked at again; how large (MB) its log grows before a new one begins."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    rescan_seconds: Annotated[float, BeforeValidator(_seconds), Field(strict=True, ge=0.1, le=3600)] = 5.0
    log_max_mb: Annotated[int, Field(strict=True, ge=1, le=1024)] = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a root is set to."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    agent: AgentSettings = field(default_factory=AgentSettings)
    run: RunSettings = field(default_factory=RunSettings)
    daemon: DaemonSettings = field(default_factory=DaemonSettings)


VARIABLES: Final[Mapping[str, tuple[str, str, type[str | int | float | bool]]]] = {
    "ORCHD_AGENT_KIND": ("agent", "kind", str),
    "ORCHD_RUN_AGENTS": ("run", "agents", int),
    "ORCHD_RUN_STAGGER": ("run", "stagger", str),
    "ORCHD_RUN_TIMEOUT": ("run", "timeout", str),
    "ORCHD_RUN_GRACE": ("run", "grace", str),
    "ORCHD_RUN_HEARTBEAT": ("run", "heartbeat", str),
    "ORCHD_RUN_THRESHOLD": ("run", "threshold", float),
    "ORCHD_RUN_PUSH": ("run", "push", bool),
    "ORCHD_DAEMON_RESCAN": ("daemon", "rescan", str),
    "ORCHD_DAEMON_LOG_MAX_MB": ("daemon", "log_max_mb", int),
}
"""The variables that win over the file: table, key and type of each. Empty ones count as not set."""


def load(root: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of ``root``. ``environ`` None: ours. Raises :class:`BadSettings`."""
    text = _text(Layout(root).settings)
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadSettings(
            f"{SETTINGS} is not TOML: {visible(str(error), 120)}", hint="see https://toml.io for the form"
        ) from error
    try:
        settings = _DOOR.validate_python(document)
    except ValidationError as error:
        raise _refusal(error, text) from error
    around = os.environ if environ is None else environ
    given = {name: around[name] for name in VARIABLES if around.get(name)}
    return _placed(_overridden(document, given) if given else settings, root)


_DOOR: Final = TypeAdapter(Settings)


def _text(path: str) -> str:
    try:
        return files.read(path, LARGEST).data.decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except (Unreadable, UnicodeDecodeError) as error:
        reason = error.message if isinstance(error, Unreadable) else "not UTF-8"
        raise BadSettings(
            f"{SETTINGS} cannot be read: {reason}", hint="`orchd init` writes one when there is none"
        ) from error


def _placed(settings: Settings, root: str) -> Settings:
    """Return the settings with paths from the root made absolute: agents work in folders of their own."""
    scripted = ScriptedAgent(os.path.join(root, settings.agent.scripted.scripts))
    command = settings.agent.command
    if command.argv and os.sep in command.argv[0]:
        program = os.path.join(root, command.argv[0])
        command = replace(command, argv=[program, *command.argv[1:]])
    return replace(settings, agent=replace(settings.agent, scripted=scripted, command=command))


def _overridden(document: dict[str, dict[str, object]], given: Mapping[str, str]) -> Settings:
    """Return the settings of a file that is good with the variables in ``given`` put over it."""
    merged = {table: dict(keys) for table, keys in document.items()}
    for name, text in given.items():
        table, key, kind = VARIABLES[name]
        merged.setdefault(table, {})[key] = _read_as(kind, text)
    try:
        return _DOOR.validate_python(merged)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = next(each for each in given if VARIABLES[each][:2] == first["loc"][:2])
        raise BadSettings(
            f"{name}={visible(given[name], 40)}: {_allowed(first['msg'])}", hint=f"unset {name}"
        ) from error


def _read_as(kind: type[str | int | float | bool], text: str) -> object:
    """Return what a variable says as its key wants it; the text itself where it says no such thing."""
    if kind is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text


def _refusal(error: ValidationError, text: str) -> BadSettings:
    """Return the first thing wrong with the file as one line."""
    first = error.errors(include_url=False)[0]
    keys = [str(each) for each in first["loc"]]
    line = _line_of(text, keys)
    where = f"{SETTINGS}:{line}" if line else SETTINGS
    what = _allowed(first["msg"])
    if first["type"] == "unexpected_keyword_argument":
        what = f"no such key; known: {', '.join(_keys_at(keys[:-1]))}"
    elif first["type"] == "dataclass_type":
        what = "should be a table"
    elif first["type"] == "string_pattern_mismatch":
        what = "has a character that cannot be there"
    others = besides(error.error_count())
    return BadSettings(
        f"{where}: {visible('.'.join(keys), 80)}: {what}{others}",
        hint="`orchd init` in an empty folder shows every key",
    )


def _keys_at(path: list[str]) -> list[str]:
    """Return the keys that the table at ``path`` may have."""
    table: object = Settings()
    for each in path:
        table = getattr(table, each)
    return [_key(each.name) for each in fields(table)] if is_dataclass(table) else []


def _allowed(message: str) -> str:
    """Return what pydantic says is allowed, as the end of a line."""
    said = visible(message, 160).removeprefix("Value error, ").removeprefix("Input ")
    said = said.replace("a valid integer", "a whole number").replace("a valid boolean", "true or false")
    return said[:1].lower() + said[1:]


def _line_of(text: str, keys: list[str]) -> int:
    """Return the line (from 1) that says the key, or the table around it; 0 where none does."""
    table, best, depth = "", 0, 0
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if said.startswith("["):
            table = said.strip("[] ")
            path = table
        else:
            key = said.partition("=")[0].strip().strip("\"'")
            path = f"{table}.{key}" if table else key
        parts = path.split(".")
        if path and parts == keys[: len(parts)] and len(parts) > depth:
            best, depth = number, len(parts)
    return best


def options(settings: Settings) -> Options:
    """Return what a run does unless told otherwise."""
    return Options(**asdict(settings.run))


def agent(settings: Settings, kind: str | None = None) -> Agent:
    """Return who does the work; ``kind`` wins over the settings. Raises :class:`AgentUnavailable` for nobody."""
    chosen = kind or settings.agent.kind
    command = settings.agent.command
    if chosen is None:
        raise AgentUnavailable("no agent is configured", hint=f'write in {SETTINGS}: [agent] kind = "command"')
    if chosen == "command" and not command.argv:
        raise AgentUnavailable(
            "agent kind command has no command", hint=f'write in {SETTINGS}: [agent.command] argv = ["my-agent"]'
        )
    return Agent(
        kind=chosen,
        argv=tuple(command.argv) if chosen == "command" else (),
        prompt=command.prompt,
        scripts=settings.agent.scripted.scripts if chosen == "scripted" else "",
        env=dict(settings.agent.env),
    )
