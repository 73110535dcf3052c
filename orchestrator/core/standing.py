"""Where each track of a run is, and why: the only place where facts become a state.

The first rule that applies wins. ``rule`` names it, so that people see what a state rests on and decisions can tell
apart what the table of states does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.core import budget, retry
from orchestrator.core.facts import ClaimFacts, RunFacts, TrackFacts
from orchestrator.core.outcome import HELD
from orchestrator.core.result import Attempt
from orchestrator.core.retry import Next
from orchestrator.core.states import ACTIVE, FINAL, State
from orchestrator.core.text import visible

Rule = Literal[
    "outcome",
    "recording",
    "merging",
    "tidying",
    "trouble",
    "starting",
    "underway",
    "stranger",
    "orphans",
    "claim",
    "freeing",
    "passed",
    "question",
    "answer",
    "limit",
    "budget",
    "failure",
    "resolve",
    "unresolved",
    "backoff",
    "retry",
    "cleanup",
    "quarantine",
    "lost_dependency",
    "dependency",
    "gate",
    "again",
    "open",
]


@dataclass(frozen=True, slots=True)
class TrackState:
    """Where a track is, why in one line, by which rule, and until when (monotonic s) it stays so at least.

    ``following`` is the attempt that comes after a failed one.
    """

    where: State
    why: str
    rule: Rule
    until: float | None = None
    following: Next | None = None


class Standing:
    """Where a run stands at ``now`` (monotonic s): its facts, what the rules need of all of it, and the states.

    ``limited_until`` is when (monotonic s) the usage limit of its kind of agent is over.
    """

    def __init__(self, run: RunFacts, now: float) -> None:
        self.run = run
        self.now = now
        self.options = run.record.options
        names = {each.spec.track for each in run.tracks}
        merged = {each.spec.track for each in run.tracks if each.outcome is not None and each.outcome.ended == "merged"}
        self._lost = {each.spec.track for each in run.tracks if each.outcome is not None} - merged
        self._unmerged = names - merged
        self._unmet = self._unmerged
        if self.options.start_on == "committed":
            self._unmet = self._unmerged - {each.spec.track for each in run.tracks if _has_passed(each)}
        self.validators = {each.name for each in run.record.validators}
        self.over_budget = budget.over_run(run, now)
        self.limited_until = _limit_of(run)
        self.gated = "start" in self.options.gates and "start" not in run.approved
        states = {each.spec.agent_id: state_of(each, self) for each in run.tracks}
        self.states: Mapping[str, TrackState] = _with_cleanups(self, states)

    def of(self, track: TrackFacts) -> TrackState:
        """Return the state of a track."""
        return self.states[track.spec.agent_id]

    def lost(self, track: TrackFacts) -> str:
        """Return a track that this one depends on and that ended unmerged; empty when there is none."""
        return min(self._lost.intersection(track.spec.depends_on), default="")

    def unmet(self, track: TrackFacts) -> list[str]:
        """Return the tracks that have to come before this one starts, sorted."""
        return sorted(self._unmet.intersection(track.spec.depends_on))

    def unmerged(self, track: TrackFacts) -> list[str]:
        """Return the tracks that have to be merged before this one is, sorted."""
        return sorted(self._unmerged.intersection(track.spec.depends_on))


def _limit_of(run: RunFacts) -> float | None:
    """Return when (monotonic s) the usage limit of the run's kind of agent is over, whichever run met it."""
    own = [each.limited_until for each in run.tracks if each.outcome is None]
    return max((each for each in (*own, run.others.limited_until) if each is not None), default=None)


def _has_passed(track: TrackFacts) -> bool:
    return track.outcome is None and track.result is not None and track.result.passed


def state_of(facts: TrackFacts, standing: Standing) -> TrackState:
    """Return where a track is, as far as its own facts say; the first rule that applies wins.

    What a person cancelled has not failed, whatever became of its attempt then.
    """
    state = (
        _ended(facts, standing)
        or _doing(facts)
        or _claimed(facts, standing)
        or _finished(facts, standing)
        or _underway(facts, standing)
        or _before_a_start(facts, standing)
    )
    is_lost = state.where == "failed" and state.rule not in ("outcome", "recording")
    return replace(state, where="cancelled") if is_lost and facts.spec.track in standing.run.cancelled else state


def _ended(facts: TrackFacts, standing: Standing) -> TrackState | None:
    outcome = facts.outcome
    if outcome is None:
        return None
    if outcome.ended == "merged":
        why = f"merged as {outcome.commit[:10]}" if outcome.commit else "merged"
        return TrackState("done" if standing.run.ended else "merged", why, "outcome")
    if outcome.ended == "conflict":
        return TrackState("conflict", f"conflict in {', '.join(outcome.files[:3])}", "outcome")
    return TrackState(outcome.ended, outcome.error or outcome.ended, "outcome")


