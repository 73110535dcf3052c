"""Words for people: durations, money, and text from outside that shows as it is."""

import re
from typing import Final

from orchestrator.core.text import visible

_MARKUP: Final = re.compile(r"[\\`*\[\]<>|#]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown acts on; an underscore inside a word is none."""


def plain(text: str, limit: int = 300) -> str:
    """Return text from outside so that it shows as it is in Markdown."""
    return _MARKUP.sub(r"\\\g<0>", visible(text, limit))


def literal(text: str, limit: int = 300) -> str:
    """Return text with commands in it so that it can be copied from Markdown as it stands."""
    shown = visible(text, limit).replace("`", "'")
    return f"`{shown}`"


def human(seconds: float | None) -> str:
    """Return a duration for people: ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``; ``unknown`` for None."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def dollars(whole: float | None, known: float | None) -> str:
    """Return a cost for people; where it is unknown in part, what is ``known`` of it."""
    if whole is not None:
        return f"{whole:.2f} USD"
    return "unknown" if known is None else f"unknown, at least {known:.2f} USD"


def counted(whole: int | None, known: int | None) -> str:
    """Return a number of tokens for people; where it is unknown in part, what is ``known`` of it."""
    if whole is not None:
        return f"{whole:,}"
    return "unknown" if known is None else f"unknown, at least {known:,}"


def times(number: int, what: str) -> str:
    """Return ``1 attempt``, ``2 attempts``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
