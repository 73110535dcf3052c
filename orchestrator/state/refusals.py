"""The refusals of a track on disk: written by the orchestrator alone, in the run's private folder."""

from orchestrator.core import refusal
from orchestrator.core.refusal import Refusal, Refusals
from orchestrator.errors import Unreadable
from orchestrator.host import files
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import prepare, temp


def path(paths: RunLayout, agent_id: str) -> str:
    """Return where the refusals of a track stand."""
    return f"{paths.private}/{agent_id}.refused.json"


def read(file: str) -> Refusals | None:
    """Return the refusals in a file; None: there is none. Raises ``Unreadable`` with the reason."""
    try:
        return refusal.decode(files.read(file).data)
    except FileNotFoundError:
        return None


def known(paths: RunLayout, agent_id: str, track: str) -> Refusals:
    """Return the refusals of a track; what cannot be read is not known."""
    try:
        found = read(path(paths, agent_id))
    except Unreadable as error:
        files.raise_if_ran_out(error)
        found = None
    return found or Refusals(agent_id, track)


def add(paths: RunLayout, before: Refusals, said: Refusal) -> None:
    """Put down one more. Raises ``SystemFailure``; then what was there before stands."""
    prepare(paths)
    data = refusal.encode(before.with_one(said))
    files.publish(path(paths, before.agent_id), data, temp(paths), durable=True)
