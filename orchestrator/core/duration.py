"""Durations as people write them (``90``, ``30s``, ``5m``, ``1h30m``, ``2d``, ``PT30S``), and as they read them."""

import re
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import UsageError

LONGEST: Final = 3660 * 86400.0
"""Ten years, in seconds: nothing of ours takes longer."""

_NUMBER: Final = r"([0-9]{1,12}(?:\.[0-9]{1,9})?)"
_SHORT: Final = rf"(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?"
_ISO: Final = rf"P(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
_SECONDS: Final = (86400.0, 3600.0, 60.0, 1.0)
_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def parse(text: str) -> float:
    """Return the seconds that ``text`` means; raises :class:`UsageError` for anything but a duration."""
    trimmed = text.strip()
    if re.fullmatch(_NUMBER, trimmed):
        return _bounded(float(trimmed), text)
    match = re.fullmatch(_ISO, trimmed, re.IGNORECASE) or re.fullmatch(_SHORT, trimmed, re.IGNORECASE)
    if match is None or not any(match.groups()):
        raise UsageError(
            f"'{visible(text, 40)}' is not a duration", hint="write 90 (seconds), 30s, 5m, 1h30m, 2d or PT30S"
        )
    return _bounded(sum(float(part or 0) * each for part, each in zip(match.groups(), _SECONDS, strict=True)), text)


def _bounded(seconds: float, text: str) -> float:
    if seconds > LONGEST:
        raise UsageError(f"'{visible(text, 40)}' is longer than ten years", hint="write a shorter duration")
    return seconds


def brief(seconds: float) -> str:
    """Return a duration (s) by its two largest units: ``42s``, ``3m20s``, ``2h5m``, ``4d``; at least ``0s``."""
    left = max(0, int(seconds))
    counts = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        counts.append((count, unit))
    first = next((place for place, (count, _) in enumerate(counts) if count), len(counts) - 1)
    head, *tail = counts[first : first + 2]
    return f"{head[0]}{head[1]}" + "".join(f"{count}{unit}" for count, unit in tail if count)
