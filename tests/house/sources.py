"""Our own source files as the gates see them: text, lines and syntax tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file; ``name`` is its path from the top of the repository."""

    name: str
    text: str

    def tree(self) -> ast.Module:
        """Parse the file."""
        return ast.parse(self.text, self.name)

    def at(self, node: ast.AST) -> str:
        """Name the place of ``node`` as an editor understands it."""
        return f"{self.name}:{getattr(node, 'lineno', 0)}"


def sources(*folders: str) -> list[Source]:
    """Read every Python file under ``folders``, sorted by name."""
    files = sorted(file for folder in folders for file in (TOP / folder).rglob("*.py"))
    return [Source(file.relative_to(TOP).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def functions(tree: ast.Module) -> Iterator[tuple[Function, bool]]:
    """Yield every function of a file with whether it is a method that gets ``self`` or ``cls``."""
    bound = {id(each) for owner in ast.walk(tree) if isinstance(owner, ast.ClassDef) for each in owner.body}
    for node in ast.walk(tree):
        if isinstance(node, Function):
            static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in node.decorator_list)
            yield node, id(node) in bound and not static
