"""What is doubtful about a plan as a whole: names twice, circles, tracks that touch the same files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from orchestrator.core.graph import SETTLED, Graph
from orchestrator.core.text import visible
from orchestrator.core.track import Finding, Level, Mark, Track
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
    yield from _shared_paths(tracks, graph, places)


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


def _shared_paths(tracks: Sequence[Track], graph: Graph, places: Mapping[str, Track]) -> Iterator[Finding]:
    """Files and folders that two tracks name which may run at the same time."""
    rows = {path: list(names) for path, names in _users(tracks).items() if len(names) > 1}
    involved = list(dict.fromkeys(name for names in rows.values() for name in names))
    if len(involved) > _MOST_SHARING:
        message = f"{len(involved)} tracks name files that others name too; only the first {_MOST_SHARING} are compared"
        yield Finding("warn", "shared_path", message)
    compared = set(involved[:_MOST_SHARING])
    rows = {path: [name for name in names if name in compared] for path, names in rows.items()}
    said: set[tuple[str, str]] = set()
    for path, pair in zip(rows, graph.side_by_side(list(rows.values())), strict=True):
        if pair is not None and pair not in said:
            said.add(pair)
            first, second = sorted(places[name].line for name in pair)
            where = f"lines {first} and {second}"
            message = f"{' and '.join(pair)} ({where}) may run together, and both name {visible(path, 120)}"
            yield Finding("warn", "shared_path", message, second)


def _users(tracks: Sequence[Track]) -> dict[str, dict[str, None]]:
    """For each file and folder the unsettled tracks that name it, or something in it."""
    users: dict[str, dict[str, None]] = {}
    for track in tracks:
        if track.state not in SETTLED:
            for path in track.paths:
                users.setdefault(_plain(path), {})[track.track] = None
    for path, names in list(users.items()):
        for folder in _above(path):
            if folder in users:
                users[folder] |= names
    return users


def _plain(path: str) -> str:
    """A path as it is compared: a folder without its slash, and without a star for all that is in it."""
    return path.removesuffix("/**").removesuffix("/*").rstrip("/")


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


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
