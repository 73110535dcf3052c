"""What is said of a file that a person wrote and that cannot be: the key, its line, and what is allowed there."""

from dataclasses import dataclass, fields, is_dataclass
from types import UnionType
from typing import Final, get_args, get_type_hints

from pydantic import ValidationError

from orchestrator.core.listing import besides
from orchestrator.core.text import visible
from orchestrator.errors import BadSettings
from orchestrator.settings.tables import Settings, key
from orchestrator.state.layout import SETTINGS

_SAID_OTHERWISE: Final = {
    "dataclass_type": "should be a table",
    "string_pattern_mismatch": "has a character that cannot be there",
    "missing": "is not there, and has to be",
}
_PLAINLY: Final = {
    "a valid integer": "a whole number",
    "a valid boolean": "true or false",
    "a valid tuple": "a valid list",
}


@dataclass(frozen=True, slots=True)
class Form:
    """What was read: the dataclass of its tables, what the file is called, and the next step for a person."""

    kind: type
    shown: str
    hint: str


SETTINGS_FORM: Final = Form(Settings, SETTINGS, "`orchd init` in an empty folder shows every key")


def refusal(error: ValidationError, text: str, form: Form = SETTINGS_FORM) -> BadSettings:
    """Return the first thing wrong with the file ``text`` as one line."""
    first = error.errors(include_url=False)[0]
    keys = [str(each) for each in first["loc"]]
    line = _line_of(text, keys)
    where = f"{form.shown}:{line}" if line else form.shown
    which = f"{visible('.'.join(keys), 80)}: " if keys else ""
    what = _SAID_OTHERWISE.get(first["type"], allowed(first["msg"]))
    if first["type"] == "unexpected_keyword_argument":
        what = f"no such key; known: {', '.join(_keys_at(form.kind, keys[:-1]))}"
    return BadSettings(f"{where}: {which}{what}{besides(error.error_count())}", hint=form.hint)


def allowed(message: str) -> str:
    """Return what pydantic says is allowed, as the end of a line."""
    said = visible(message, 240).removeprefix("Value error, ").removeprefix("Input ")
    for theirs, ours in _PLAINLY.items():
        said = said.replace(theirs, ours)
    return said[:1].lower() + said[1:]


def _keys_at(top: type, path: list[str]) -> list[str]:
    """Return the keys that the table at ``path`` may have."""
    kind: object = top
    for each in path:
        if isinstance(kind, type) and is_dataclass(kind):
            named = {key(one.name): one.name for one in fields(kind)}
            kind = _table(get_type_hints(kind)[named[each]])
        else:
            kind = get_args(kind)[-1]  # what a list or a table of any keys holds
    return [key(one.name) for one in fields(kind)] if isinstance(kind, type) and is_dataclass(kind) else []


def _table(hint: object) -> object:
    """Return the table that a key holds, where it need not be there."""
    return get_args(hint)[0] if isinstance(hint, UnionType) else hint


def _line_of(text: str, keys: list[str]) -> int:
    """Return the line (from 1) that says the key, or the table around it; 0 where none does."""
    table: list[str] = []
    counts: dict[str, int] = {}
    best = depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if said.startswith("[["):
            name = said.strip("[] ")
            counts[name] = counts.get(name, -1) + 1
            path = table = [*name.split("."), str(counts[name])]
        elif said.startswith("["):
            path = table = said.strip("[] ").split(".")
        else:
            name = said.partition("=")[0].strip().strip("\"'")
            path = [*table, *name.split(".")] if name else table
        shared = len(path) if path == keys[: len(path)] else 0
        if said.startswith("[[") and path[:-1] == keys:
            shared = len(keys)
        if shared > depth:
            best, depth = number, shared
    return best
