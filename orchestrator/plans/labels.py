"""How the headings of groups and the first lines of tracks are written."""

import re
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.core.track import Mark
from orchestrator.plans import status
from orchestrator.plans.inline import masked
from orchestrator.plans.status import Piece

_DASH: Final = rf"[-\u2013\u2014](?=[ \t])(?![ \t]+{status.LOUD_WORDS}[ \t]*$)"
_PLAIN_NUMBER: Final = r"#?(?P<number>\d+(?:\.\d+)*[A-Za-z]?|[A-Z]{1,2}\d{0,4})"
_TRACK: Final = r"(?i:track)[ \t]+"
_TRACK_COLON: Final = re.compile(rf"{_TRACK}#?(?P<number>[^\s:*()\[\]]+)[*_]*(?:[ \t]*\([^()]*\))?[ \t]*[*_]*:")
_TRACK_DASH: Final = re.compile(rf"{_TRACK}{_PLAIN_NUMBER}[*_]*(?:[ \t]+{_DASH}|[.)](?=[ \t]))")
_TRACK_BARE: Final = re.compile(rf"{_TRACK}{_PLAIN_NUMBER}(?=[ \t*_]|$)")
_TRACK_LIKE: Final = re.compile(rf"(?i:track):|{_TRACK}#?(?:\d|\S*:)")
_NUMBER: Final = re.compile(r".*\d.*|[A-Z]{1,2}", re.DOTALL)

GROUP_WORD: Final = r"(?i:group|stream|phase)"
_COUNTED: Final = re.compile(r"\d+(?:\.\d+)*[.)]?[ \t]+")
_GROUP_COLON: Final = re.compile(
    rf"{GROUP_WORD}[ \t]+(?P<key>[^\s:*()\[\]\u2013\u2014]+)[*_]*(?:[ \t]*:|[ \t]+{_DASH})"
)
_GROUP_BARE: Final = re.compile(
    rf"{GROUP_WORD}[ \t]+(?P<key>[A-Z]{{1,2}}\d{{0,4}}|\d+(?:\.\d+)*[A-Za-z]?)(?=[ \t*_.)(]|$)[.)]?"
)
_PARALLEL: Final = re.compile(r"\bparallel", re.IGNORECASE)
_LONGEST_WRAP: Final = 3  # lines of a bold title that an editor has broken
LONGEST: Final = 20_000  # characters of a line that is still read as a title


@dataclass(frozen=True, slots=True)
class Label:
    """A heading of a group, or the first line of a track, taken apart.

    ``key`` is the letter or number as written. ``state`` is None where no mark stands. ``clash``:
    the marks contradict each other. ``stray``: something like a mark stands where none counts.
    ``notes`` is what follows the title. ``pieces`` are the marks in the line and the stars around them.
    """

    key: str
    title: str
    state: Mark | None
    clash: bool
    stray: bool
    notes: str
    pieces: tuple[Piece, ...]

    @property
    def parallel(self) -> bool:
        """Whether the line says so of itself."""
        return _PARALLEL.search(self.notes) is not None


def group(text: str) -> Label | None:
    """Read the heading of a group, or return None."""
    if len(text) > LONGEST:
        return None
    mask = masked(text)
    lead = status.head(mask, 0)
    position = lead[-1].end if lead else 0
    counted = _COUNTED.match(mask, position)
    if counted:
        more = status.head(mask, counted.end())
        lead += more
        position = more[-1].end if more else counted.end()
    match = _GROUP_COLON.match(mask, position) or _GROUP_BARE.match(mask, position)
    return _label(text, mask, match, lead, None) if match else None


def track(text: str, *, heading: bool = False) -> Label | None:
    """Read the first line of a track in a list, or its heading, or return None."""
    if not _hints(text):
        return None
    first = text.split("\n", 1)[0]
    alone = _track(first, heading=heading)
    whole = _unwrapped(text)
    label = alone if whole == first else _track(whole, heading=heading)
    if label is alone or label is None or label.title.split(" ", 1)[0] not in first:
        return alone
    if alone and alone.state:
        return replace(label, state=alone.state, clash=alone.clash)  # the line that is edited has the last word
    return label


