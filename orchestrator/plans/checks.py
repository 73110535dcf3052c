"""What is doubtful about a plan as a whole: names twice, circles, tracks that touch the same files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from orchestrator.core.graph import SETTLED, Graph
from orchestrator.core.text import visible
from orchestrator.core.track import Finding, Level, Mark, Track
from orchestrator.plans.ordering import CONFLICT, Shared
from orchestrator.plans.selection import current

_MOST_ALIKE: Final = 25  # findings of one rule; the rest is counted
_MOST_SHARING: Final = 2000  # tracks compared by their paths
_STATES: Final[tuple[Mark, ...]] = ("open", "in_progress", "done", "skipped")


def doubts(tracks: Sequence[Track]) -> Iterator[Finding]:
    """The findings about ``tracks`` together."""
    yield from _twice(tracks)
    graph = Graph(tracks)
    places = {track.track: track for track in tracks}
    for cycle in graph.cycles():
        shown = [f"{name} by '{places[name].rule}'" for name in cycle[:4]]
        more = " and so on" if len(cycle) > 4 else ""
        message = f"these wait for each other: {', '.join(shown)}{more}"
        yield Finding("error", "cycle", message, places[cycle[0]].line)
    yield from _unknown(tracks)
    yield from _shared_paths(tracks)


def _unknown(tracks: Sequence[Track]) -> Iterator[Finding]:
    """Names of tracks that are waited for and that the plan does not have."""
    known = {track.track for track in tracks}
    gone: dict[int, list[str]] = {}  # many tracks share one list: it is read once
    for track in tracks:
        if id(track.depends_on) not in gone:
            gone[id(track.depends_on)] = [need for need in track.depends_on if need not in known]
        for need in gone[id(track.depends_on)] if track.state not in SETTLED else ():
            message = f"{track.track} waits for {visible(need, 60)} by '{track.rule}', and there is no such track"
            yield Finding("error", "unknown_track", message, track.line)


def _twice(tracks: Sequence[Track]) -> Iterator[Finding]:
    seen: dict[str, Track] = {}
    for track in tracks:
        first = seen.setdefault(track.track.lower(), track)
        if first is not track:
            message = (
                f"{track.track} on line {track.line} and {first.track} on line {first.line} have the same name; "
                "give each group its own letter and each track its own number"
            )
            yield Finding("error", "duplicate_id", message, track.line)


def _shared_paths(tracks: Sequence[Track]) -> Iterator[Finding]:
    """Tracks that could be worked on at the same time, and whose declared paths overlap."""
    shared = Shared.of(tracks, _MOST_SHARING)
    if shared.left_out:
        number = len(shared.tracks) + shared.left_out
        message = f"{number} tracks name files that others name too; only the first {_MOST_SHARING} are compared"
        yield Finding("warn", CONFLICT, message)
    for track, others in shared.conflicts():
        first, second = sorted((others[0].track, track), key=lambda each: each.line)
        message = (
            f"{first.track} and {second.track} (lines {first.line} and {second.line}) both name "
            f"{visible(others[0].path, 120)}: a run lets one wait for the other"
        )
        yield Finding("warn", CONFLICT, message, second.line)


def summary(tracks: Sequence[Track], names: Mapping[str, str]) -> Iterator[Finding]:
    """What was found, and where work can start."""
    counts = Counter(track.state for track in tracks)
    states = ", ".join(f"{counts[state]} {state.replace('_', ' ')}" for state in _STATES if counts[state])
    groups = len({track.group for track in tracks} - {None})
    where = f" in {_counted(groups, 'group')}" if groups else ""
    yield Finding("ok", "tracks", f"{_counted(len(tracks), 'track')}{where}: {states}")
    now = [f"{key} ({names[key]})" if names[key] else key for key in current(tracks) if key is not None]
    if now:
        shown = ", ".join(visible(name, 60) for name in now[:_MOST_ALIKE])
        yield Finding("ok", "current", f"work can start in group {shown}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def bounded(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by line, with no more than a handful of one kind; how many more there are is said."""
    kept: list[Finding] = []
    count: Counter[tuple[Level, str]] = Counter()
    for finding in sorted(findings, key=lambda each: each.line):
        kind = finding.level, finding.rule
        count[kind] += 1
        if count[kind] <= _MOST_ALIKE:
            kept.append(finding)
    kept += [
        Finding(level, rule, f"and {number - _MOST_ALIKE} more of this kind")
        for (level, rule), number in count.items()
        if number > _MOST_ALIKE
    ]
    return tuple(kept)
