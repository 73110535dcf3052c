"""Where a long text can be cut in pieces that mean the same one by one.

The parser holds all of a text in memory as objects, and slows down as they pile up. It is given
pieces instead, cut where no list, quotation or paragraph can go on: before a heading, before what
begins at the margin after an empty line, and between two items of one list.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

ENOUGH: Final = 40  # lines a piece has at least: few enough that its objects die young

_HEADING: Final = re.compile(r"#{1,6}(?:[ \t]|$)")
_ITEM: Final = re.compile(r"(?!(?:[-*][ \t]*){3,}$)(?:[-+*]|\d{1,9}[.)]) +(?=[^ \t])")


def cuts(lines: Sequence[str], enough: int = ENOUGH) -> Iterator[int]:
    """The numbers of the lines, counted from 0, before which ``lines`` may be cut; the end is the last.

    A fence or a block of HTML may still be open there: only the parser knows.
    """
    start = 0
    indent = 0  # of what belongs to the item that began at the margin; 0 outside of a list
    closed = True  # nothing of the line before can go on
    for number, line in enumerate(lines):
        text = line.lstrip(" ")
        if not text.strip():
            closed = True
            continue
        heading = False
        if line[0] not in " \t":
            item = _ITEM.match(line)
            heading = _HEADING.match(line) is not None
            fresh = closed or heading
            if number - start >= enough and (fresh or (indent and item)):
                yield number
                start = number
            indent = item.end() if item and (fresh or indent) else 0
        elif len(line) - len(text) < indent:
            item = _ITEM.match(text)  # of a list of its own
            indent = len(line) - len(text) + item.end() if item else 0
        closed = heading
    yield len(lines)
