"""The published schema of ``orchestrator.toml``, made from its tables.

``python -m orchestrator.settings.schema`` writes it, ``--check`` says whether it is stale and exits 1.
"""

import sys
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter

from orchestrator.settings.tables import Settings
from orchestrator.state.published import Node, headed, tool, untitled

NAME: Final = "settings"

_BOUNDS: Final = {"gt": "exclusiveMinimum", "ge": "minimum", "le": "maximum"}


def schema(name: str = NAME) -> Node:
    """Return the schema of a settings file. What goes together in a validator is not in it."""
    node = TypeAdapter(Settings).json_schema()
    untitled(node)
    _durations(node)
    said = "orchestrator.toml: what a root is set to; every key is optional. A duration is seconds, or a text like 10m."
    return headed(name, "Settings", said, node)


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
    """Write the schema, or with ``--check`` only say whether it is stale; return the exit status."""
    return tool(arguments, "orchestrator.settings.schema", (NAME,), schema)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
