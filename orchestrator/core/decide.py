"""Facts in, actions out. Time comes as an argument (monotonic seconds)."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final

from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StopWorker
from orchestrator.core.facts import ACTIVE, RunFacts, TrackFacts, TrackState, states_of
from orchestrator.core.schedule import hopeless, is_ready, next_start, startable, unmet

MARGIN: Final = 3.0
"""Seconds that a worker gets beyond the grace of its agents, and that a killed one gets to be gone."""


def decide(run: RunFacts, now: float) -> Sequence[Action]:
    """Return what is to be done about a run now; empty when there is nothing but to wait."""
    if run.ended or run.finishing:
        return ()
    states = states_of(run)
    if all(state.where == "ended" for state in states.values()):
        return (Finish(run.record.run),)
    endings = tuple(_endings(run, states, now))
    leaving = {each.agent_id for each in endings}
    starts = tuple(each for each in startable(run, states, now) if each.agent_id not in leaving)
    return (*endings, *_merge(run, states, leaving), *starts) or tuple(_give_up(run, states))


def stop_all(run: RunFacts, now: float) -> Sequence[StopWorker]:
    """Return what is to be done to end every worker of a run, and nothing else about it."""
    found = (_stop(run, track, now) for track in _active(run) if _has_worker(track))
    return tuple(each for each in found if each is not None)


def is_quiet(run: RunFacts, now: float) -> bool:
    """Tell whether no worker of the run is left, or none that can be ended."""
    return all(_is_beyond_us(run, track, now) for track in _active(run))


def _active(run: RunFacts) -> list[TrackFacts]:
    states = states_of(run)
    return [track for track in run.tracks if states[track.spec.agent_id].where in ACTIVE]


def wake_at(run: RunFacts, now: float) -> float | None:
    """Return when (monotonic s) there may be something to do although nothing happens before."""
    if run.ended:
        return None
    times = [next_start(run), *(_next_step(run, track) for track in run.tracks if track.outcome is None)]
    return min((each for each in times if each is not None and each > now), default=None)


def _endings(run: RunFacts, states: Mapping[str, TrackState], now: float) -> Iterator[EndTrack | StopWorker]:
    for track in run.tracks:
        action = _ending(run, track, states[track.spec.agent_id], now)
        if action is not None:
            yield action


def _ending(run: RunFacts, track: TrackFacts, state: TrackState, now: float) -> EndTrack | StopWorker | None:
    """End what failed, what was cancelled, what a dead worker left, and what waits for something that will not come."""
    cancelled = track.spec.track in run.cancelled
    match state.where:
        case "failing":
            return None if track.doing == "recording" else _end(run, track, state.why)
        case "running" | "orphaned" | "starting" if state.where == "orphaned" or (cancelled and _has_worker(track)):
            if _is_beyond_us(run, track, now):
                return _end(run, track, f"RESOURCE_ERROR: its processes could not be ended: {state.why}")
            return _stop(run, track, now)
        case "committed" if cancelled:
            return _end(run, track, "cancelled before it was merged")
        case "waiting" | "held" if cancelled:
            return _end(run, track, "cancelled before it started")
        case "waiting" | "held" if before := hopeless(run, track):
            return _end(run, track, f"UNKNOWN: not started: it depends on {before}, which was not merged")
    return None


def _has_worker(track: TrackFacts) -> bool:
    """Tell whether there is somebody to be asked; while its worktree is being made there is not yet."""
    return track.doing != "starting"


def _end(run: RunFacts, track: TrackFacts, why: str) -> EndTrack:
    cancelled = track.spec.track in run.cancelled
    return EndTrack(run.record.run, track.spec.agent_id, "cancelled" if cancelled else "failed", why, track.job_attempt)


def _stop(run: RunFacts, track: TrackFacts, now: float) -> StopWorker | None:
    """Ask once, and kill what is still there after the grace; None while there is nothing but to wait."""
    if track.asked is None:
        return StopWorker(run.record.run, track.spec.agent_id)
    if not track.forced and now >= track.asked + _patience(run):
        return StopWorker(run.record.run, track.spec.agent_id, force=True)
    return None


def _is_beyond_us(run: RunFacts, track: TrackFacts, now: float) -> bool:
    """Tell whether what was killed does not go: it cannot be proven to be ours, or the kernel holds it."""
    return track.forced and track.asked is not None and now >= track.asked + _patience(run) + MARGIN


def _patience(run: RunFacts) -> float:
    return run.record.options.grace_seconds + MARGIN


def _next_step(run: RunFacts, track: TrackFacts) -> float | None:
    if track.asked is None:
        return None
    return track.asked + _patience(run) + (MARGIN if track.forced else 0.0)


def _merge(run: RunFacts, states: Mapping[str, TrackState], leaving: Container[str]) -> Sequence[Integrate]:
    """Merge one track at a time, in the order in which they finished."""
    if any(state.where == "merging" for state in states.values()):
        return ()
    done = [each for each in run.tracks if states[each.spec.agent_id].where == "committed"]
    kept = [each for each in done if each.spec.agent_id not in leaving]
    finished = [(each.result.ended_at, each.result.fence, each) for each in kept if each.result is not None]
    return tuple(
        Integrate(run.record.run, track.spec.agent_id, track.job_attempt, fence)
        for _, fence, track in sorted(finished, key=lambda each: each[0])[:1]
    )


def _give_up(run: RunFacts, states: Mapping[str, TrackState]) -> Iterator[EndTrack]:
    """When nothing is left but tracks that others hold, or that wait for each other, the run ends without them."""
    for track in run.tracks:
        where = states[track.spec.agent_id].where
        if where not in ("ended", "held", "waiting") or (where == "waiting" and is_ready(run, track)):
            return
    left = [each for each in run.tracks if states[each.spec.agent_id].where != "ended"]
    held = [each for each in left if states[each.spec.agent_id].where == "held"]
    for track in held or left:
        why = f"FILE_CONFLICT: not started: {states[track.spec.agent_id].why}"
        if not held:
            why = f"UNKNOWN: not started: it waits for {', '.join(sorted(unmet(run, track)))}, which waits for it"
        yield _end(run, track, why)
