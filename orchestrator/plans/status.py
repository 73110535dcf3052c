"""The words and signs that say how far a piece of work is, and where they stand in a line.

A mark counts at either end of a title, where people put it, and nowhere else: a title that speaks
of ``[DONE]`` or of networking is a title. All functions read text that
:func:`orchestrator.plans.inline.masked` has been over.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from orchestrator.core.track import Mark

_WORDS: Final[dict[str, Mark]] = {
    "done": "done",
    "complete": "done",
    "completed": "done",
    "in progress": "in_progress",
    "in-progress": "in_progress",
    "in_progress": "in_progress",
    "skipped": "skipped",
    "deferred": "skipped",
    "not started": "open",
    "pending": "open",
    "planned": "open",
    "todo": "open",
    "open": "open",
}
_CELL_WORDS: Final[dict[str, Mark]] = {
    **_WORDS,
    "finished": "done",
    "closed": "done",
    "merged": "done",
    "wip": "in_progress",
    "working": "in_progress",
    "started": "in_progress",
    "running": "in_progress",
    "active": "in_progress",
    "cancelled": "skipped",
    "canceled": "skipped",
    "to do": "open",
    "ready": "open",
    "queued": "open",
    "backlog": "open",
    "blocked": "open",
    "new": "open",
}
_SIGNS: Final[dict[str, Mark]] = {
    "\u2705": "done",  # white heavy check mark
    "\u2713": "done",  # check mark
    "\u2714": "done",  # heavy check mark
    "\u2611": "done",  # ballot box with check
    "\U0001f504": "in_progress",  # two arrows in a circle
}
_BOXES: Final[dict[str, Mark]] = {" ": "open", "x": "done", "X": "done", "~": "in_progress", "-": "skipped"}

_WORD: Final = "|".join(_WORDS)
_LOUD: Final = rf"(?<![\\!\[\w])\[\s*(?P<loud>{_WORD.upper()})\b[^\[\]]{{0,80}}\](?![(\[])"
_ENDS: Final = tuple(_WORDS)
_SIGN: Final = f"[{''.join(_SIGNS)}]"
_JOINED: Final = "[\ufe0e\ufe0f\u200d\u20e3]*"
_PIECE: Final = re.compile(
    rf"(?P<blank>[ \t]+)"
    rf"|(?P<stars>[*_~]+)"
    rf"|{_LOUD}"
    rf"|(?<![\\!\[\w])\[\s*(?:{_SIGN}{_JOINED}\s*)?(?P<word>(?i:{_WORD}))\s*\](?![(\[])"
    rf"|\(\s*(?:{_SIGN}{_JOINED}\s*)?(?P<paren>(?i:{_WORD}))[\s\d.,:/-]{{0,30}}\)"
    rf"|(?P<note>\([^()]{{0,300}}\))"
    rf"|(?P<sign>{_SIGN}){_JOINED}(?:[ \t]*(?P<said>(?i:{_WORD}))\b)?"
    rf"|(?P<emoji>(?:[0-9#](?=\ufe0f?\u20e3)|[\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff]){_JOINED})"
    rf"|(?<=[ \t])[-\u2013\u2014][ \t]+(?P<dashed>{_WORD.upper()})(?![\w-])"
)
LOUD_WORDS: Final = rf"(?:{_WORD.upper()})"
_STRAY: Final = re.compile(rf"{_LOUD}|{_SIGN}")
_BOX: Final = re.compile(r"\[([ xX~-])\](?:[ \t]+|$)")
_CELL: Final = re.compile(rf"(?:{'|'.join(sorted(_CELL_WORDS, key=len, reverse=True))})(?![\w-])", re.IGNORECASE)
_CELL_SHELL: Final = " \t*_~[]()"

Part = Literal["blank", "stars", "mark", "note", "emoji"]
_PARTS: Final[dict[str, Part]] = {"blank": "blank", "stars": "stars", "note": "note", "emoji": "emoji"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Something beside a title: a mark (with its state), a remark in brackets, stars, blanks."""

    part: Part
    start: int
    end: int
    state: Mark | None = None


def _piece(match: re.Match[str]) -> Piece:
    name = match.lastgroup or ""
    start, end = match.span()
    part = _PARTS.get(name)
    if part is not None:
        return Piece(part, start, end)
    state = _SIGNS[match["sign"]] if match["sign"] else _WORDS[match[name].lower()]
    return Piece("mark", start, end, state)


def head(text: str, start: int, end: int | None = None) -> tuple[Piece, ...]:
    """The unbroken row of pieces that begins at ``start``."""
    end = len(text) if end is None else end
    row = []
    while match := _PIECE.match(text, start, end):
        row.append(_piece(match))
        start = match.end()
    return tuple(row)


def tail(text: str, start: int, end: int | None = None) -> tuple[Piece, ...]:
    """The unbroken row of pieces between ``start`` and ``end`` that reaches up to ``end``."""
    end = len(text) if end is None else end
    if text[end - 1 : end].isalnum() and not text[max(start, end - 12) : end].lower().endswith(_ENDS):
        return ()  # nothing but a word in the end: worth not looking at the rest
    row: list[Piece] = []
    reach = start
    for match in _PIECE.finditer(text, start, end):
        if match.start() != reach:
            row = []
        row.append(_piece(match))
        reach = match.end()
    return tuple(row) if reach == end else ()


def stray(text: str, known: Sequence[Piece]) -> bool:
    """Tell whether a mark stands in ``text`` outside the ``known`` pieces, which are in order."""
    starts = [piece.start for piece in known]
    for match in _STRAY.finditer(text):
        before = bisect_right(starts, match.start())
        if not before or known[before - 1].end <= match.start():
            return True
    return False


def box(text: str, start: int = 0) -> tuple[int, Mark | None]:
    """Where the text goes on behind the box at ``start``, and what the box says; None without one."""
    match = _BOX.match(text, start)
    return (match.end(), _BOXES[match[1]]) if match else (start, None)


def resolve(states: Iterable[Mark | None]) -> tuple[Mark | None, bool]:
    """What several marks of one line say together, and whether they contradict each other.

    Of two that do, the one wins that has more left to do; an open box agrees with work in progress.
    """
    said = {state for state in states if state is not None}
    if len(said) > 1 and "done" not in said:
        said.discard("open")
    order: tuple[Mark, ...] = ("in_progress", "open", "skipped", "done")
    return next((state for state in order if state in said), None), len(said) > 1


def cell(text: str) -> Mark | None:
    """What a cell of a Status column says; None if that is not understood."""
    _, boxed = box(text.strip())
    if boxed is not None:
        return boxed
    for sign, state in _SIGNS.items():
        if sign in text:
            return state
    words = text.strip(_CELL_SHELL)
    while words and not words[0].isalnum():
        words = words[1:].lstrip(_CELL_SHELL)
    if words.lower() in {"", "n/a"}:
        return "open"
    match = _CELL.match(words)
    return _CELL_WORDS[match[0].lower()] if match else None
