"""What the status files of a run say, and what is wrong with those that cannot be believed.

Nothing is raised, written or deleted here, whatever lies in the folder. A look at a file costs a stat; it is read
only when it changed. Hand ``known`` of one scan to the next one; without it every file is read.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from operator import attrgetter
from typing import Final

from orchestrator.core.name import is_name
from orchestrator.core.status import LARGEST, Status, judge_update
from orchestrator.core.text import visible
from orchestrator.errors import Unreadable
from orchestrator.host import clock, files
from orchestrator.state.door import SUFFIX, read_status
from orchestrator.state.layout import RunLayout

MOST_STRANGERS: Final = 100
"""So many strangers' files are named; the others are counted."""

MOST: Final = 20_000
"""So many files that say they are of some status are looked at; of more, those of agents that have a job."""

SETTLED_NS: Final = 100_000_000
"""A file younger than this may change again without its times showing it, so it is read once more."""

_LAST_NS: Final = 253_402_300_799_000_000_000
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS: Final = frozenset(
    {"run.json", "run.pidlock", "cancel.json", "approved.json", "summary.md", "metrics.json", "artifacts", ".d"}
)
_JOB: Final = ".job.json"
_ENDINGS: Final = (SUFFIX, _JOB, ".result.json", ".outcome.json", ".answer.json", ".metrics.json")


@dataclass(frozen=True, slots=True)
class Problem:
    """One file that cannot be believed; ``since`` is when it was written (ISO 8601). All are safe to show.

    Two are equal when they say the same of the same file.
    """

    path: str
    reason: str
    since: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one file: ``status`` is the last one believed, ``key`` tells when to read it again.

    ``written_ns`` is its modification time (ns since the epoch). ``superseded_by`` is the claim's fence, where the
    file was written under a lower one.
    """

    key: tuple[int, ...] | None
    status: Status | None = None
    problem: Problem | None = None
    written_ns: int = 0
    superseded_by: int | None = None

    @property
    def is_settled(self) -> bool:
        """Tell whether the file is believed, and not read again before it is another one."""
        return self.key is not None and self.status is not None and self.problem is None


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at a run's folder. ``superseded`` names the agents whose file is newly so."""

    known: dict[str, Known]
    problems: tuple[Problem, ...]
    superseded: tuple[str, ...] = ()

    @property
    def statuses(self) -> Mapping[str, Status]:
        """The last status believed of each agent."""
        return {agent_id: each.status for agent_id, each in self.known.items() if each.status is not None}


@dataclass(frozen=True, slots=True)
class _Look:
    """A folder being looked at."""

    paths: RunLayout
    fd: int
    now_ns: int
    fences: Mapping[str, int]

    def problem(self, name: str, reason: str, written_ns: int) -> Problem:
        """Return the problem with the file ``name``, whatever its name and its time are."""
        since = clock.iso(min(max(written_ns, 0), _LAST_NS))
        return Problem(visible(f"{self.paths.folder}/{name}", 500), reason, since)


def scan_statuses(
    paths: RunLayout, known: Mapping[str, Known], fences: Mapping[str, int], only: Collection[str] | None = None
) -> Scan:
    """Look at the status files of a run; ``fences`` are those of the claims of this run, by track.

    ``only``: the agents whose files may have changed; what is known of the others holds, and the problems are those of
    status files alone.
    """
    try:
        fd = os.open(paths.folder, _FOLDER)
    except FileNotFoundError:
        return Scan({}, ())
    except OSError as error:
        return _blind(paths, known, error)
    try:
        look = _Look(paths, fd, clock.wall_ns(), fences)
        if only is not None:
            return _again(look, only, known)
        with os.scandir(fd) as entries:
            listed = list(entries)  # at once: while a folder changes, a slow listing may miss what was there all along
        return _scan(look, listed, known)
    except OSError as error:
        return _blind(paths, known, error)
    finally:
        os.close(fd)


def _blind(paths: RunLayout, known: Mapping[str, Known], error: OSError) -> Scan:
    """The folder cannot be read: what was known stands."""
    reason = f"the folder cannot be read: {os.strerror(error.errno or 0).lower()}"
    return Scan(dict(known), (Problem(visible(paths.folder, 500), reason, clock.iso()),))


def _again(look: _Look, agents: Collection[str], known: Mapping[str, Known]) -> Scan:
    """Look at the files of these agents, as long as there are not too many."""
    found = dict(known)
    superseded = []
    for agent_id in agents:
        before = known.get(agent_id, _NOTHING)
        if before is _NOTHING and (not is_name(agent_id) or len(found) >= MOST):
            continue
        now = _file(look, agent_id + SUFFIX, before)
        if now is None:
            found.pop(agent_id, None)
            continue
        found[agent_id] = now
        if now is not before and _is_newly_superseded(before, now):
            superseded.append(agent_id)
    return Scan(found, _bad_ones(found), tuple(superseded))


