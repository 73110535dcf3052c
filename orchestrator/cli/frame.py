"""One picture of a run for a terminal of a given size: a line a track, each cut to the width."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.duration import brief
from orchestrator.core.text import visible

NARROW: Final = 64
"""Columns below which there is no room for titles."""

_GAP: Final = "  "
_TITLE: Final = 28
_TRACK: Final = 24
_PHASE_LEAST: Final = 9
_PHASE: Final = 16
_TIME: Final = 6
_PERCENT: Final = 4
_LAST_LEAST: Final = 12
_WIDE: Final = frozenset("WF")
_NO_WIDTH: Final = frozenset({"Mn", "Me", "Cf"})
_IMPORTANCE: Final = ("needs_input", "running", "validating", "orphaned", "starting", "committed", "merging")


@dataclass(frozen=True, slots=True)
class Row:
    """One track. ``state`` is where it is or how it ended, ``phase`` what its worker does, ``last`` its last word.

    ``seconds``: how long its attempt takes or took; None where none began.
    """

    track: str
    title: str
    state: str
    phase: str = ""
    seconds: float | None = None
    percent: float | None = None
    last: str = ""

    @property
    def doing(self) -> str:
        """What is going on, in a word: the phase while it is worked on, else the state."""
        return self.phase if self.state in ("running", "validating") and self.phase else self.state


@dataclass(frozen=True, slots=True)
class Look:
    """What there was to see of a run at one moment. ``seconds``: since it was accepted."""

    run: str
    rows: tuple[Row, ...]
    seconds: float | None
    ended: bool


def picture(head: str, rows: Sequence[Row], width: int, height: int) -> list[str]:
    """Return the lines of the picture: at most ``height``, none wider than ``width`` columns.

    Where there are more tracks than lines, those that something happens to are shown, and the others counted.
    """
    room = max(height - 1, 1)
    shown, hidden = (rows, []) if len(rows) <= room else _chosen(rows, room - 1)
    lines = [cut(head, width), *(_line(row, shown, width) for row in shown)]
    if hidden:
        counts = Counter(row.doing for row in hidden)
        lines.append(
            cut(f"and {len(hidden)} more: {', '.join(f'{number} {what}' for what, number in counts.items())}", width)
        )
    return lines[:height]


def _chosen(rows: Sequence[Row], room: int) -> tuple[Sequence[Row], Sequence[Row]]:
    """Return the rows to show, in their own order, and the others."""
    ranked = sorted(
        rows, key=lambda row: _IMPORTANCE.index(row.state) if row.state in _IMPORTANCE else len(_IMPORTANCE)
    )
    best = {id(row) for row in ranked[:room]}
    return [row for row in rows if id(row) in best], [row for row in rows if id(row) not in best]


def _line(row: Row, beside: Sequence[Row], width: int) -> str:
    track = min(max(columns(each.track) for each in beside), _TRACK)
    cells = [_padded(row.track, track)]
    if width >= NARROW:
        title = min(max(columns(visible(each.title)) for each in beside), _TITLE, width // 4)
        cells.append(_padded(row.title, title))
    phase = min(max(_PHASE_LEAST, *(columns(visible(each.doing)) for each in beside)), _PHASE)
    seconds = "" if row.seconds is None else brief(row.seconds)
    percent = "" if row.percent is None else f"{row.percent:.0f}%"
    cells += [_padded(row.doing, phase), seconds.rjust(_TIME), percent.rjust(_PERCENT), visible(row.last)]
    return cut(_GAP.join(cells).rstrip(), width)


def _padded(text: str, width: int) -> str:
    short = cut(visible(text), width)
    return short + " " * (width - columns(short))


def columns(text: str) -> int:
    """Return how many columns a terminal uses for ``text``."""
    return len(text) if text.isascii() else sum(map(_column, text))


def _column(sign: str) -> int:
    if unicodedata.category(sign) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(sign) in _WIDE else 1


def cut(text: str, width: int) -> str:
    """Return as much of ``text`` as fits into ``width`` columns; an ellipsis stands for what does not."""
    if columns(text) <= width:
        return text
    used, kept = 1, []
    for sign in text:
        used += _column(sign)
        if used > width:
            break
        kept.append(sign)
    return "".join(kept) + "…" if width > 0 else ""


def shrunk(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths of a table's columns, less what does not fit into ``room`` columns.

    The last column gives way first, down to what can still be read, then whichever is the widest.
    """
    fitting = list(widths)
    over = sum(fitting) + len(_GAP) * (len(fitting) - 1) - room
    spare = min(max(over, 0), max(fitting[-1] - _LAST_LEAST, 0))
    fitting[-1] -= spare
    for _ in range(over - spare):
        widest = max(range(len(fitting)), key=fitting.__getitem__)
        fitting[widest] = max(fitting[widest] - 1, 1)
    return fitting
