"""What is said of a file that a person wrote and that cannot be: the key, its line, and what is allowed there."""

from dataclasses import dataclass, fields, is_dataclass
from types import UnionType
from typing import Final, get_args, get_type_hints

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.core.listing import some
from orchestrator.core.text import visible
from orchestrator.errors import BadSettings
from orchestrator.settings.tables import Settings, key
from orchestrator.state.layout import SETTINGS

_REASONED: Final = 5
_NAMED: Final = 12
_SHORT: Final = 100
"""Of the faults after the first: so many come with their reason, so many only with their key; characters of one."""

_UNKNOWN: Final = "unexpected_keyword_argument"
_SAID_OTHERWISE: Final = {
    "dataclass_type": "should be a table",
    "string_pattern_mismatch": "has a character that cannot be there",
    "missing": "is not there, and has to be",
    _UNKNOWN: "no such key",
}
_COMMANDS: Final = 'should be commands, as [["npm", "ci"]]'
_FORMS: Final = {
    "git.author": ("string_pattern_mismatch", 'should be "Name <mail>"'),
    "git.setup": ("list_type", _COMMANDS),
    "git.teardown": ("list_type", _COMMANDS),
    "git.check": ("list_type", 'should be a command, as ["make", "test"]'),
}
"""What says more of a fault of that type than its type does."""

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
    """Return what is wrong with the file ``text`` as one line: each fault is named, the first ones with the reason."""
    first, *others = error.errors(include_url=False)
    keys = _path(first)
    line = _line_of(text, keys)
    known = f"; known: {', '.join(_keys_at(form.kind, keys[:-1]))}" if first["type"] == _UNKNOWN else ""
    told = [f"{form.shown}{f':{line}' if line else ''}: {_fault(first)}{known}"]
    lines = sorted(((_line_of(text, _path(each)), each) for each in others), key=lambda pair: pair[0] or len(text))
    for at, each in lines[:_REASONED]:
        told.append(f"{f'line {at}: ' if at else ''}{visible(_fault(each), _SHORT)}")
    if left := lines[_REASONED:]:
        told.append(f"and also {some(['.'.join(_path(each)) for _, each in left], _NAMED)}")
    return BadSettings("; ".join(told), hint=form.hint)


def _path(fault: ErrorDetails) -> list[str]:
    return [str(each) for each in fault["loc"] if each != "[key]"]


def _fault(fault: ErrorDetails) -> str:
    """Return a key and what is wrong with it."""
    keys = _path(fault)
    what = _SAID_OTHERWISE.get(fault["type"], allowed(fault["msg"]))
    kind, form = _FORMS.get(".".join(keys[:2]), ("", ""))
    if kind == fault["type"].replace("tuple", "list"):
        what = form
    return f"{visible('.'.join(keys), 80)}: {what}" if keys else what


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
