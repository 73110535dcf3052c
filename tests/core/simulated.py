"""A machine that does what was decided about a run, with luck of every kind, and holds that against the rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from orchestrator.core import budget
from orchestrator.core.actions import Action, EndTrack, Finish, Integrate, StartWorker, StopWorker
from orchestrator.core.decide import decide, wake_at
from orchestrator.core.facts import Doing, RunFacts, TrackFacts
from orchestrator.core.outcome import HELD
from orchestrator.core.result import Attempt
from orchestrator.core.run import Limit, Outcome
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing
from orchestrator.core.states import ACTIVE, State, reachable
from tests.core import runs

STEP = 1.0
"""Seconds between two turns in which something happens."""

AWAITED = frozenset({"backoff", "question", "limit"})
"""The rules for which whoever drives the run notes since when they hold."""

FAILURES = {
    "fail": "TEST_FAILURE: 2 failed",
    "fail at once": "UNKNOWN: status 1",
    "pass away": "API_ERROR: overloaded",
    "be fatal": "RESOURCE_ERROR: it cannot be started",
}


@dataclass(slots=True)
class World:
    """A run, the time (monotonic s), and what the machine knows besides. ``pending`` are ends being recorded."""

    run: RunFacts
    now: float = 0.0
    seen: dict[str, State] = field(default_factory=dict)
    pending: dict[str, EndTrack] = field(default_factory=dict)
    making: dict[str, StartWorker] = field(default_factory=dict)
    stated: dict[str, float | None] = field(default_factory=dict)
    begun: dict[str, list[str]] = field(default_factory=dict)
    order: Order = field(init=False)

    def __post_init__(self) -> None:
        """Make the order, once."""
        self.order = Order.of(self.run.record)

    def standing(self) -> Standing:
        """Return where the run stands."""
        tracks = tuple(replace(each, limited_until=self.limit(each)) for each in self.run.tracks)
        self.run = replace(self.run, tracks=tracks)
        return Standing(self.run, self.now)

    def limit(self, track: TrackFacts) -> float | None:
        """Return when the usage limit that ended the present attempt is over."""
        if track.result is None or not track.result.limited:
            return None
        stated = self.stated.get(track.spec.agent_id)
        wait = self.run.record.options.limit_wait_seconds
        return stated if stated is not None else None if track.failed_since is None else track.failed_since + wait

    def turn(self, fate: str) -> None:
        """Decide, perform, and let the next thing happen; where nothing does, wait as long as was said."""
        before = self.run
        standing = self.standing()
        self.note(standing)
        actions = decide(standing, self.order)
        for action in actions:
            self.check(standing, action, actions)
            self.perform(action)
        self.look()
        self.befall(fate)
        if self.run == before and not actions and fate == "go":
            due = wake_at(self.standing())
            assert due is not None, [(each, state) for each, state in standing.states.items()]
            self.now = max(self.now, due)
        self.now += STEP

    def note(self, standing: Standing) -> None:
        """Take note of since when attempts are over, and all tracks; and of the states that are seen."""
        for agent_id, state in standing.states.items():
            before = self.seen.get(agent_id, state.where)
            assert state.where in reachable(before), (before, state)
            self.seen[agent_id] = state.where
        tracks = tuple(
            replace(each, failed_since=self.now)
            if standing.of(each).rule in AWAITED and each.failed_since is None
            else each
            for each in self.run.tracks
        )
        settled = self.run.settled_since
        if settled is None and all(each.outcome is not None for each in tracks):
            settled = self.now
        self.run = replace(self.run, tracks=tracks, settled_since=settled)

    def look(self) -> None:
        """No more workers than slots."""
        states = self.standing().states.values()
        assert sum(state.where in ACTIVE for state in states) <= self.run.record.options.agents

    def check(self, standing: Standing, action: Action, actions: Sequence[Action]) -> None:
        """Hold an action against the rules."""
        if isinstance(action, Finish):
            assert all(each.outcome is not None for each in self.run.tracks)
            return
        track = self.find(action.agent_id)
        assert track.outcome is None, action
        assert track.doing not in ("starting", "merging", "recording"), action
        if isinstance(action, StartWorker):
            self.check_start(track, action, actions)
            limited = standing.limited_until
            assert not self.run.record.options.park_on_limit or limited is None or limited <= self.now, action
        if isinstance(action, Integrate):
            assert track.spec.track not in self.run.cancelled
            assert set(track.spec.depends_on) <= self.ended("merged")
            assert sum(isinstance(each, Integrate) for each in actions) == 1
            assert not standing.unmerged(track)

    def check_start(self, track: TrackFacts, action: StartWorker, actions: Sequence[Action]) -> None:
        """Nothing starts too early, too often, or with nothing to pay for it."""
        options, needs = self.run.record.options, set(track.spec.depends_on)
        ready = self.ended("merged")
        if options.start_on == "committed":
            ready |= {each.spec.track for each in self.run.tracks if each.result is not None and each.result.passed}
        assert needs <= ready - self.lost(), action
        assert track.spec.track not in self.run.cancelled
        assert "start" not in options.gates or "start" in self.run.approved
        assert budget.over_run(self.run, self.now) == ""
        assert budget.over_track(self.run, track) == ""
        if options.stagger_seconds:
            assert sum(isinstance(each, StartWorker) for each in actions) == 1
            assert self.run.last_start is None or self.now >= self.run.last_start + options.stagger_seconds
        taken = [each for each in self.run.tracks if each.job_attempt or each.doing == "starting"]
        if options.batch_size and track not in taken and len(taken) % options.batch_size == 0:
            assert all(each.outcome is not None for each in taken)

    def ended(self, how: str) -> set[str]:
        """Return the tracks that ended so."""
        return {each.spec.track for each in self.run.tracks if each.outcome is not None and each.outcome.ended == how}

    def lost(self) -> set[str]:
        """Return the tracks that ended without being merged."""
        return {each.spec.track for each in self.run.tracks if each.outcome is not None} - self.ended("merged")

    def perform(self, action: Action) -> None:
        """Begin what was decided."""
        if isinstance(action, Finish):
            self.run = replace(self.run, ended=True)
            return
        track, agent_id = self.find(action.agent_id), action.agent_id
        match action:
            case StartWorker():
                self.making[agent_id] = action
                causes = self.begun.setdefault(agent_id, [])
                causes += [action.cause] if action.attempt > len(causes) else []
                self.put(replace(track, doing="starting", exited=None, asked=None, forced=False, failed_since=None))
                self.run = replace(self.run, last_start=self.now)
            case StopWorker(force=force):
                self.put(replace(track, asked=track.asked or self.now, forced=force))
            case Integrate():
                self.put(replace(track, doing="merging"))
            case EndTrack():
                self.pending[agent_id] = action
                self.put(replace(track, doing="recording", ending=action.ended))

    def find(self, agent_id: str) -> TrackFacts:
        """Return a track."""
        return next(each for each in self.run.tracks if each.spec.agent_id == agent_id)

    def put(self, track: TrackFacts) -> None:
        """Put a track in its place."""
        tracks = (track if each.spec == track.spec else each for each in self.run.tracks)
        self.run = replace(self.run, tracks=tuple(tracks))

    def befall(self, fate: str) -> None:
        """Let the next thing happen to the run, or to each track."""
        run = self.run
        match fate:
            case "cancel one" | "cancel all":
                some = run.tracks if fate == "cancel all" else run.tracks[-1:]
                self.run = replace(run, cancelled=run.cancelled | {each.spec.track for each in some})
            case "approve":
                self.run = replace(run, approved=frozenset(run.record.options.gates))
            case "lose the daemon":
                self.forget()
            case _:
                for each in (each for each in run.tracks if each.outcome is None):
                    self.put(self.next_of(each, fate))

    def forget(self) -> None:
        """Take away what only the daemon knew; workers that live are found again."""
        for each in self.run.tracks:
            if each.outcome is None:
                known = self.started(each) if each.doing == "starting" else each
                doing: Doing = "started" if known.doing == "started" and known.exited is None else ""
                self.put(
                    replace(known, doing=doing, exited=None, trouble="", asked=None, forced=False, failed_since=None)
                )
        self.pending.clear()
        self.making.clear()
        self.seen.clear()
        spent = self.run.spent_seconds + self.now - self.run.since
        self.run = replace(self.run, since=self.now, spent_seconds=spent, last_start=None, settled_since=None)

    def next_of(self, track: TrackFacts, fate: str) -> TrackFacts:
        """Return a track after the next thing happened to it."""
        if fate == "answer":
            asked = track.result is not None and bool(track.result.asked or track.result.blocked)
            return replace(track, answered=track.job_attempt) if asked else track
        if track.doing == "recording":
            return self.recorded(track)
        if track.doing == "merging":
            return self.merged(track, fate)
        if track.doing == "starting":
            trouble = "RESOURCE_ERROR: no worktree" if fate == "refuse" else ""
            return replace(track, doing="", trouble=trouble) if trouble else self.started(track)
        if track.claim is not None and track.claim.run is None:
            return replace(track, claim=None) if fate == "give back" else track
        if track.claim is not None:
            return self.at_work(track, fate)
        if track.doing == "started" and track.exited is None and track.result is None:
            return self.arrived(track, fate)
        return track

    def recorded(self, track: TrackFacts) -> TrackFacts:
        """Its end is on record."""
        end = self.pending.pop(track.spec.agent_id)
        return replace(track, doing="", outcome=self.outcome(track, end.ended, end.error))

    def outcome(self, track: TrackFacts, ended: str, error: str = "") -> Outcome:
        """Return how it ended."""
        made = runs.outcome(int(track.spec.agent_id.removeprefix("agent-")))
        return replace(made, ended=ended, error=error, attempt=track.job_attempt)  # type: ignore[arg-type]  # one of them

    def merged(self, track: TrackFacts, fate: str) -> TrackFacts:
        """The merge came to its end, one way or another."""
        if fate == "refuse":
            return replace(track, doing="", trouble="UNKNOWN: git: no")
        how = {"conflict": "conflict", "fail": "failed"}.get(fate, "merged")
        return replace(track, doing="", outcome=self.outcome(track, how))

    def started(self, track: TrackFacts) -> TrackFacts:
        """Its job is written, and its worker on the way."""
        made = self.making.pop(track.spec.agent_id)
        if made.attempt == track.job_attempt:
            return replace(track, doing="started")
        former = (*track.former, *([track.result] if track.result is not None else []))
        fields = {"cause": made.cause, "toolset": made.toolset, "former": former, "result": None, "status": None}
        return replace(track, doing="started", job_attempt=made.attempt, **fields)  # type: ignore[arg-type]  # real fields

    def arrived(self, track: TrackFacts, fate: str) -> TrackFacts:
        """A worker came to the claim, or did not."""
        if fate in ("lose", "cannot start"):
            return replace(track, exited=HELD if fate == "lose" else 70)
        claim, status = runs.claim(attempt=track.job_attempt), runs.status(track.job_attempt)
        return replace(track, claim=claim, status=status, result=self.entry(track), heard=self.now)

    def entry(self, track: TrackFacts, *phases: str, error: str = "", **fields: object) -> Attempt:
        """Return the entry of the present attempt; finished where it has phases."""
        done = [runs.phase(name) for name in phases]
        made = replace(runs.attempt(*done, finished=bool(phases), error=error), attempt=track.job_attempt)
        made = made if phases else replace(made, phases=())
        return replace(made, cause=track.cause, **fields)  # type: ignore[arg-type]  # real fields

    def at_work(self, track: TrackFacts, fate: str) -> TrackFacts:
        """What becomes of a worker at work, or of what a dead one left."""
        gone = replace(track, claim=None, spent=self.paid(track))
        if track.claim is not None and track.claim.state == "orphaned":
            return replace(gone, exited=-9) if fate != "go on" or track.forced else track
        if track.forced or fate == "die":
            return replace(gone, exited=-9)
        if fate == "leave orphans" and track.asked is None:
            return replace(track, claim=runs.claim("orphaned", attempt=track.job_attempt), exited=-9)
        if fate in ("go on", "judge"):
            phase = "tests" if fate == "judge" else "work"
            return replace(track, status=runs.status(track.job_attempt, phase), heard=self.now)
        return replace(gone, exited=0, result=self.finished(track, fate))

    def paid(self, track: TrackFacts) -> Limit:
        """Return what the track has cost with this attempt."""
        return Limit(
            (track.spent.usd or 0.0) + 1.0, (track.spent.tokens or 0) + 100, (track.spent.seconds or 0.0) + 9.0
        )

    def finished(self, track: TrackFacts, fate: str) -> Attempt:
        """Return the entry of an attempt that came to its end."""
        if track.asked is not None:
            return self.entry(track, "work", error="UNKNOWN: cancelled (SIGTERM)")
        self.stated[track.spec.agent_id] = self.now + 20 if fate == "meet a limit" else None
        match fate:
            case "ask":
                return self.entry(track, "work", error="UNKNOWN: asks", asked="Which one?")
            case "block":
                return self.entry(track, "work", error="UNKNOWN: blocked", blocked="no key")
            case "meet a limit" | "meet an unknown limit":
                return self.entry(track, "work", error="API_ERROR: usage limit: reached", limited=True)
        if fate in FAILURES:
            entry = self.entry(track, "work", error=FAILURES[fate])
            return replace(entry, phases=(runs.phase(status=1),)) if fate == "fail at once" else entry
        return self.entry(track, "work", "commit")
