"""What may start now: slots, order, and the pace of starts."""

from collections.abc import Mapping, Sequence

from orchestrator.core.actions import StartWorker
from orchestrator.core.facts import ACTIVE, RunFacts, TrackFacts, TrackState


def startable(run: RunFacts, states: Mapping[str, TrackState], now: float) -> Sequence[StartWorker]:
    """Return the workers to start now: at most one a stagger interval, at most the free slots.

    Tracks go in the order of the plan. ``now`` is monotonic seconds.
    """
    due = next_start(run)
    if due is not None and now < due:
        return ()
    free = run.record.options.agents - sum(state.where in ACTIVE for state in states.values())
    if run.record.options.stagger_seconds > 0:
        free = min(free, 1)
    ready = [each for each in run.tracks if states[each.spec.agent_id].where == "waiting" and is_ready(run, each)]
    return tuple(
        StartWorker(run.record.run, each.spec.agent_id, each.job_attempt or 1) for each in ready[: max(free, 0)]
    )


def next_start(run: RunFacts) -> float | None:
    """Return before when (monotonic s) nothing may start; None: there is no such time."""
    return None if run.last_start is None else run.last_start + run.record.options.stagger_seconds


def is_ready(run: RunFacts, track: TrackFacts) -> bool:
    """Tell whether everything that the track depends on has been merged."""
    return not unmet(run, track)


def unmet(run: RunFacts, track: TrackFacts) -> frozenset[str]:
    """Return the tracks of this run that the track depends on and that were not merged so far."""
    left = {each.spec.track for each in run.tracks if each.outcome is None or each.outcome.ended != "merged"}
    return frozenset(track.spec.depends_on) & left


def hopeless(run: RunFacts, track: TrackFacts) -> str:
    """Return the id of a track that this one depends on and that ended unmerged; empty when there is none."""
    ended = {each.spec.track for each in run.tracks if each.outcome is not None}
    return min(unmet(run, track) & ended, default="")
