"""The way in: the file and the variables, checked, with paths from the root made absolute."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.core.text import visible
from orchestrator.errors import BadSettings, Unreadable
from orchestrator.host import files
from orchestrator.settings.refusal import allowed, refusal
from orchestrator.settings.tables import ScriptedAgent, Settings
from orchestrator.state.layout import SETTINGS, Layout

LARGEST: Final = 256 * 1024
"""A settings file of more bytes is not read."""

VARIABLES: Final[Mapping[str, tuple[str, str, type[str | int | float | bool]]]] = {
    "ORCHD_AGENT_KIND": ("agent", "kind", str),
    "ORCHD_RUN_AGENTS": ("run", "agents", int),
    "ORCHD_RUN_STAGGER": ("run", "stagger", str),
    "ORCHD_RUN_TIMEOUT": ("run", "timeout", str),
    "ORCHD_RUN_GRACE": ("run", "grace", str),
    "ORCHD_RUN_HEARTBEAT": ("run", "heartbeat", str),
    "ORCHD_RUN_THRESHOLD": ("run", "threshold", float),
    "ORCHD_RUN_PUSH": ("run", "push", bool),
    "ORCHD_RUN_ATTEMPTS": ("run", "attempts", int),
    "ORCHD_RUN_TIMEOUT_GROWTH": ("run", "timeout_growth", float),
    "ORCHD_RUN_RETRY_DELAY": ("run", "retry_delay", str),
    "ORCHD_RUN_STALE": ("run", "stale", str),
    "ORCHD_RUN_BATCH_SIZE": ("run", "batch_size", int),
    "ORCHD_RUN_START_ON": ("run", "start_on", str),
    "ORCHD_RUN_MIN_MEMORY_MB": ("run", "min_memory_mb", int),
    "ORCHD_RUN_PARK_ON_LIMIT": ("run", "park_on_limit", bool),
    "ORCHD_RUN_LIMIT_WAIT": ("run", "limit_wait", str),
    "ORCHD_RUN_INPUT_WAIT": ("run", "input_wait", str),
    "ORCHD_RUN_CLEANUP": ("run", "cleanup", bool),
    "ORCHD_RUN_QUARANTINE_AFTER": ("run", "quarantine_after", int),
    "ORCHD_DAEMON_RESCAN": ("daemon", "rescan", str),
    "ORCHD_DAEMON_LOG_MAX_MB": ("daemon", "log_max_mb", int),
}
"""The variables that win over the file: table, key and type of each. Empty ones count as not set."""

_DOOR: Final = TypeAdapter(Settings)


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
        raise refusal(error, text) from error
    around = os.environ if environ is None else environ
    given = {name: around[name] for name in VARIABLES if around.get(name)}
    return _placed(_overridden(document, given) if given else settings, root)


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
    command = replace(command, argv=_from_root(command.argv, root), reduced=_from_root(command.reduced, root))
    return replace(
        settings,
        agent=replace(settings.agent, scripted=scripted, command=command),
        git=replace(
            settings.git,
            check=_from_root(settings.git.check, root),
            setup=[_from_root(argv, root) for argv in settings.git.setup],
        ),
        validators=[replace(each, argv=_from_root(each.argv, root)) for each in settings.validators],
    )


def _from_root(argv: list[str], root: str) -> list[str]:
    """Return a command whose program, where it is a path, is the root's."""
    return [os.path.join(root, argv[0]), *argv[1:]] if argv and os.sep in argv[0] else argv


def _overridden(document: dict[str, object], given: Mapping[str, str]) -> Settings:
    """Return the settings of a file that is good with the variables in ``given`` put over it."""
    merged = {table: dict(keys) if isinstance(keys, dict) else keys for table, keys in document.items()}
    for name, text in given.items():
        table, key, kind = VARIABLES[name]
        keys = merged.setdefault(table, {})
        if isinstance(keys, dict):
            keys[key] = _read_as(kind, text)
    try:
        return _DOOR.validate_python(merged)
    except ValidationError as error:
        told = {_variable(each, given): allowed(each["msg"]) for each in reversed(error.errors(include_url=False))}
        names = [name for name in given if name in told]
        said = "; ".join(f"{name}={visible(given[name], 40)}: {told[name]}" for name in names)
        raise BadSettings(said, hint=f"unset {' '.join(names)}") from error


def _variable(fault: ErrorDetails, given: Mapping[str, str]) -> str:
    """Return the variable in ``given`` that a fault is of."""
    return next(each for each in given if VARIABLES[each][:2] == fault["loc"][:2])


def _read_as(kind: type[str | int | float | bool], text: str) -> object:
    """Return what a variable says as its key wants it; the text itself where it says no such thing."""
    if kind is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
