"""Conflicts that are ahead: which tracks cannot both be merged as they stand, and which to merge first then. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clash:
    """Two tracks that change the same places in ``files``; ``other`` may be the target branch, with what is merged."""

    one: str
    other: str
    files: tuple[str, ...]


def first(finished: Sequence[str], clashes: Collection[Clash], coming: Collection[str]) -> str | None:
    """Return which of the ``finished`` tracks (in that order) to merge next; None where there is none.

    The one in whose way the fewest of those are that are still ``coming``; of several, the one that finished first.
    """
    in_the_way = [
        mine
        for each in clashes
        for mine, theirs in ((each.one, each.other), (each.other, each.one))
        if theirs in coming and theirs != mine
    ]
    return min(finished, key=in_the_way.count, default=None)
