"""Paths as people declare them: a file, a folder with all that is below it, or a glob."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

ANY_DEPTH: Final = "**"

_SPECIAL: Final = frozenset("*?[")


def parts(pattern: str) -> tuple[str, ...]:
    """Return the components of a path or glob; a slash in front stands for the top of the working tree."""
    return tuple(each for each in pattern.split("/") if each not in {"", "."})


def fixed(pattern: Sequence[str]) -> tuple[str, ...]:
    """Return the components before the first that can stand for several names."""
    special = next((place for place, each in enumerate(pattern) if _SPECIAL & set(each)), len(pattern))
    return tuple(pattern[:special])


def covers(pattern: Sequence[str], path: str) -> bool:
    """Tell whether ``path`` is what ``pattern`` names, or stands below that.

    ``*`` and ``?`` stay within a component, ``**`` is any number of them; a name with brackets is also meant as it is.
    """
    names = path.split("/")
    reached = {0}
    for part in pattern:
        if part == ANY_DEPTH:
            reached = set(range(min(reached), len(names) + 1))
        else:
            reached = {place + 1 for place in reached if place < len(names) and _is(part, names[place])}
        if not reached:
            return False
    return True


def _is(part: str, name: str) -> bool:
    return part == name or fnmatchcase(name, part)
