"""The budgets of the house: what is longer or wider is split by noun."""

import ast
from typing import Final

from tests.house.sources import Function, Source, functions, sources

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 50
PARAMETERS: Final = 6
PUBLIC_METHODS: Final = 12


def _long_files(files: list[Source]) -> list[str]:
    sizes = ((file.name, len(file.text.splitlines())) for file in files)
    return [f"{name}: {lines} lines" for name, lines in sizes if lines > FILE_LINES]


def _parameters(function: Function, *, bound: bool) -> int:
    given = function.args
    named = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs)
    return named + (given.vararg is not None) + (given.kwarg is not None) - bound


def _wide_functions(file: Source) -> list[str]:
    found = []
    for function, bound in functions(file.tree()):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES:
            found.append(f"{file.at(function)} {function.name}: {lines} lines")
        parameters = _parameters(function, bound=bound)
        if parameters > PARAMETERS:
            found.append(f"{file.at(function)} {function.name}: {parameters} parameters")
    return found


def _wide_classes(file: Source) -> list[str]:
    found = []
    for owner in ast.walk(file.tree()):
        if isinstance(owner, ast.ClassDef):
            public = [each for each in owner.body if isinstance(each, Function) and not each.name.startswith("_")]
            if len(public) > PUBLIC_METHODS:
                found.append(f"{file.at(owner)} {owner.name}: {len(public)} public methods")
    return found


def test_files_are_short() -> None:
    """No file of ours, and no file of tests, has more than 400 lines."""
    assert _long_files(sources("orchestrator", "tests")) == []


def test_functions_are_short_and_narrow() -> None:
    """No function has more than 50 lines or 6 parameters."""
    assert [each for file in sources("orchestrator") for each in _wide_functions(file)] == []


def test_classes_are_narrow() -> None:
    """No class has more than 12 public methods."""
    assert [each for file in sources("orchestrator") for each in _wide_classes(file)] == []


def test_a_breach_is_seen() -> None:
    """A file, a function and a class over budget are each named, so that silence means something."""
    body = "    x = 1\n" * FUNCTION_LINES
    methods = "".join(f"    def m{number}(self): ...\n" for number in range(PUBLIC_METHODS + 1))
    file = Source("a.py", f"def f(a, b, c, d, e, *f, g):\n{body}class C:\n{methods}")
    assert _wide_functions(file) == ["a.py:1 f: 51 lines", "a.py:1 f: 7 parameters"]
    assert _wide_classes(file) == ["a.py:52 C: 13 public methods"]
    assert _long_files([Source("b.py", "x = 1\n" * (FILE_LINES + 1))]) == ["b.py: 401 lines"]
