"""Facts in, actions out. Time comes as an argument (monotonic seconds)."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final

from orchestrator.core import budget, probe
from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StartWorker, StopWorker, Unmerged
from orchestrator.core.facts import RunFacts, TrackFacts
from orchestrator.core.phase import Cause
from orchestrator.core.run import Gate
from orchestrator.core.schedule import Order, Picked, next_start
from orchestrator.core.standing import Rule, Standing, TrackState
from orchestrator.core.states import ACTIVE

MARGIN: Final = 3.0
"""Seconds that a worker gets beyond the grace of its agents, and that a killed one gets to be gone."""

BEATS: Final = 3
"""So many heartbeats of a worker may be missing, beyond the time that its agent may be quiet."""

_CAUSES: Final[Mapping[Rule, Cause]] = {
    "answer": "answered",
    "limit": "limit",
    "retry": "retry",
    "cleanup": "cleanup",
    "resolve": "resolve",
}


def decide(standing: Standing, order: Order) -> Sequence[Action]:
    """Return what is to be done about a run now; empty when there is nothing but to wait."""
    run = standing.run
    if run.ended or run.finishing:
        return ()
    if all(each.outcome is not None for each in run.tracks):
        return () if _waits_to_push(standing) else (Finish(run.record.run),)
    endings = tuple(_endings(standing))
    leaving = {each.agent_id for each in endings}
    starts = tuple(each for each in _starts(standing, order) if each.agent_id not in leaving)
    return (*endings, *_merge(standing, leaving), *starts) or tuple(_give_up(standing, order))


def stop_all(standing: Standing) -> Sequence[StopWorker]:
    """Return what is to be done to end every worker of a run, and nothing else about it."""
    found = (_stop(standing, track) for track in active(standing) if track.doing != "starting")
    return tuple(each for each in found if each is not None)


def is_quiet(standing: Standing) -> bool:
    """Tell whether no worker of the run is left, or none that can be ended."""
    return all(_is_beyond_us(standing, track) for track in active(standing))


def active(standing: Standing) -> list[TrackFacts]:
    """Return the tracks that have a worker, or one on its way."""
    return [track for track in standing.run.tracks if _has_worker(standing.of(track))]


def _has_worker(state: TrackState) -> bool:
    return state.where in ACTIVE and state.rule != "freeing"


def wake_at(standing: Standing) -> float | None:
    """Return when (monotonic s) there may be something to do although nothing happens before."""
    run, now = standing.run, standing.now
    if run.ended:
        return None
    times = [next_start(run), *(_next_step(run, track) for track in run.tracks if track.outcome is None)]
    times += [each.until for each in standing.states.values()]
    times.append(_given_up_at(standing))
    limit = standing.options.budget.run.seconds
    times += [] if limit is None else [now + limit - budget.run_seconds(run, now)]
    return min((each for each in times if each is not None and each > now), default=None)


def picked(standing: Standing, order: Order) -> Picked:
    """Return who starts now of all that are ready, and why the others do not."""
    ready = [agent_id for agent_id, state in standing.states.items() if state.where == "ready"]
    busy = [agent_id for agent_id, state in standing.states.items() if state.where in ACTIVE]
    return order.startable(ready, busy, standing.run, standing.now) if ready else Picked((), {})


def _starts(standing: Standing, order: Order) -> Iterator[StartWorker]:
    starts = set(picked(standing, order).starts)
    for track in standing.run.tracks if starts else ():
        if track.spec.agent_id in starts:
            yield _start(standing, track)


def _start(standing: Standing, track: TrackFacts) -> StartWorker:
    rule, run, agent_id = standing.of(track).rule, standing.run.record.run, track.spec.agent_id
    if rule not in _CAUSES:
        return StartWorker(run, agent_id, max(track.job_attempt, 1), track.cause, track.toolset)
    following = standing.of(track).following
    toolset = following.toolset if following is not None else "full"
    return StartWorker(run, agent_id, track.job_attempt + 1, _CAUSES[rule], toolset)


def _endings(standing: Standing) -> Iterator[EndTrack | StopWorker]:
    for track in standing.run.tracks:
        action = _ending(standing, track, standing.of(track))
        if action is not None:
            yield action


def _ending(standing: Standing, track: TrackFacts, state: TrackState) -> EndTrack | StopWorker | None:
    """End what failed, what was cancelled, what a dead worker left, and what waits for something that will not come."""
    run, cancelled = standing.run, track.spec.track in standing.run.cancelled
    if state.rule in ("outcome", "recording", "merging", "tidying", "starting", "freeing"):
        return None
    if state.rule in ("claim", "orphans", "underway"):
        why = _must_stop(standing, track, state)
        return _stopped(standing, track, why) if why else None
    if state.where in ("failed", "cancelled", "conflict"):
        return _end(run, track, state.why, unresolved=state.where == "conflict")
    if state.where == "quarantined":
        return EndTrack(run.record.run, track.spec.agent_id, "quarantined", state.why, 0)
    if cancelled:
        next_step = "was merged" if state.where == "committed" else "went on" if track.job_attempt else "started"
        return _end(run, track, f"cancelled before it {next_step}")
    if state.rule == "lost_dependency":
        return _end(run, track, f"UNKNOWN: not started: {state.why}")
    if state.rule == "passed" and (lost := standing.lost(track)):
        return _end(run, track, f"UNKNOWN: not merged: it depends on {lost}, which was not merged")
    return None


def _must_stop(standing: Standing, track: TrackFacts, state: TrackState) -> str:
    """Return why the worker of a track has to end, empty where it has not."""
    if track.spec.track in standing.run.cancelled:
        return "cancelled"
    if state.rule == "orphans":
        return state.why
    over = standing.over_budget or budget.over_track(standing.run, track)
    if over:
        return over
    options = standing.options
    patience = 2 * options.stale_seconds + BEATS * options.heartbeat_seconds + options.grace_seconds
    if track.heard is not None and standing.now >= track.heard + patience:
        return f"TIMEOUT: its worker has said nothing for {standing.now - track.heard:.0f} s"
    return ""


def _stopped(standing: Standing, track: TrackFacts, why: str) -> EndTrack | StopWorker | None:
    if _is_beyond_us(standing, track):
        return _end(standing.run, track, f"RESOURCE_ERROR: its processes could not be ended: {why}")
    return _stop(standing, track)


def _end(run: RunFacts, track: TrackFacts, why: str, *, unresolved: bool = False) -> EndTrack:
    ended: Unmerged = "conflict" if unresolved else "failed"
    ended = "cancelled" if track.spec.track in run.cancelled else ended
    return EndTrack(run.record.run, track.spec.agent_id, ended, why, track.job_attempt)


def _stop(standing: Standing, track: TrackFacts) -> StopWorker | None:
    """Ask once, and kill what is still there after the grace; None while there is nothing but to wait."""
    run = standing.run
    if track.asked is None:
        return StopWorker(run.record.run, track.spec.agent_id)
    if not track.forced and standing.now >= track.asked + _patience(run):
        return StopWorker(run.record.run, track.spec.agent_id, force=True)
    return None


def _is_beyond_us(standing: Standing, track: TrackFacts) -> bool:
    """Tell whether what was killed does not go: it cannot be proven to be ours, or the kernel holds it."""
    return track.forced and track.asked is not None and standing.now >= track.asked + _patience(standing.run) + MARGIN


def _patience(run: RunFacts) -> float:
    return run.record.options.grace_seconds + MARGIN


def _next_step(run: RunFacts, track: TrackFacts) -> float | None:
    if track.asked is None:
        return None
    return track.asked + _patience(run) + (MARGIN if track.forced else 0.0)


def _merge(standing: Standing, leaving: Container[str]) -> Sequence[Integrate]:
    """Merge one track at a time, and what it depends on before it.

    In the order in which they finished; but first what is in the fewest others' way, as far as that can be seen.
    """
    run = standing.run
    if any(state.rule == "merging" for state in standing.states.values()):
        return ()
    done = [each for each in run.tracks if standing.of(each).where == "committed"]
    kept = [each for each in done if each.spec.agent_id not in leaving and not standing.unmerged(each)]
    finished = {each.spec.track: (each, each.result) for each in kept if each.result is not None}
    coming = {each.spec.track for each in run.tracks if each.outcome is None}
    chosen = probe.first(sorted(finished, key=lambda each: finished[each][1].ended_at), run.clashes, coming)
    if chosen is None:
        return ()
    track, result = finished[chosen]
    return (Integrate(run.record.run, track.spec.agent_id, track.job_attempt, result.fence),)


def _give_up(standing: Standing, order: Order) -> Iterator[EndTrack]:
    """When nothing goes on without a person, or another owner, or at all, the run ends without what is left.

    What waits for the end of a batch does not go on either: it does once those are given up that keep the batch.
    """
    run = standing.run
    batched = picked(standing, order).batched if standing.options.batch_size else ()
    left = [each for each in run.tracks if each.outcome is None and each.spec.agent_id not in batched]
    rules = {standing.of(each).rule for each in left}
    if not rules <= {"stranger", "dependency", "question", "gate"}:
        return
    people = [each for each in left if standing.of(each).rule in ("question", "gate")]
    if people and standing.now < _waited_since(run, people) + standing.options.input_wait_seconds:
        return
    held = [each for each in left if standing.of(each).rule == "stranger"]
    for track in people or held or left:
        yield _end(run, track, _gone(standing.of(track)))


def _given_up_at(standing: Standing) -> float | None:
    """Return when (monotonic s) nobody waits for people any longer, where somebody does."""
    run = standing.run
    people = [each for each in run.tracks if standing.of(each).rule in ("question", "gate")]
    since = _waited_since(run, people) if people else run.settled_since
    return None if since is None else since + standing.options.input_wait_seconds


def _waited_since(run: RunFacts, tracks: Sequence[TrackFacts]) -> float:
    """Return since when (monotonic s) nothing is left but to wait for a person, and somebody is there to hear them."""
    return max(run.since, *(run.since if each.failed_since is None else each.failed_since for each in tracks))


def _gone(state: TrackState) -> str:
    match state.rule:
        case "question":
            return f"UNKNOWN: nobody answered: {state.why}"
        case "stranger":
            return f"FILE_CONFLICT: not started: {state.why}"
        case "gate":
            return f"UNKNOWN: not started: {state.why}"
        case _:
            return f"UNKNOWN: not started: {state.why}, which waits for it"


def waited_for(standing: Standing) -> Gate | None:
    """Return the gate that a person has to open before the run goes on; None where nothing waits for one."""
    run = standing.run
    if run.ended or run.finishing:
        return None
    if any(each.rule == "gate" for each in standing.states.values()):
        return "start"
    over = all(each.outcome is not None for each in run.tracks)
    return "push" if over and _waits_to_push(standing) else None


def _waits_to_push(standing: Standing) -> bool:
    """Tell whether a person has to say yes before anything is published; nobody waits longer than for an answer."""
    run = standing.run
    if "push" not in standing.options.gates or "push" in run.approved:
        return False
    if not any(each.outcome is not None and each.outcome.ended == "merged" for each in run.tracks):
        return False
    if all(each.spec.track in run.cancelled for each in run.tracks):
        return False
    return run.settled_since is None or standing.now < run.settled_since + standing.options.input_wait_seconds