def _bad_ones(found: Mapping[str, Known]) -> tuple[Problem, ...]:
    bad = (now.problem for now in found.values() if now.problem is not None)
    return tuple(sorted(bad, key=attrgetter("path")))


def _scan(look: _Look, listed: list[os.DirEntry[str]], known: Mapping[str, Known]) -> Scan:
    """Look at each entry in the order of the folder: in any other, ten thousand looks take twice as long."""
    found: dict[str, Known] = {}
    strange: list[os.DirEntry[str]] = []
    superseded: list[str] = []
    looked_at = _bounded(listed, known)
    for entry in looked_at:
        agent_id = entry.name.removesuffix(SUFFIX)
        before = known.get(agent_id, _NOTHING)
        if agent_id == entry.name or (before is _NOTHING and not is_name(agent_id)):
            if not _belongs(entry.name):
                strange.append(entry)
            continue
        now = _file(look, entry.name, before)
        if now is not None:
            found[agent_id] = now
            if now is not before and _is_newly_superseded(before, now):
                superseded.append(agent_id)
    problems = (*_bad_ones(found), *_strangers(look, strange), *_left_out(look, len(listed) - len(looked_at)))
    return Scan(found, problems, tuple(superseded))


def _bounded(listed: list[os.DirEntry[str]], known: Mapping[str, Known]) -> list[os.DirEntry[str]]:
    """Leave out the status files beyond MOST, but none that is known already or that has a job beside it."""
    if len(listed) <= MOST:
        return listed
    names = {entry.name for entry in listed}
    room = MOST - len(known)
    kept = []
    for entry in listed:
        agent_id = entry.name.removesuffix(SUFFIX)
        if agent_id != entry.name and agent_id not in known and f"{agent_id}{_JOB}" not in names:
            room -= 1
            if room < 0:
                continue
        kept.append(entry)
    return kept


def _left_out(look: _Look, count: int) -> Iterator[Problem]:
    if count:
        yield look.problem("", f"{count} more files of a status than are looked at", look.now_ns)


def _is_newly_superseded(before: Known, now: Known) -> bool:
    """Tell whether a file was superseded when it was written, and is seen so for the first time."""
    return bool(now.superseded_by) and not (before.superseded_by and before.written_ns == now.written_ns)


def _file(look: _Look, name: str, before: Known) -> Known | None:
    """Return what is known of one file now; None: it went while we looked."""
    written_ns = look.now_ns
    try:
        facts = os.stat(name, dir_fd=look.fd, follow_symlinks=False)
        key = (facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size)
        if before.key == key:
            return before
        written_ns = facts.st_mtime_ns
        content = files.read(name, LARGEST, folder=look.fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _bad(look, name, Known(None, before.status), os.strerror(error.errno or 0).lower())
    except Unreadable as error:
        passing = isinstance(error.__cause__, OSError)  # permissions, descriptors: its times will not tell
        return _bad(look, name, Known(None if passing else key, before.status, None, written_ns), error.message)
    settled = look.now_ns - content.written_ns > SETTLED_NS
    return _content(look, name, content.data, Known(key if settled else None, before.status, None, written_ns))


def _bad(look: _Look, name: str, known: Known, reason: str) -> Known:
    return replace(known, problem=look.problem(name, reason, known.written_ns))


def _content(look: _Look, name: str, data: bytes, known: Known) -> Known:
    """Judge what was read; ``known`` has the last status believed."""
    try:
        status = read_status(name, data)
    except Unreadable as error:
        return _bad(look, name, known, error.message)
    fence = look.fences.get(status.track or "")
    refused = judge_update(known.status, status, fence)
    if refused is None:
        return replace(known, status=status)
    lower = fence is not None and status.fence is not None and status.fence < fence
    return replace(_bad(look, name, known, refused), superseded_by=fence if lower else None)


def _strangers(look: _Look, strange: list[os.DirEntry[str]]) -> Iterator[Problem]:
    """Name what does not belong into the folder; it is left alone."""
    for entry in nsmallest(MOST_STRANGERS, strange, key=attrgetter("name")):
        yield look.problem(entry.name, "not a file of this run; it is left alone", _written_ns(entry))
    if len(strange) > MOST_STRANGERS:
        more = f"{len(strange) - MOST_STRANGERS} more that are not files of this run"
        yield look.problem("", more, look.now_ns)


def _written_ns(entry: os.DirEntry[str]) -> int:
    with suppress(OSError):
        return entry.stat(follow_symlinks=False).st_mtime_ns
    return 0


def _belongs(name: str) -> bool:
    if name in _OTHERS:
        return True
    ending = next((each for each in _ENDINGS if name.endswith(each)), None)
    return ending is not None and is_name(name.removesuffix(ending))


_NOTHING: Final = Known(None)
