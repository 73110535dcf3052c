"""How tracks ended, on disk: said once, and read again at the end of the run."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from orchestrator.core.refusal import applied
from orchestrator.core.result import Result
from orchestrator.core.run import Outcome, RunRecord
from orchestrator.errors import Unreadable
from orchestrator.host import clock, files
from orchestrator.state import refusals, results
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import aside

T = TypeVar("T", Outcome, Result)


def say(paths: RunLayout, outcome: Outcome) -> Outcome:
    """Write how a track ended and return what stands there then: the first word counts.

    What is no outcome is in nobody's way, nor is one that errs about whether the track was merged, which is not our
    word: whoever calls has looked into the repository. Both are set aside. Raises ``SystemFailure`` and ``OSError``.
    """
    if results.write_outcome(paths, outcome):
        return outcome
    agent_id = outcome.agent_id
    found = _read(results.read_outcome, paths.outcome(agent_id))
    if found is not None and _merge(found) == _merge(outcome):
        return found
    os.rename(paths.outcome(agent_id), f"{aside(paths)}/{agent_id}.bad.{clock.wall_ns()}.outcome.json")
    results.write_outcome(paths, outcome)
    return outcome


def _merge(outcome: Outcome) -> str | None:
    """Return the merge that an outcome tells of, None for one that tells of none."""
    return outcome.commit if outcome.ended == "merged" else None


def of_run(paths: RunLayout, record: RunRecord) -> list[Outcome]:
    """Return how every track of a run ended, in its order; one of which that cannot be read has failed."""
    return [
        _read(results.read_outcome, paths.outcome(track.agent_id))
        or Outcome(track.agent_id, track.track, "failed", "", error="UNKNOWN: how it ended cannot be read")
        for track in record.tracks
    ]


def results_of_run(paths: RunLayout, record: RunRecord) -> Mapping[str, Result]:
    """Return how the attempts at each track ended, by agent; what cannot be read is left out.

    One whose work was not merged has that for its error.
    """
    found = ((track.agent_id, _read(results.read_result, paths.result(track.agent_id))) for track in record.tracks)
    return {
        agent_id: replace(result, attempts=applied(result.attempts, refusals.known(paths, agent_id, result.track)))
        for agent_id, result in found
        if result is not None
    }


def _read(read: Callable[[str], T | None], path: str) -> T | None:
    try:
        return read(path)
    except Unreadable as error:
        files.raise_if_ran_out(error)
        return None
