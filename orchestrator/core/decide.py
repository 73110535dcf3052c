"""Facts in, actions out. Time comes as an argument (monotonic seconds)."""

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StopWorker
from orchestrator.core.facts import RunFacts, TrackState, states_of
from orchestrator.core.schedule import hopeless, is_ready, startable


def decide(run: RunFacts, now: float) -> Sequence[Action]:
    """Return what is to be done about a run now; empty when there is nothing but to wait."""
    if run.ended or run.finishing:
        return ()
    states = states_of(run)
    if all(state.where == "ended" for state in states.values()):
        return (Finish(run.record.run),)
    endings = tuple(_endings(run, states))
    leaving = {each.agent_id for each in endings}
    starts = tuple(each for each in startable(run, states, now) if each.agent_id not in leaving)
    return (*endings, *_merge(run, states), *starts) or tuple(_give_up(run, states))


def wake_at(run: RunFacts, now: float) -> float | None:
    """Return when (monotonic s) there may be something to start although nothing happens before."""
    if run.ended or run.last_start is None:
        return None
    due = run.last_start + run.record.options.stagger_seconds
    return due if due > now else None


def _endings(run: RunFacts, states: Mapping[str, TrackState]) -> Iterator[EndTrack | StopWorker]:
    """End what failed, what was cancelled, and what waits for something that will not come."""
    name = run.record.run
    for track in run.tracks:
        spec, state = track.spec, states[track.spec.agent_id]
        cancelled = spec.track in run.cancelled
        if state.where == "failing" and track.doing != "recording":
            yield EndTrack(name, spec.agent_id, "cancelled" if cancelled else "failed", state.why, track.job_attempt)
        elif cancelled and state.where == "running" and not track.stopping:
            yield StopWorker(name, spec.agent_id)
        elif cancelled and state.where in ("waiting", "held"):
            yield EndTrack(name, spec.agent_id, "cancelled", "cancelled before it started", 0)
        elif state.where in ("waiting", "held") and (before := hopeless(run, track)):
            yield EndTrack(
                name, spec.agent_id, "failed", f"UNKNOWN: not started: it depends on {before}, which was not merged", 0
            )


def _merge(run: RunFacts, states: Mapping[str, TrackState]) -> Sequence[Integrate]:
    """Merge one track at a time, in the order in which they finished."""
    if any(state.where == "merging" for state in states.values()):
        return ()
    done = [each for each in run.tracks if states[each.spec.agent_id].where == "committed"]
    finished = [(each.result.ended_at, each.result.fence, each) for each in done if each.result is not None]
    return tuple(
        Integrate(run.record.run, track.spec.agent_id, track.job_attempt, fence)
        for _, fence, track in sorted(finished, key=lambda each: each[0])[:1]
    )


def _give_up(run: RunFacts, states: Mapping[str, TrackState]) -> Iterator[EndTrack]:
    """When nothing is left but tracks that others hold, the run ends without them."""
    for track in run.tracks:
        where = states[track.spec.agent_id].where
        if where not in ("ended", "held", "waiting") or (where == "waiting" and is_ready(run, track)):
            return
    for track in run.tracks:
        state = states[track.spec.agent_id]
        if state.where == "held":
            yield EndTrack(run.record.run, track.spec.agent_id, "failed", f"FILE_CONFLICT: not started: {state.why}", 0)
