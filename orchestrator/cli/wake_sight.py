"""What there is to see at a wake: claims, outputs, statuses and logs. Looking changes nothing."""

import glob
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orchestrator.claims import FileClaims, Seen
from orchestrator.core.status import TERMINAL, Status
from orchestrator.core.text import visible
from orchestrator.core.wake import Facts
from orchestrator.host import logfile
from orchestrator.settings.wake_file import WakeFile
from orchestrator.state.layout import Layout
from orchestrator.state.scan import scan_statuses
from orchestrator.worker.ending import last_line

Files = Mapping[str, tuple[int, int]]
"""Files by path, each with its size (bytes) and when it was written (ns since the epoch)."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen. ``gone``: tracks whose owner is dead, or that nobody holds. ``said``: a line a worker.

    ``found`` outputs of ``wanted``; ``doubts``: what could not be told, and counts as at work.
    """

    facts: Facts
    gone: tuple[str, ...]
    found: int
    wanted: int
    said: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def see(layout: Layout, told: WakeFile, alive: Mapping[str, str]) -> Sight:
    """Look. ``alive`` has the answer of the command [alive]: what is at work, and why that is doubtful, or empty."""
    claims = [each for each in FileClaims(layout.root).list() if _matches(each.track, told.tracks)]
    held = {each.track: each for each in claims if each.verdict.state != "dead"}
    named = [each for each in told.tracks if not set(each) & set("*?[")]
    statuses = _statuses(layout, told, claims)
    listed = _listed(layout.root, told.outputs.files)
    matched = _matched(layout.root, told.outputs.globs)
    facts = Facts(
        working=(*sorted(held), *alive),
        missing=tuple(_missing(told, listed, matched)),
        marks={
            "claims": _digest(sorted((each.track, each.token) for each in held.values())),
            "outputs": _digest({**matched, **listed}),
            "statuses": _digest([_gist(each) for each in statuses]),
            "logs": _digest(_matched(layout.root, _logs(claims))),
            "signs": _digest(_matched(layout.root, told.signs)),
        },
        asking=tuple(each for each in map(_question, statuses) if each),
    )
    wanted = len(set(told.outputs.files)) + (told.outputs.expected or 0)
    dead = {each.track for each in claims} | set(named)
    said = tuple(_word(layout, each, statuses) for each in sorted(held))
    doubts = (*(f"{each}: {why}" for each, why in alive.items() if why), *_doubts(held.values()))
    return Sight(facts, tuple(sorted(dead - set(held))), len({**matched, **listed}), wanted, said, doubts)


def _matches(track: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(track, each) for each in patterns)


def _doubts(held: Iterable[Seen]) -> Iterable[str]:
    """Say which owners are not known to be alive: they count as at work."""
    return (f"{each.track}: {visible(each.verdict.why, 200)}" for each in held if each.verdict.state != "alive")


def _statuses(layout: Layout, told: WakeFile, claims: list[Seen]) -> list[Status]:
    if told.run is None:
        return []
    fences = {each.track: each.fence for each in claims if each.fence is not None}
    found = scan_statuses(layout.run(told.run), {}, fences).statuses
    return [found[agent_id] for agent_id in sorted(found)]


def _question(status: Status) -> str:
    question = (status.needs_input or {}).get("question")
    return f"{status.agent_id}: {visible(str(question), 300)}" if question and status.status not in TERMINAL else ""


def _gist(status: Status) -> list[object]:
    """Return what of a status is different when there is progress; its heartbeat is not."""
    return [status.agent_id, status.attempt, status.status, status.current_stage, status.progress_percentage]


def _logs(claims: list[Seen]) -> list[str]:
    return [f"orchestrator_logs/{glob.escape(each.track)}.log" for each in claims]


def _listed(root: str, names: Iterable[str]) -> Files:
    return {name: facts for name in names if (facts := _made(os.path.join(root, name))) is not None}


def _matched(root: str, patterns: Iterable[str]) -> Files:
    names = {name for each in patterns for name in glob.iglob(each, root_dir=root, recursive=True)}
    return _listed(root, sorted(names))


def _made(path: str) -> tuple[int, int] | None:
    """Return size and time of a file that was made; an empty one was only begun."""
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return None
    return (facts.st_size, facts.st_mtime_ns) if stat.S_ISREG(facts.st_mode) and facts.st_size else None


def _missing(told: WakeFile, listed: Files, matched: Files) -> Iterable[str]:
    yield from (each for each in dict.fromkeys(told.outputs.files) if each not in listed)
    expected = told.outputs.expected or 0
    if len(matched) < expected:
        patterns = " or ".join(told.outputs.globs)
        yield f"{expected - len(matched)} more of {expected} files that match {patterns}"


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("ascii")).hexdigest()[:16]


def _word(layout: Layout, track: str, statuses: list[Status]) -> str:
    """Return what a worker last said: its status, and the last line of its log."""
    status = next((each for each in statuses if each.track == track), None)
    parts = []
    if status is not None:
        percent = "" if status.progress_percentage is None else f"{status.progress_percentage}%"
        parts = [status.status, status.current_stage or "", percent]
    parts.append(last_line(logfile.end_of(layout.log(track))) or "its log says nothing")
    return visible(f"{track}: {', '.join(each for each in parts if each)}", 500)
