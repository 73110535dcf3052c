"""The gates of a run that a person has opened: ``approved.json``. It can be said with no daemon running."""

import json
from dataclasses import dataclass
from typing import Final

from orchestrator.core.run import Gate
from orchestrator.core.typed import build, versioned
from orchestrator.host import clock, files
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import prepare, temp

VERSION: Final = 1


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


def read(file: str) -> Approval | None:
    """Read the gates in a file; None: a person has said nothing. Raises ``Unreadable`` with the reason."""
    try:
        return build(Approval, versioned(files.read(file).data, VERSION, "an approval"))
    except FileNotFoundError:
        return None