def _doing(facts: TrackFacts) -> TrackState | None:
    if facts.doing == "merging":
        return TrackState("merging", "its branch is being merged", "merging")
    if facts.doing == "tidying":
        return TrackState("merging", "it is merged; its worktree is being looked through and removed", "tidying")
    if facts.doing == "recording":
        return TrackState(facts.ending or "failed", "its end is being recorded", "recording")
    if facts.trouble:
        return TrackState("failed", facts.trouble, "trouble")
    if facts.doing == "starting":
        return TrackState("starting", "its worktree and job are being made", "starting")
    return None


def _claimed(facts: TrackFacts, standing: Standing) -> TrackState | None:
    claim = facts.claim
    if claim is None or claim.state == "dead":
        return None
    if not _is_ours(claim, facts, standing.run.record.run):
        if facts.result is not None and facts.result.finished:
            return None  # what it finished before is judged by its fence
        return TrackState("blocked", f"held by {claim.owner}: {claim.why}", "stranger")
    if claim.state == "orphaned":
        return TrackState("orphaned", claim.why, "orphans")
    return _at_work(facts, claim, standing)


def _is_ours(claim: ClaimFacts, facts: TrackFacts, run: str) -> bool:
    """Tell whether the claim is that of a worker on the track's job; a person may claim for a run by hand."""
    return claim.run == run and facts.job_attempt > 0 and claim.attempt == facts.job_attempt


def _at_work(facts: TrackFacts, claim: ClaimFacts, standing: Standing) -> TrackState:
    status = facts.status
    phase = status.phase if status else ""
    why = f"{phase or 'claimed'}: {claim.why}"
    if status is not None and status.quiet:
        why += f"; no sign of life of its agent since {status.quiet}"
    return TrackState("validating" if phase in standing.validators else "running", why, "claim")


def _finished(facts: TrackFacts, standing: Standing) -> TrackState | None:
    """An attempt that came to its end: it passed, waits for somebody or something, or failed."""
    result = facts.result
    if facts.job_attempt == 0 or result is None or not result.finished:
        return None
    if result.passed:
        return TrackState("committed", "its last step succeeded", "passed")
    if facts.refused == "conflict":
        why = f"its agent is to resolve what keeps it from being merged: {visible(result.error)}"
        return _if_affordable(facts, standing, TrackState("ready", why, "resolve"))
    if len(retry.parked_in_a_row(facts.former, result)) >= retry.MOST_PARKED:
        return _failed_for_good(facts, f"{result.error} ({retry.MOST_PARKED} times in a row)", standing)
    if result.asked or result.blocked:
        return _questioned(facts, result, standing)
    if result.limited and standing.options.park_on_limit:
        return _limited(facts, result, standing)
    return _failed(facts, result.error or "UNKNOWN: the attempt did not pass", standing)


def _questioned(facts: TrackFacts, result: Attempt, standing: Standing) -> TrackState:
    if facts.answered == facts.job_attempt:
        return _if_affordable(facts, standing, TrackState("ready", "its question was answered", "answer"))
    if result.asked:
        return TrackState("needs_input", f"asks: {visible(result.asked)}", "question")
    return TrackState("blocked", f"its agent is blocked: {visible(result.blocked)}", "question")


def _limited(facts: TrackFacts, result: Attempt, standing: Standing) -> TrackState:
    until = facts.limited_until
    if until is None or until > standing.now:
        when = f" until {result.limited_until}" if result.limited_until else ""
        return TrackState("parked", f"a usage limit was met; parked{when}", "limit", until)
    return _if_affordable(facts, standing, TrackState("ready", "the usage limit is over", "limit"))


def _underway(facts: TrackFacts, standing: Standing) -> TrackState | None:
    """A job without a live claim: being started, to be started again, lost, or dead."""
    if facts.job_attempt == 0:
        return None
    if facts.claim is not None:
        return TrackState("orphaned", f"{facts.claim.why}; its track is about to be freed", "freeing")
    if facts.doing == "started" and facts.exited is None:
        return TrackState("starting", "its worker is on the way to the claim", "underway")
    began = facts.status is not None and facts.status.attempt == facts.job_attempt
    if began or facts.result is not None:
        return _failed(facts, f"{retry.DIED}{_how(facts)} before it could say how the attempt ended", standing)
    if facts.exited is not None and facts.exited != HELD:
        why = f"RESOURCE_ERROR: the worker ended with status {facts.exited} before it claimed the track"
        return _failed(facts, why, standing)
    return None


def _how(facts: TrackFacts) -> str:
    exited = facts.exited
    if exited is None:
        return ""
    return f" (signal {-exited})" if exited < 0 else f" (status {exited})"


def _failed(facts: TrackFacts, error: str, standing: Standing) -> TrackState:
    """The present attempt failed: another one follows, or it was the last."""
    if facts.cause == "resolve" and facts.refused is None:
        return TrackState("conflict", f"its conflict was not resolved: {error}", "unresolved")
    failed = _failures(facts, standing.run)
    key = f"{standing.run.record.run}/{facts.spec.track}"
    following = retry.following(failed, facts.job_attempt, standing.options, key)
    if following is None or facts.cause == "cleanup":
        return _failed_for_good(facts, error, standing)
    since = facts.failed_since
    why = f"attempt {facts.job_attempt} failed ({failed[-1].failed_as}): {error}; attempt {following.attempt} follows"
    if since is None or since + following.delay > standing.now:
        until = None if since is None else since + following.delay
        return _if_affordable(facts, standing, TrackState("waiting", why, "backoff", until, following))
    return _if_affordable(facts, standing, TrackState("ready", why, "retry", None, following))


