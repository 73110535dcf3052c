"""What every published schema has, whatever it is made from, and the tool that writes and checks the files."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from orchestrator.core.outcome import FAILED, OK, USAGE
from orchestrator.host import files

FOLDER: Final = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "schemas")

Node = dict[str, Any]
"""A part of a JSON Schema."""


def headed(name: str, title: str, description: str, node: Node) -> Node:
    """Return a schema with its name and with what the file is."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:orchd:schema:{name}:1",
        "title": title,
        "description": description,
    }
    return head | {key: value for key, value in node.items() if key not in head}


def untitled(node: object) -> None:
    """Drop the titles that only repeat the names of fields, everywhere below ``node``."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for each in node.values():
            untitled(each)
    elif isinstance(node, list):
        for each in node:
            untitled(each)


def text_of(schema: Mapping[str, object]) -> str:
    """Return a schema as it stands in its file."""
    return json.dumps(schema, indent=2) + "\n"


def path(name: str) -> str:
    """Return where a schema is published."""
    return os.path.join(FOLDER, f"{name}.schema.json")


def _stale(names: Iterable[str], schema: Callable[[str], Node]) -> list[str]:
    found = []
    for name in names:
        try:
            text = files.read(path(name), 1 << 20).data.decode("utf-8")
        except FileNotFoundError:
            text = ""
        if text != text_of(schema(name)):
            found.append(name)
    return found


def tool(arguments: Sequence[str], module: str, names: Iterable[str], schema: Callable[[str], Node]) -> int:
    """Write the schemas that ``module`` makes, or with ``--check`` only say which are stale; return the exit status."""
    stale = _stale(names, schema)
    if list(arguments) == ["--check"]:
        for name in stale:
            sys.stdout.write(f"{path(name)} is stale: run python -m {module}\n")
        return FAILED if stale else OK
    if arguments:
        sys.stderr.write(f"usage: python -m {module} [--check]\n")
        return USAGE
    for name in stale:
        with open(path(name), "w", encoding="utf-8") as file:
            file.write(text_of(schema(name)))
    return OK
