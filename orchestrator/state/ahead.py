"""The conflicts that are ahead in a run, as they were seen last: ``.d/ahead.json``. For people; nothing rests on it."""

import json
from dataclasses import asdict, dataclass
from typing import Final

from orchestrator.core.probe import Clash
from orchestrator.core.typed import build, versioned
from orchestrator.host import files
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import prepare, temp

VERSION: Final = 1
LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ahead:
    """What was seen, and when (ISO 8601)."""

    at: str
    clashes: tuple[Clash, ...] = ()


def write(paths: RunLayout, seen: Ahead) -> None:
    """Put down what was seen, over what was seen before. Raises ``SystemFailure``."""
    prepare(paths)
    data = json.dumps({"v": VERSION, **asdict(seen)}, indent=1).encode("ascii") + b"\n"
    files.publish(path(paths), data, temp(paths))


def read(paths: RunLayout) -> Ahead | None:
    """Return what was seen last; None where nobody looked. Raises ``Unreadable`` with the reason."""
    try:
        return build(Ahead, versioned(files.read(path(paths), LARGEST).data, VERSION, "conflicts ahead"))
    except FileNotFoundError:
        return None


def path(paths: RunLayout) -> str:
    """Return where it stands."""
    return f"{paths.private}/ahead.json"
