"""Are the files there that the work was to bring: regular ones, not empty, and new."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orchestrator.core import pattern
from orchestrator.core.text import visible
from orchestrator.validators import changes
from orchestrator.validators.spec import Spec

_GIT: Final = ".git"
"""What is in there is nobody's work."""


@dataclass(frozen=True, slots=True)
class _Ground:
    folder: str
    changed: frozenset[str]
    since: float | None


def missing(folder: str, spec: Spec) -> list[str]:
    """Return a line for each of the paths below ``folder`` that no good file answers to."""
    ground = _Ground(os.path.realpath(folder), changes.since(folder, spec.base), spec.since)
    faults = ((each, _fault(ground, each)) for each in spec.paths)
    return [f"missing: {visible(each)}: {fault}" for each, fault in faults if fault]


def _fault(ground: _Ground, wanted: str) -> str:
    """Return why no file answers to ``wanted``: what is wrong with the first that might. Empty: one does."""
    if os.path.isabs(wanted) or ".." in wanted.split("/"):
        return "leads out of the working tree"
    first = ""
    for path in _candidates(ground.folder, pattern.parts(wanted)):
        fault = _fault_of(ground, path)
        if not fault:
            return ""
        first = first or f"{visible(path)} {fault}"
    return first or "there is no such file"


def _candidates(folder: str, wanted: tuple[str, ...]) -> Iterator[str]:
    """Yield the files that ``wanted`` names, as paths from ``folder``; links to folders are not followed."""
    if _GIT in wanted:
        return
    start = "/".join(pattern.fixed(wanted))
    top = os.path.join(folder, start)
    if not os.path.isdir(top):
        if os.path.lexists(top) and pattern.covers(wanted, start):
            yield start
        return
    for place, folders, names in os.walk(top):
        folders[:] = sorted(each for each in folders if each != _GIT)
        paths = (os.path.relpath(os.path.join(place, each), folder) for each in sorted(names))
        yield from (each for each in paths if pattern.covers(wanted, each))


def _fault_of(ground: _Ground, path: str) -> str:
    real = os.path.realpath(os.path.join(ground.folder, path))
    if os.path.commonpath((real, ground.folder)) != ground.folder:
        return "leads out of the working tree"
    try:
        facts = os.stat(real)
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if not stat.S_ISREG(facts.st_mode):
        return "is not a file"
    if facts.st_size == 0:
        return "is empty"
    is_new = path in ground.changed or (ground.since is not None and facts.st_mtime >= ground.since)
    return "" if is_new else "is as it was before the work began"