def _track(line: str, *, heading: bool) -> Label | None:
    mask = masked(line)
    position, boxed = status.box(mask)
    lead = status.head(mask, position)
    position = lead[-1].end if lead else position
    match = _TRACK_COLON.match(mask, position)
    if match and not _NUMBER.fullmatch(match["number"]):
        return None
    match = match or _TRACK_DASH.match(mask, position)
    if match is None and (heading or "**" in mask[:position]):
        match = _TRACK_BARE.match(mask, position)
        if match and mask[match.end() : match.end() + 1] in {"*", "_"} and not _only_pieces(mask, match.end()):
            return None  # a sentence about a track
    if match is None:
        return None
    label = _label(line, mask, match, lead, boxed)
    return label if label.title else replace(label, title=match.group().strip(" \t:*_-.)"))


def _only_pieces(mask: str, start: int) -> bool:
    row = status.head(mask, start)
    return row[-1].end == len(mask)


def like_track(text: str) -> bool:
    """Tell whether a line seems to be meant for a track; those that are read as one included."""
    if not _hints(text):
        return False
    position, _ = status.box(text)
    lead = status.head(text, position)
    return _TRACK_LIKE.match(text, lead[-1].end if lead else position) is not None


def _hints(text: str) -> bool:
    """A quick look whether it is worth a slow one."""
    return ("rack" in text or "RACK" in text) and len(text.split("\n", 1)[0]) <= LONGEST


def wrapped(text: str) -> bool:
    """Tell whether the bold title on the first line goes on below it."""
    return _unwrapped(text) != text.split("\n", 1)[0]


def _unwrapped(text: str) -> str:
    """The first line; with those after it where its bold title goes on there."""
    first, *more = text.split("\n", _LONGEST_WRAP)
    if masked(first).count("**") != 1:
        return first
    for number, line in enumerate(more[: _LONGEST_WRAP - 1], 1):
        if "**" in line:
            return " ".join([first, *(each.strip() for each in more[:number])])
    return first


def _label(text: str, mask: str, match: re.Match[str], lead: tuple[Piece, ...], boxed: Mark | None) -> Label:
    after = status.head(mask, match.end())
    start = match.end()
    for piece in after:
        if piece.part == "note" and not _PARALLEL.search(mask, piece.start, piece.end):
            break
        start = piece.end
    closing = mask.find("**", start) if mask.count("**", 0, start) % 2 else -1
    end = len(mask) if closing < 0 else closing
    inner = status.tail(mask, start, end)
    end = _title_end(mask, inner, end)
    outer = () if closing < 0 else status.head(mask, closing)
    if outer and outer[-1].end < len(mask):
        outer += status.tail(mask, outer[-1].end)
    rows = {piece.start: piece for row in (lead, after, inner, outer) for piece in row if piece.part != "blank"}
    pieces = [rows[position] for position in sorted(rows)]
    state, clash = status.resolve([boxed, *(piece.state for piece in pieces)])
    key = match.group(1)
    return Label(
        key=key,
        title=text[start:end].replace("**", "").strip().removeprefix(":").lstrip(),
        state=state,
        clash=clash,
        stray=status.stray(mask, pieces),
        notes=(mask[match.end(1) : start] + mask[end:]).strip(),
        pieces=tuple(piece for piece in pieces if piece.part in {"mark", "stars"}),
    )


def _title_end(mask: str, row: tuple[Piece, ...], end: int) -> int:
    """Where the title ends before a ``row`` of pieces: a remark of its own still belongs to it."""
    if not row:
        return end
    stop = row[0].start
    for piece in row:
        if piece.part == "note" and not _PARALLEL.search(mask, piece.start, piece.end):
            stop = piece.end
        elif piece.part != "blank":
            break
    return stop
