"""Which declared paths overlap: two tracks that may change the same file do not run side by side.

A path is compared by its *reach*: the text that everything begins with that it covers, where every file and
folder is written with a slash at its end. So two paths overlap when the reach of one begins with that of the other.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

Reach = tuple[str, str]
"""What a path reaches, and the path as it was declared."""

_WILDCARD: Final = re.compile(r"[*?\[{]")


def reach(path: str) -> str:
    """Return the text that everything begins with that ``path`` covers.

    A file or folder covers itself and what is below it. A pattern is taken to cover all that begins as it does
    before its first wildcard, and a path that leads upwards to cover everything: rather too much than too little.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return ""
    plain = "/".join(parts)
    wildcard = _WILDCARD.search(plain)
    return plain[: wildcard.start()] if wildcard else f"{plain}/"


def reaches(paths: Iterable[str]) -> tuple[Reach, ...]:
    """Return what each of ``paths`` reaches, in the order in which they can be compared."""
    return tuple(sorted((reach(path), path) for path in paths))


def overlap(first: Sequence[Reach], second: Sequence[Reach]) -> str | None:
    """Return a path of one that overlaps one of the other, the narrower of the two; None: there is none."""
    outer: list[str | None] = [None, None]
    for (text, path), side in sorted([*((each, 0) for each in first), *((each, 1) for each in second)]):
        other = outer[1 - side]
        if other is not None and text.startswith(other):
            return path
        own = outer[side]
        if own is None or not text.startswith(own):
            outer[side] = text
    return None


def clashes(rows: Sequence[Sequence[Reach]]) -> list[int]:
    """Return for each row those it overlaps, as a mask: bit ``n`` stands for row ``n``; none overlaps itself.

    One pass over the sorted paths, each compared with those it lies in: rows that share nothing cost nothing.
    """
    users: dict[str, int] = {}
    for position, row in enumerate(rows):
        for text, _ in row:
            users[text] = users.get(text, 0) | 1 << position
    around: dict[str, int] = {}
    outer: list[str] = []
    for text in sorted(users):
        while outer and not text.startswith(outer[-1]):
            outer.pop()
        around[text] = users[text]
        for each in outer:
            around[each] |= users[text]
            around[text] |= users[each]
        outer.append(text)
    return [_union(around[text] for text, _ in row) & ~(1 << position) for position, row in enumerate(rows)]


def sharing(rows: Sequence[Sequence[Reach]]) -> list[int]:
    """Return the positions of the rows that overlap any other, without comparing each with each."""
    clusters: list[set[int]] = []
    outer: str | None = None
    for text, position in sorted((text, position) for position, row in enumerate(rows) for text, _ in row):
        if outer is None or not text.startswith(outer):
            outer = text
            clusters.append(set())
        clusters[-1].add(position)
    return sorted({position for each in clusters if len(each) > 1 for position in each})


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
