"""Which of the chosen tracks a run takes on: not those that somebody is at work on already."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.claims import FileClaims, Seen
from orchestrator.core.graph import Graph
from orchestrator.core.text import visible
from orchestrator.core.track import Track


@dataclass(frozen=True, slots=True)
class Offer:
    """The tracks to take on, in their order, and a line for each that somebody works on."""

    tracks: tuple[Track, ...]
    remarks: tuple[str, ...] = ()


def offer(root: str, chosen: Sequence[Track]) -> Offer:
    """Leave out what is marked in progress and claimed by an owner who may live, and what waits for it.

    A track that is only marked was interrupted, and is offered again.
    """
    store = FileClaims(root)
    begun = [each.track for each in chosen if each.state == "in_progress"]
    held = {name: seen for name in begun if (seen := store.read(name)) is not None and seen.verdict.state != "dead"}
    names = frozenset(each.track for each in chosen) - set(held)
    free = {name for wave in Graph(chosen).waves(names) for name in wave}
    remarks = [f"{name} is being worked on and not taken on: {_why(seen)}" for name, seen in held.items()]
    waiting = [each.track for each in chosen if each.track in names and each.track not in free]
    remarks += [f"{name} is not taken on: it waits for one that is being worked on" for name in waiting]
    return Offer(tuple(each for each in chosen if each.track in free), tuple(remarks))


def _why(seen: Seen) -> str:
    return visible(seen.verdict.why, 200)
