"""JSON that fits: what is written is never larger than what is read."""

import json
from collections.abc import Collection, Mapping
from typing import Final

_LONGEST: Final = (16_384, 1_024, 128)
"""Texts are cut to the first of these (characters) that makes the whole fit."""


def encode_within(fields: Mapping[str, object], limit: int, vital: Collection[str], indent: int | None = 1) -> bytes:
    """Return ``fields`` as one JSON object and a newline, at most ``limit`` bytes.

    Where it would be larger, long texts are cut. Where that is not enough, only plain values remain whose name
    is ``vital``, at the top or one level down. Half characters, which no reader takes, are written out.
    """
    for longest in (limit, *_LONGEST):
        data = _encode(_cut(fields, longest), indent)
        if len(data) <= limit:
            return data
    return _encode(_cut(_vital(fields, vital), _LONGEST[-1]), indent)


def _encode(value: object, indent: int | None) -> bytes:
    separators = None if indent else (",", ":")
    return json.dumps(value, indent=indent, separators=separators, allow_nan=False).encode("ascii") + b"\n"


def _cut(value: object, longest: int) -> object:
    match value:
        case str():
            text = value if len(value) <= longest else value[: longest - 1] + "…"
            return text.encode("utf-8", "backslashreplace").decode("utf-8")
        case Mapping():
            return {_cut(str(key), longest): _cut(each, longest) for key, each in value.items()}
        case list() | tuple():
            return [_cut(each, longest) for each in value]
    return value


def _vital(fields: Mapping[str, object], vital: Collection[str]) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name in vital:
        value = fields.get(name)
        if isinstance(value, Mapping):
            kept[name] = {inner: value[inner] for inner in vital if isinstance(value.get(inner), str | int | float)}
        elif isinstance(value, str | int | float):
            kept[name] = value
    return kept
