"""A person's answer to the question of a track: ``agent-<n>.answer.json``. It can be given with no daemon running."""

import json
from dataclasses import asdict, dataclass
from typing import Final

from orchestrator.core.typed import build, versioned
from orchestrator.host import clock, files
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import prepare, temp

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said to the ``question`` of an attempt."""

    attempt: int
    question: str
    text: str
    at: str = ""


def write(paths: RunLayout, agent_id: str, answer: Answer) -> None:
    """Put down an answer, over the one to an attempt before. Raises ``SystemFailure``; then that one stands."""
    prepare(paths)
    fields = {"v": VERSION, **asdict(answer), "at": answer.at or clock.iso()}
    data = json.dumps(fields, indent=1).encode("ascii") + b"\n"
    files.publish(paths.answer(agent_id), data, temp(paths), durable=True)


def read(path: str) -> Answer | None:
    """Read the answer in a file; None: there is none. Raises ``Unreadable`` with the reason."""
    try:
        return build(Answer, versioned(files.read(path).data, VERSION, "an answer"))
    except FileNotFoundError:
        return None
