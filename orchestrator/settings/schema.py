"""The published schemas of what people write, made from the tables that read it.

``python -m orchestrator.settings.schema`` writes them, ``--check`` says which are stale and exits 1.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import TypeAdapter

from orchestrator.settings.tables import Settings
from orchestrator.settings.wake_file import WakeFile
from orchestrator.state.published import Node, headed, tool, untitled

FORMS: Final[Mapping[str, tuple[type, str, str]]] = {
    "settings": (Settings, "Settings", "orchestrator.toml: what a root is set to; every key is optional."),
    "wake": (
        WakeFile,
        "Wake file",
        "The TOML that orchd wake is given: who is looked after, what they are to make, and what may be done.",
    ),
}
"""What each is made from, its title, and what the file is."""

_BOUNDS: Final = {"gt": "exclusiveMinimum", "ge": "minimum", "le": "maximum"}


def schema(name: str) -> Node:
    """Return the schema of one kind of file. What types alone cannot say is not in it."""
    kind, title, said = FORMS[name]
    node = TypeAdapter(kind).json_schema()
    untitled(node)
    _durations(node)
    return headed(name, title, f"{said} A duration is seconds, or a text like 10m.", node)


def _durations(node: object) -> None:
    """Say of durations, everywhere below ``node``, that they may be texts too; their bounds tell which they are."""
    if isinstance(node, dict):
        if any(name in node for name in _BOUNDS):
            number = {_BOUNDS[name]: node.pop(name) for name in _BOUNDS if name in node}
            node["anyOf"] = [{"type": node.pop("type"), **number}, {"type": "string"}]
        for each in node.values():
            _durations(each)
    elif isinstance(node, list):
        for each in node:
            _durations(each)


def main(arguments: Sequence[str]) -> int:
    """Write the schemas, or with ``--check`` only say which are stale; return the exit status."""
    return tool(arguments, "orchestrator.settings.schema", FORMS, schema)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
