"""What may start now: slots, order, and the pace of starts."""

from collections.abc import Mapping, Sequence

from orchestrator.core.actions import StartWorker
from orchestrator.core.facts import ACTIVE, RunFacts, TrackFacts, TrackState


def startable(run: RunFacts, states: Mapping[str, TrackState], now: float) -> Sequence[StartWorker]:
    """Return the workers to start now: at most one a stagger interval, at most the free slots.

    Tracks go in the order of the plan. ``now`` is monotonic seconds.
    """
    options = run.record.options
    free = options.agents - sum(state.where in ACTIVE for state in states.values())
    ready = [each for each in run.tracks if states[each.spec.agent_id].where == "waiting" and is_ready(run, each)]
    if options.stagger_seconds > 0:
        free = min(free, 1)
        if run.last_start is not None and now < run.last_start + options.stagger_seconds:
            return ()
    return tuple(
        StartWorker(run.record.run, each.spec.agent_id, each.job_attempt or 1) for each in ready[: max(free, 0)]
    )


def is_ready(run: RunFacts, track: TrackFacts) -> bool:
    """Tell whether everything that the track depends on has been merged."""
    merged = {each.spec.track for each in run.tracks if each.outcome is not None and each.outcome.ended == "merged"}
    return not (unmet(run, track) - merged)


def unmet(run: RunFacts, track: TrackFacts) -> frozenset[str]:
    """Return the tracks of this run that the track depends on."""
    members = {each.spec.track for each in run.tracks}
    return frozenset(track.spec.depends_on) & members


def hopeless(run: RunFacts, track: TrackFacts) -> str:
    """Return the id of a track that this one depends on and that ended unmerged; empty when there is none."""
    failed = {each.spec.track for each in run.tracks if each.outcome is not None and each.outcome.ended != "merged"}
    return min(unmet(run, track) & failed, default="")