def _failed_for_good(facts: TrackFacts, error: str, standing: Standing) -> TrackState:
    """Nothing is tried after the present attempt; nor is anything cleaned up that nobody pays for.

    Where it was cut short because a budget was spent, that is the reason.
    """
    over = standing.over_budget or budget.over_track(standing.run, facts)
    if not over:
        return TrackState("failed", error, "failure")
    phases = facts.result.phases if facts.result is not None else ()
    cut_short = bool(phases) and phases[-1].ending == "cancelled"
    return TrackState("failed", over if cut_short else error, "budget")


def _failures(facts: TrackFacts, run: RunFacts) -> list[retry.Failure]:
    parks = run.record.options.park_on_limit
    return retry.failures(facts.former, facts.job_attempt, facts.result, parks_on_limit=parks)


def _before_a_start(facts: TrackFacts, standing: Standing) -> TrackState:
    """No attempt is under way, and the next one is the first, or the same again."""
    if facts.spec.quarantined:
        return TrackState("quarantined", facts.spec.quarantined, "quarantine")
    lost = standing.lost(facts)
    if lost:
        return TrackState("blocked", f"it depends on {lost}, which was not merged", "lost_dependency")
    unmet = standing.unmet(facts)
    if unmet:
        return TrackState("waiting", f"waits for {', '.join(unmet)}", "dependency")
    if facts.job_attempt:
        why = "its job is written; its worker is on the way to the claim, or is started again"
        return _if_affordable(facts, standing, TrackState("ready", why, "again"))
    return _if_affordable(facts, standing, TrackState("ready", "everything that it depends on is there", "open"))


def _if_affordable(facts: TrackFacts, standing: Standing, state: TrackState) -> TrackState:
    """Return the state of a track that would go on, or what keeps it: a budget, a gate, the limit of its agent."""
    over = standing.over_budget or budget.over_track(standing.run, facts)
    if over:
        return TrackState("failed", over, "budget")
    if state.where != "ready":
        return state
    if standing.gated:
        run = standing.run.record.run
        return TrackState("waiting", f"waits for a person's word: `orchd approve {run}`", "gate")
    until = standing.limited_until
    if standing.options.park_on_limit and until is not None and until > standing.now:
        kind = standing.run.record.agent.kind
        return TrackState("parked", f"the usage limit of {kind} agents was met", "limit", until)
    return state


def _with_cleanups(standing: Standing, states: dict[str, TrackState]) -> Mapping[str, TrackState]:
    """Give what failed with something to show for it one more attempt, once all other workers are gone."""
    run = standing.run
    unclean = [each for each in run.tracks if _leaves_something(run, each, states[each.spec.agent_id])]
    if not unclean:
        return states
    cleaned = {each.spec.agent_id for each in unclean}
    others = [each for each in run.tracks if each.spec.agent_id not in cleaned]
    full = _has_full_batches(run, states)
    busy = any(_goes_on(states[each.spec.agent_id]) for each in others if each.job_attempt or not full)
    for track in unclean:
        state = states[track.spec.agent_id]
        why = f"{state.why}; a clean-up attempt follows{' when the other workers are gone' if busy else ''}"
        cleanup = replace(state, where="waiting" if busy else "ready", why=why, rule="cleanup")
        states[track.spec.agent_id] = _if_affordable(track, standing, cleanup)
    return states


def _has_full_batches(run: RunFacts, states: Mapping[str, TrackState]) -> bool:
    """Tell whether no track can begin before all those that did have ended, those to be cleaned up included."""
    size = run.record.options.batch_size
    begun = [each for each in run.tracks if each.job_attempt or states[each.spec.agent_id].where in ACTIVE]
    return size > 0 and len(begun) % size == 0


def _leaves_something(run: RunFacts, track: TrackFacts, state: TrackState) -> bool:
    """Tell whether a track failed for good after a step of its agent had passed."""
    if state.rule != "failure" or not run.record.options.cleanup or track.spec.track in run.cancelled:
        return False
    attempts = [*track.former, *([track.result] if track.result is not None else [])]
    if track.cause == "cleanup" or any(each.cause == "cleanup" for each in attempts):
        return False
    failed = _failures(track, run)
    done = any(phase.passed and phase.kind == "agent" for each in attempts for phase in each.phases)
    return done and bool(failed) and failed[-1].failed_as != "fatal"


def _goes_on(state: TrackState) -> bool:
    """Tell whether something still happens to a track without anybody's help."""
    if state.where in FINAL or state.where == "merged":
        return False
    return state.where in ACTIVE or state.rule not in ("dependency", "question", "stranger", "gate", "lost_dependency")
