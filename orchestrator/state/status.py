"""Writing status files: one writer at a time for each agent, whole, and never over a later claim's words.

Standard library only: the worker and ``orchd progress`` stand on this. What cannot be believed is moved or kept
aside in ``<run>/.d/aside``, and nothing is lost but the oldest beyond MOST_KEPT.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from typing import Final

from orchestrator.core import status as core
from orchestrator.core.name import check_name
from orchestrator.core.text import visible
from orchestrator.errors import Superseded, Unreadable
from orchestrator.host import clock, files, temps
from orchestrator.host.failpoint import reach
from orchestrator.state.layout import RunLayout
from orchestrator.state.once import publish_once

WAIT: Final = 5.0
"""Seconds to wait for another process that writes the same agent's status."""

MOST_KEPT: Final = 100
"""At most about this many files are kept aside in a run."""

_NOT_OURS: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.EACCES, errno.EPERM})

Fields = dict[str, object]


def temp(paths: RunLayout) -> str:
    """The folder of files that are not yet published."""
    return f"{paths.private}/tmp"


def aside(paths: RunLayout) -> str:
    """The folder of what was not believed."""
    return f"{paths.private}/aside"


def prepare(paths: RunLayout) -> None:
    """Make the run's folders; cheap when they are there. Raises ``UnsafeFolder`` and ``SystemFailure``."""
    parallel = os.path.dirname(paths.folder)
    for folder in (os.path.dirname(parallel), parallel, paths.folder, paths.private, temp(paths), aside(paths)):
        files.ensure_folder(folder)


def update(
    paths: RunLayout,
    agent_id: str,
    change: Callable[[Fields], Fields],
    *,
    fence: int,
    claim_fence: int | None = None,
    wait: float = WAIT,
) -> Fields:
    """Publish ``change`` of what the status file says (nothing: an empty dict) and return what was written.

    ``fence`` is the writer's. ``claim_fence`` is the last one given for the track, where that is known: then a
    confused file that names a later one stands in nobody's way. Version, agent, time of writing and fence are
    filled in. Terminal states survive a power cut. Where a later claim exists the change is kept aside and
    :class:`Superseded` raised; a file that cannot be believed is moved aside first. ``wait`` (s) is for another
    writer of the same file, then ``GuardBusy``.
    """
    check_name("agent", agent_id)
    prepare(paths)
    try:
        with files.guard(f"{paths.private}/{agent_id}.guard", wait, f"the status of {agent_id}"):
            reach("status.guarded")
            current = _current(paths, agent_id, None if claim_fence is None else max(claim_fence, fence))
            latest = max(claim_fence or 0, _fence_of(current))
            said = _stamped(change(dict(current)), agent_id, fence)
            if latest > fence:
                raise _superseded(paths, said, latest, fence)
            final = said.get("status") in core.TERMINAL
            files.publish(paths.status(agent_id), core.encode(said), temp(paths), durable=final)
            return said
    except OSError as error:
        raise files.failure(error, f"cannot write the status of {agent_id}") from error


def said(paths: RunLayout, agent_id: str) -> Fields:
    """Return what the status file says; nothing where it is not there or cannot be believed. Changes nothing."""
    try:
        return core.fields_of(core.decode(files.read(paths.status(agent_id), core.LARGEST).data, agent_id))
    except (FileNotFoundError, Unreadable):
        return {}


def _current(paths: RunLayout, agent_id: str, greatest: int | None) -> Fields:
    """Return what the file says; nothing where it is not there, and where it cannot be believed (then it moves).

    ``greatest`` is the last fence that was given out: a file that names a later one is not believed.
    """
    path = paths.status(agent_id)
    try:
        status = core.decode(files.read(path, core.LARGEST).data, agent_id)
        if greatest is None or (status.fence or 0) <= greatest:
            return core.fields_of(status)
    except FileNotFoundError:
        return {}
    except Unreadable as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno not in _NOT_OURS:
            raise cause from error
    _move_aside(paths, agent_id)
    return {}


def _fence_of(said: Mapping[str, object]) -> int:
    metadata = said.get("metadata")
    fence = metadata.get("fence") if isinstance(metadata, Mapping) else None
    return fence if isinstance(fence, int) else 0


def _stamped(said: Fields, agent_id: str, fence: int) -> Fields:
    metadata = said.get("metadata")
    kept = metadata if isinstance(metadata, Mapping) else {}
    return {
        "schema_version": core.VERSION,
        **said,
        "agent_id": agent_id,
        "last_update": clock.iso(),
        "metadata": {**kept, "fence": fence},
    }


def _superseded(paths: RunLayout, said: Fields, latest: int, fence: int) -> Superseded:
    agent_id = str(said["agent_id"])
    kept = _keep(paths, f"{agent_id}.{fence}", core.encode(said))
    return Superseded(
        f"the track of {agent_id} was claimed again since: its fence is {latest}, yours is {fence}; "
        f"your report is kept in {visible(kept)}",
        hint="stop working on it; another worker has the track",
    )


def keep_superseded(paths: RunLayout, agent_id: str, fence: int) -> str | None:
    """Copy a status file that was written under a lower fence than ``fence`` aside; return where to.

    None: there is no such file any more. Raises ``SystemFailure``.
    """
    prepare(paths)
    try:
        data = files.read(paths.status(agent_id), core.LARGEST).data
        status = core.decode(data, agent_id)
    except (FileNotFoundError, Unreadable):
        return None
    if status.fence is None or status.fence >= fence:
        return None
    try:
        return _keep(paths, f"{agent_id}.{status.fence}", data)
    except OSError as error:
        raise files.failure(error, f"cannot keep the status of {agent_id}") from error


def _keep(paths: RunLayout, name: str, data: bytes) -> str:
    _trim(paths)
    return next(path for path in _places(paths, name) if publish_once(path, data, temp(paths)))


def _move_aside(paths: RunLayout, agent_id: str) -> None:
    """Rename whatever stands at the path of a status file. The caller holds the agent's guard."""
    _trim(paths)
    free = next(path for path in _places(paths, f"{agent_id}.bad") if not os.path.lexists(path))
    os.rename(paths.status(agent_id), free)


def _places(paths: RunLayout, name: str) -> Iterator[str]:
    return (f"{aside(paths)}/{name}.{number}.status.json" for number in count(1))


def _trim(paths: RunLayout) -> None:
    """Make room for one more by removing the oldest; what cannot be unlinked stays."""
    with os.scandir(aside(paths)) as entries:
        aged = sorted((_changed_ns(each), each.path) for each in entries)
    for _, path in aged[: max(0, len(aged) - MOST_KEPT + 1)]:
        files.remove(path)


def _changed_ns(entry: os.DirEntry[str]) -> int:
    with suppress(FileNotFoundError):
        return entry.stat(follow_symlinks=False).st_ctime_ns
    return 0


def sweep(paths: RunLayout) -> int:
    """Remove the unpublished files of processes that are dead; return how many went."""
    try:
        folder = files.open_folder(temp(paths), ours=True)
    except FileNotFoundError:
        return 0
    try:
        return temps.sweep(folder)
    finally:
        os.close(folder)
