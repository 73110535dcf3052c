"""What import contracts cannot see: builtins, the clock behind a method, and imports that hide."""

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.house.sources import Source, sources

PURE: Final = (
    "orchestrator/core/",
    "orchestrator/plans/",
    "orchestrator/reports/",
    "orchestrator/errors.py",
    # pure files in rooms that are not
    "orchestrator/agents/prompt.py",
    "orchestrator/agents/script.py",
    "orchestrator/state/layout.py",
    "orchestrator/wire/codec.py",
    "orchestrator/wire/messages.py",
)
BUILTINS: Final = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}
CLOCKS: Final = {"datetime", "date"}
ASKED: Final = {"now", "utcnow", "today"}
DISK: Final = {"Path", "PosixPath", "WindowsPath"}
LAZY: Final = "orchestrator/cli/"  # the lazy group, and nobody else, imports a module by its name
HOST: Final = "orchestrator/host/"


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.ImportFrom):
        return {f"{node.module}.{each.name}" for each in node.names}
    return {each.name for each in node.names} if isinstance(node, ast.Import) else set()


def _impure(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) if name in BUILTINS:
            return name
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name) if owner in CLOCKS:
            return f"{owner}.{name}" if name in ASKED else ""
        case ast.AsyncFunctionDef(name=name):
            return f"async {name}"
        case ast.Global(names=names):
            return f"global {', '.join(names)}"
        case ast.Import() | ast.ImportFrom():
            return ", ".join(sorted(name for name in _imported(node) if name.removeprefix("pathlib.") in DISK))
        case ast.Attribute(value=ast.Name(id="pathlib"), attr=name) if name in DISK:
            return name
    return ""


def _impurities(file: Source) -> Iterator[str]:
    for node in ast.walk(file.tree()):
        what = _impure(node)
        if what:
            yield f"{file.at(node)} {what}"


def _top(file: Source, tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements at the top of a file; in host, those for another system count as such."""
    for node in tree.body:
        yield node
        if isinstance(node, ast.If) and file.name.startswith(HOST) and "sys.platform" in ast.unparse(node.test):
            yield from node.body


def _hidden_imports(file: Source) -> Iterator[str]:
    tree = file.tree()
    top = list(_top(file, tree))
    for node in ast.walk(tree):
        match node:
            case ast.Import() | ast.ImportFrom() if node not in top:
                yield f"{file.at(node)} import of {', '.join(sorted(_imported(node)))}"
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                yield f"{file.at(node)} TYPE_CHECKING"
            case ast.Name(id="__import__"):
                yield f"{file.at(node)} __import__"
            case ast.Attribute(attr="import_module") | ast.Name(id="import_module") if not file.name.startswith(LAZY):
                yield f"{file.at(node)} import_module"


def test_pure_rooms_do_not_touch_the_world() -> None:
    """core, plans, reports and errors open nothing, print nothing and do not ask for the time."""
    files = [file for file in sources("orchestrator") if file.name.startswith(PURE)]
    assert [each for each in PURE if not any(file.name.startswith(each) for file in files)] == []
    assert [each for file in files for each in _impurities(file)] == []


def test_imports_stand_at_the_top() -> None:
    """No import hides in a function, a condition, a `try` or a string."""
    assert [each for file in sources("orchestrator") for each in _hidden_imports(file)] == []


@pytest.mark.parametrize(
    "text",
    [
        "open('x')",
        "f = print",
        "moment = datetime.now(UTC)",
        "from pathlib import Path",
        "import pathlib\npathlib.Path('x')",
        "async def f(): ...",
        "def f():\n    global x",
    ],
)
def test_an_impurity_is_seen(text: str) -> None:
    """Each way out of a pure room is found in a file that takes it."""
    assert list(_impurities(Source("a.py", text)))


@pytest.mark.parametrize(
    "text", ["from pathlib import PurePosixPath", "x = facts.now", "x = datetime.fromisoformat('2026-11-20')"]
)
def test_pure_things_are_not_accused(text: str) -> None:
    """Names that look like the world and are not pass."""
    assert list(_impurities(Source("a.py", text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import json",
        "try:\n    import json\nexcept ImportError:\n    json = None",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    x = 1",
        "json = __import__('json')",
        "import importlib\nimportlib.import_module('json')",
        "import sys\nif sys.platform == 'linux':\n    import json",
    ],
)
def test_a_hidden_import_is_seen(text: str) -> None:
    """Each way to hide an import is found in a file that takes it."""
    assert list(_hidden_imports(Source("a.py", text)))
