"""JSON from strangers: one object, nothing ambiguous in it, or a reason why not."""

import json
import math
from collections.abc import Iterable
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import Unreadable

DEEPEST: Final = 32


def _constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)


def _too_deep(value: dict[str, object]) -> bool:
    """Tell whether ``value`` nests deeper than DEEPEST; breadth first, no recursion."""
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each) if isinstance(inner, (dict, list))]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def parse_object(data: bytes) -> dict[str, object]:
    """Return the one JSON object that ``data`` holds.

    Strict UTF-8 without a byte-order mark, no NaN or Infinity, no duplicate keys, at most
    DEEPEST levels. Raises :class:`Unreadable` with the reason in a few words.
    """
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise Unreadable("nested too deeply") from error
    except ValueError as error:
        raise Unreadable(f"not valid JSON: {visible(str(error), 100)}") from error
    if not isinstance(value, dict):
        raise Unreadable("JSON, but not an object")
    if data.count(b"{") + data.count(b"[") > DEEPEST and _too_deep(value):
        raise Unreadable("nested too deeply")
    return value
