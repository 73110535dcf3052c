"""Which of the chosen tracks a run takes on: not those that somebody is at work on already.

What failed in too many runs is taken on to be reported, and not worked on: it is in quarantine until a person
says otherwise. So is, for a schedule, what needs a person since its newest run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.claims import FileClaims, Seen
from orchestrator.cli import history, unchanged
from orchestrator.cli.hints import lifting
from orchestrator.core.acceptance import Terms
from orchestrator.core.graph import Graph
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.state.answers import Answer
from orchestrator.state.layout import Layout


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


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The tracks that are not worked on, with the reason, and those that are: not what waits for one of the others.

    ``answers`` are what a person said to the questions that tracks ended with.
    """

    tracks: Mapping[str, str]
    worked_on: frozenset[str]
    answers: Mapping[str, Answer] = field(default_factory=dict)

    @property
    def work(self) -> bool:
        """Whether that leaves work for a run."""
        return bool(self.worked_on)

    @property
    def remarks(self) -> list[str]:
        """A line for each of them."""
        return [f"{track} is in quarantine: {why}" for track, why in self.tracks.items()]


def quarantine(
    layout: Layout, source: str, tracks: Sequence[Track], after: int, alike: Terms | None = None
) -> Quarantine:
    """Find the tracks that failed in ``after`` runs of the ``source`` (a path) in a row; 0: none.

    With ``alike``, those too that need a person since their newest failure, where a run by these terms would be as
    that one was.
    """
    past = history.read(layout, source, tracks, after)
    again = lifting(source)
    found = {track: record.why(again) for track, record in past.records.items() if record.is_too_bad}
    if alike is not None:
        ends = ((each, past.last.get(each.track)) for each in tracks if each.track not in found)
        whys = {each.track: unchanged.hopeless(layout, each, last, alike) for each, last in ends if last is not None}
        found |= {track: why for track, why in whys.items() if why}
    answers = {track: each.answer for track, each in past.last.items() if each.answer is not None}
    waves = Graph(tracks).waves(past.records.keys() - found.keys())
    return Quarantine(found, frozenset(track for wave in waves for track in wave), answers)
