"""What those said who judged the whole run before it was pushed: ``.d/validators.json`` in the run's folder."""

import json
from dataclasses import asdict, dataclass
from typing import Final

from orchestrator.core.result import PhaseResult
from orchestrator.core.typed import build, versioned
from orchestrator.host import files
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import prepare, temp

VERSION: Final = 1
LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The commit that was judged, and how each of them ended; ``ACCEPT`` by all of them lets it pass."""

    commit: str
    phases: tuple[PhaseResult, ...]

    @property
    def refusal(self) -> PhaseResult | None:
        """The first that does not accept, None where all do."""
        return next((each for each in self.phases if each.verdict != "ACCEPT"), None)


def write(paths: RunLayout, verdicts: Verdicts) -> None:
    """Put down what was said, over what was said before. Raises ``SystemFailure``; then that stands."""
    prepare(paths)
    data = json.dumps({"v": VERSION, **asdict(verdicts)}, indent=1).encode("ascii") + b"\n"
    files.publish(_file(paths), data, temp(paths), durable=True)


def read(paths: RunLayout) -> Verdicts | None:
    """Return what was said; None where nobody judged. Raises ``Unreadable`` with the reason."""
    try:
        return build(Verdicts, versioned(files.read(_file(paths), LARGEST).data, VERSION, "verdicts"))
    except FileNotFoundError:
        return None


def forget(paths: RunLayout) -> None:
    """Have those asked again who judged; that nobody did is no fault."""
    files.remove(_file(paths))


def _file(paths: RunLayout) -> str:
    return f"{paths.private}/validators.json"
