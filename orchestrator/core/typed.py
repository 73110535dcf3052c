"""JSON values into frozen dataclasses, strictly, with the standard library alone.

For the worker and the quick commands, which do without pydantic. Both read the same definition: the types of a
dataclass's fields, and in ``field(metadata=...)`` the bounds ``ge``, ``le``, ``min_length`` and ``pattern``.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from orchestrator.core.strictjson import parse_object
from orchestrator.core.text import visible
from orchestrator.errors import Unreadable

T = TypeVar("T")

_CALLED: Final[Mapping[object, str]] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def versioned(data: bytes, version: int, what: str) -> dict[str, object]:
    """Return the fields of a JSON object that says ``"v": version``; ``what`` it is stands in the refusal.

    Raises :class:`Unreadable`.
    """
    given = parse_object(data)
    if given.get("v") is True or given.get("v") != version:
        raise Unreadable(f"not {what} of version {version}")
    return given


def build(kind: type[T], value: object) -> T:
    """Return the dataclass ``kind`` made of a JSON object; fields that it does not know are passed over.

    Raises :class:`Unreadable` with the path of the first field that is missing or wrong.
    """
    return cast("T", _record(kind, value, ""))


def _record(kind: type, value: object, where: str) -> object:
    if not isinstance(value, dict):
        raise _wrong(where, "an object")
    hints = _hints(kind)
    made = {each.name: _field(each, hints[each.name], value, where) for each in fields(kind) if each.name in value}
    missing = [each.name for each in fields(kind) if each.name not in made and _required(each)]
    if missing:
        raise Unreadable(f"field {_path(where, missing[0])} is missing")
    return kind(**made)


@cache
def _hints(kind: type) -> Mapping[str, object]:
    return get_type_hints(kind)


def _required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _field(each: Field[Any], hint: object, record: Mapping[str, object], where: str) -> object:
    path = _path(where, each.name)
    value = _value(hint, record[each.name], path)
    if value is not None:
        _bound(value, each.metadata, path)
    return value


def _bound(value: Any, rules: Mapping[str, Any], path: str) -> None:  # noqa: ANN401  # its type has just been checked
    if ("ge" in rules and value < rules["ge"]) or ("le" in rules and value > rules["le"]):
        raise Unreadable(f"field {path} is {value}, out of bounds")
    if len(str(value)) < rules.get("min_length", 0):
        raise Unreadable(f"field {path} is empty")
    if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        raise Unreadable(f"field {path} is '{visible(value, 60)}', which has not the form {rules['pattern']}")


def _value(hint: object, value: object, where: str) -> object:
    """Return ``value`` as ``hint`` wants it, or raise."""
    origin = get_origin(hint)
    if hint is object:
        return value
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, value, where)
    if origin in (Union, UnionType):
        return _either(get_args(hint), value, where)
    if origin is Literal:
        return _one_of(get_args(hint), value, where)
    if origin is tuple:
        return _items(get_args(hint)[0], value, where)
    if origin is Mapping:
        return _entries(get_args(hint)[1], value, where)
    return _plain(hint, value, where)


def _either(hints: tuple[object, ...], value: object, where: str) -> object:
    """The one member besides None says what is wrong, so that its message is the useful one."""
    if value is None and NoneType in hints:
        return None
    (other,) = (each for each in hints if each is not NoneType)
    return _value(other, value, where)


def _one_of(words: tuple[object, ...], value: object, where: str) -> object:
    if isinstance(value, str) and value in words:
        return value
    raise _wrong(where, "one of " + ", ".join(str(each) for each in words))


def _items(hint: object, value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise _wrong(where, "a list")
    return tuple(_value(hint, each, _path(where, str(number))) for number, each in enumerate(value))


def _entries(hint: object, value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _wrong(where, "an object")
    return {key: _value(hint, each, _path(where, key)) for key, each in value.items()}


def _plain(hint: object, value: object, where: str) -> object:
    if type(value) is hint:
        return value
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    raise _wrong(where, _CALLED[hint])


def _path(where: str, name: str) -> str:
    return visible(f"{where}.{name}" if where else name, 120)


def _wrong(where: str, wanted: str) -> Unreadable:
    return Unreadable(f"field {where} is not {wanted}" if where else f"not {wanted}")
