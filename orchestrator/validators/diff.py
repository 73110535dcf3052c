"""Does the change stay where it belongs: inside the paths that were declared for it."""

from typing import Final

from orchestrator.core import pattern
from orchestrator.core.listing import some
from orchestrator.core.text import visible
from orchestrator.validators import changes
from orchestrator.validators.spec import Spec

_MOST_NAMES: Final = 10


def outside(folder: str, spec: Spec) -> list[str]:
    """Return a line for each file that was changed outside the paths, and one that says what those are.

    Where no paths were declared there is nothing to be outside of.
    """
    declared = [pattern.parts(each) for each in spec.paths]
    if not declared:
        return []
    strays = [
        path
        for path in sorted(changes.since(folder, spec.base))
        if not any(pattern.covers(each, path) for each in declared)
    ]
    inside = f"declared: {some(spec.paths, _MOST_NAMES)}"
    return [*(f"outside: {visible(each)}" for each in strays), inside] if strays else []
