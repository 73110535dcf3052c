"""Saying many things in one line: the first few of them, and how many there are besides."""

from collections.abc import Sequence
from typing import Final

from orchestrator.core.text import visible

_LONGEST: Final = 80


def some(names: Sequence[str], most: int) -> str:
    """Return at most ``most`` of the names and how many more there are, safe to show; nothing for no names."""
    shown = ", ".join(visible(each, _LONGEST) for each in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def besides(count: int) -> str:
    """Return what follows the first of ``count`` things: `` (and 2 more)``, nothing where it is the only one."""
    return f" (and {count - 1} more)" if count > 1 else ""
