"""The gates of a run that a person has opened: ``approved.json``. It can be said with no daemon running."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.core.run import Gate
from orchestrator.core.typed import build, versioned
from orchestrator.errors import Unreadable
from orchestrator.host import clock, files
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import prepare, temp

VERSION: Final = 1

WAIT: Final = 5.0
"""Seconds to wait for another process that opens a gate at the same time."""


@dataclass(frozen=True, slots=True)
class Approval:
    """The gates that are open, and when the last of them was opened."""

    gates: tuple[Gate, ...]
    at: str = ""


def path(paths: RunLayout) -> str:
    """Return where the gates of a run are."""
    return f"{paths.folder}/approved.json"


def write(paths: RunLayout, gates: frozenset[Gate]) -> None:
    """Open these gates and no others. Raises ``SystemFailure``; then it is as before."""
    prepare(paths)
    fields = {"v": VERSION, "at": clock.iso(), "gates": sorted(gates)}
    files.publish(path(paths), json.dumps(fields).encode("ascii") + b"\n", temp(paths), durable=True)


def add(paths: RunLayout, gates: Iterable[Gate]) -> frozenset[Gate]:
    """Open these gates too; return all that are open then. What cannot be read is no yes, and is replaced.

    Raises ``GuardBusy`` and ``SystemFailure``; then it is as before.
    """
    prepare(paths)
    try:
        with files.guard(f"{paths.private}/approved.guard", WAIT, "the gates of the run"):
            opened = opened_of(paths) | frozenset(gates)
            write(paths, opened)
    except OSError as error:
        raise files.failure(error, "cannot open the gate") from error
    return opened


def opened_of(paths: RunLayout) -> frozenset[Gate]:
    """Return the gates of a run that are open; none where that cannot be read."""
    with suppress(Unreadable):
        approval = read(path(paths))
        return frozenset(approval.gates) if approval is not None else frozenset()
    return frozenset()


def read(file: str) -> Approval | None:
    """Read the gates in a file; None: a person has said nothing. Raises ``Unreadable`` with the reason."""
    try:
        return build(Approval, versioned(files.read(file).data, VERSION, "an approval"))
    except FileNotFoundError:
        return None
