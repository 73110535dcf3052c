"""Facts of runs, read from their files. Reading never writes."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from orchestrator.claims import Seen
from orchestrator.core import amounts
from orchestrator.core.claim import BarePid, Claim
from orchestrator.core.facts import ClaimFacts, Doing, Others, RunFacts, StatusFacts, TrackFacts
from orchestrator.core.name import is_name
from orchestrator.core.probe import Clash
from orchestrator.core.refusal import Refusals, applied
from orchestrator.core.result import Attempt
from orchestrator.core.run import Ended, Outcome, RunRecord, RunTrack
from orchestrator.core.standing import Rule, Standing
from orchestrator.core.status import Status
from orchestrator.core.text import visible
from orchestrator.daemon import spending
from orchestrator.daemon.cache import Cache
from orchestrator.host import clock
from orchestrator.state import answers, approvals, cancel, refusals, results
from orchestrator.state.cancel import Request
from orchestrator.state.endings import Endings
from orchestrator.state.layout import Layout, RunLayout

T = TypeVar("T")


@dataclass(slots=True)
class Worker:
    """What only this process knows of one attempt; see :class:`orchestrator.core.facts.TrackFacts`.

    ``tries`` counts how often the machine refused the present action. ``said`` is the status last seen. ``recorded``:
    the outcome that stands on disk is this process's own word, or was there before it took up the run.
    """

    doing: Doing = ""
    exited: int | None = None
    trouble: str = ""
    asked: float | None = None
    forced: bool = False
    ending: Ended | None = None
    tries: int = 0
    failed_since: float | None = None
    heard: float | None = None
    said: Status | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Untouched:
    """The facts of a track that nothing happened to so far, as long as none of these files is there."""

    facts: TrackFacts
    files: frozenset[str]


@dataclass(slots=True)
class Conducted:
    """What only this process knows of a run that it drives.

    ``over`` keeps what is needed of tracks that have ended, ``untouched`` the facts of those that nothing happened to
    so far: a turn costs what happens in it, not what the run has in all. ``drives``: nobody but us says how its tracks
    and it end. ``present`` is what lay in its folder when everything was looked at last; None: it is to be looked at.
    """

    record: RunRecord
    workers: dict[str, Worker] = field(default_factory=dict)
    over: dict[str, TrackFacts] = field(default_factory=dict)
    untouched: dict[str, Untouched] = field(default_factory=dict)
    last_start: float | None = None
    finishing: bool = False
    others: Others = field(default_factory=Others)
    since: float = 0.0
    spent_seconds: float = 0.0
    settled_since: float | None = None
    clashes: tuple[Clash, ...] = ()
    drives: bool = False
    present: frozenset[str] | None = None

    @classmethod
    def of(cls, record: RunRecord, now: float) -> "Conducted":
        """Begin to look at a run at ``now`` (monotonic s)."""
        return cls(record, since=now, spent_seconds=spending.age(record.created_at))

    def says(self, worker: Worker) -> bool:
        """Tell whether an outcome may stand on disk: where we drive, an agent that put one there is not believed."""
        return not self.drives or worker.recorded or worker.doing in ("merging", "tidying", "recording")

    def worker(self, agent_id: str) -> Worker:
        """Return the entry of an agent, made when missing."""
        return self.workers.setdefault(agent_id, Worker())

    def hear(self, statuses: Mapping[str, Status], now: float) -> None:
        """Take note of which workers have said something since the last time."""
        for agent_id, status in statuses.items():
            worker = self.workers.get(agent_id)
            if worker is not None and worker.said is not status and agent_id not in self.over:
                worker.said, worker.heard = status, now

    def end(self, track: TrackFacts) -> None:
        """Take note that a track has ended."""
        if track.spec.agent_id not in self.over:
            self.over[track.spec.agent_id] = needed(track)
            self.untouched.pop(track.spec.agent_id, None)
            if track.spec.agent_id in self.workers:
                self.worker(track.spec.agent_id).said = None

    def note(self, standing: Standing) -> bool:
        """Take note of what is over, and since when; tell whether that is news to decide on."""
        news = False
        for track in standing.run.tracks:
            if track.outcome is not None:
                self.end(track)
            elif standing.of(track).rule in AWAITED:
                worker = self.worker(track.spec.agent_id)
                news = news or track.failed_since is None
                worker.failed_since = standing.now if track.failed_since is None else track.failed_since
        if self.settled_since is None and len(self.over) == len(standing.run.tracks):
            ended = max((each.outcome.at for each in self.over.values() if each.outcome is not None), default="")
            self.settled_since, news = standing.now - spending.age(ended), True
        return news


def needed(track: TrackFacts) -> TrackFacts:
    """Return what decisions and people need of a track that has ended; the report reads its files again."""
    last = track.result
    if last is not None:
        last = Attempt(last.attempt, last.fence, "", last.started_at, finished=last.finished, ended_at=last.ended_at)
    return replace(track, former=(), result=last)


AWAITED: Final[frozenset[Rule]] = frozenset({"backoff", "question", "limit"})
"""The rules for which it counts since when an attempt is over."""


class RunFiles:
    """Reads the files of runs below one root."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._jobs = Cache(results.read_job)
        self._results = Cache(results.read_result)
        self._outcomes = Cache(results.read_outcome)
        self._cancels = Cache(cancel.read_request)
        self._answers = Cache(answers.read)
        self._approvals = Cache(approvals.read)
        self._refusals = Cache(refusals.read)
        self._endings = Endings()

    def unfinished(self) -> list[str]:
        """Return the names of the runs that were accepted and have no report yet, sorted."""
        return [run for run in self.all() if not self.ended(run)]

    def ended(self, run: str) -> bool:
        """Tell whether a run has its report."""
        return self._endings.has_ended(self._layout.run(run))

    def all(self) -> list[str]:
        """Return the names of all accepted runs, sorted."""
        try:
            names = os.listdir(self._layout.parallel)
        except OSError:
            return []
        return sorted(name for name in names if is_name(name) and os.path.lexists(self._layout.run(name).record))

    def facts(
        self,
        record: RunRecord,
        statuses: Mapping[str, Status],
        claims: Mapping[str, Seen],
        own: Conducted | None = None,
    ) -> RunFacts:
        """Return everything known of a run; ``own`` adds what this process does about it."""
        paths = self._layout.run(record.run)
        own = own or Conducted.of(record, clock.steady())
        place = _Place(paths, _present(paths.folder, own), own)
        approval = self._approvals.get(approvals.path(paths))
        return RunFacts(
            record=record,
            tracks=tuple(
                own.over.get(each.agent_id)
                or (None if _began(each, own, statuses, claims) else self._untouched(place, each))
                or self._begun(place, each, statuses, claims)
                for each in record.tracks
            ),
            cancelled=_cancelled(self._cancels.get(paths.cancel), record),
            last_start=own.last_start,
            finishing=own.finishing,
            ended=not own.drives and self.ended(record.run) and _all_ended(paths, record),
            others=own.others,
            approved=frozenset(approval.gates if approval is not None else ()),
            since=own.since,
            spent_seconds=own.spent_seconds,
            settled_since=own.settled_since,
            clashes=own.clashes,
        )

    def _untouched(self, place: "_Place", spec: RunTrack) -> TrackFacts | None:
        """Return the facts of a track that has no claim, no status and no worker; None where it has files."""
        known = place.own.untouched.get(spec.agent_id)
        if known is None:
            files_of = (place.paths.job, place.paths.result, place.paths.answer, place.paths.outcome)
            names = frozenset(os.path.basename(each(spec.agent_id)) for each in files_of)
            if not place.has_none(names):
                return None
            known = Untouched(self._track(place, spec, {}, {}), names)
            place.own.untouched[spec.agent_id] = known
        return known.facts if place.has_none(known.files) else None

    def outcome(self, run: str, agent_id: str) -> Outcome | None:
        """Return how a track ended, the same object as long as the file is the same."""
        return self._outcomes.get(self._layout.run(run).outcome(agent_id))

    def _begun(
        self, place: "_Place", spec: RunTrack, statuses: Mapping[str, Status], claims: Mapping[str, Seen]
    ) -> TrackFacts:
        """Return the facts of a track; the files of one that has ended are kept no longer, but for its outcome."""
        facts = self._track(replace(place, present=None) if place.own.drives else place, spec, statuses, claims)
        if facts.outcome is not None:
            for cache, path in self._of_track(place.paths, spec.agent_id, outcome=place.own.drives):
                if path not in cache.problems:
                    cache.drop(path)
        return facts

    def _track(
        self, place: "_Place", spec: RunTrack, statuses: Mapping[str, Status], claims: Mapping[str, Seen]
    ) -> TrackFacts:
        agent_id, paths = spec.agent_id, place.paths
        worker = place.own.workers.get(agent_id) or Worker()
        job = place.get(self._jobs, paths.job(agent_id))
        result = place.get(self._results, paths.result(agent_id))
        answer = place.get(self._answers, paths.answer(agent_id))
        status = statuses.get(agent_id)
        attempt = job.attempt if job is not None else 0
        refused = self._refused(place, agent_id)
        attempts = applied(result.attempts, refused) if result is not None else ()
        against = refused.of(attempt) if refused is not None else None
        present = next((each for each in attempts if each.attempt == attempt), None)
        former = tuple(each for each in attempts if each.attempt < attempt)
        claim = claim_facts(claims.get(spec.track))
        outcome = place.get(self._outcomes, paths.outcome(agent_id)) if place.own.says(worker) else None
        since = worker.failed_since if worker.failed_since is not None else spending.over_since(present)
        return TrackFacts(
            spec=spec,
            job_attempt=attempt,
            claim=claim,
            status=status_facts(status),
            result=present,
            outcome=_believed(outcome, attempt, present, claim),
            doing=worker.doing,
            exited=worker.exited,
            trouble=worker.trouble,
            asked=worker.asked,
            forced=worker.forced,
            ending=worker.ending,
            cause=job.cause if job is not None else "first",
            toolset=job.toolset if job is not None else "full",
            former=former,
            failed_since=since,
            heard=worker.heard,
            answered=answer.attempt if answer is not None else 0,
            limited_until=spending.limited_until(present, since, place.own.record.options, former),
            spent=spending.of_track(attempts, attempt, status),
            refused=against.why if against is not None else None,
        )

    def _refused(self, place: "_Place", agent_id: str) -> Refusals | None:
        """Return what was said against the work of a track; only a run that asks for it may have such a file."""
        git = place.own.record.options.git
        return self._refusals.get(refusals.path(place.paths, agent_id)) if git.check or git.resolve else None

    def forget(self, run: str) -> None:
        """Drop what is known of a run that has ended."""
        for cache in self._caches():
            cache.forget(self._layout.run(run).folder)

    def problems(self) -> Mapping[str, str]:
        """Return the bad files met so far: path → reason."""
        return {path: reason for cache in self._caches() for path, reason in cache.problems.items()}

    def _of_track(self, paths: RunLayout, agent_id: str, *, outcome: bool) -> Iterator[tuple[Cache[Any], str]]:
        yield self._jobs, paths.job(agent_id)
        yield self._results, paths.result(agent_id)
        yield self._answers, paths.answer(agent_id)
        yield self._refusals, refusals.path(paths, agent_id)
        if outcome:
            yield self._outcomes, paths.outcome(agent_id)

    def _caches(self) -> tuple[Cache[Any], ...]:
        of_tracks = (self._jobs, self._results, self._outcomes, self._answers, self._refusals)
        return (*of_tracks, self._cancels, self._approvals)


@dataclass(frozen=True, slots=True)
class _Place:
    """The folder of a run, what is in it (None: each file is to be looked for), and what we know of the run."""

    paths: RunLayout
    present: frozenset[str] | None
    own: Conducted

    def get(self, cache: Cache[T], path: str) -> T | None:
        """Return what a file says; the listing spares a look for each file that is not there."""
        return cache.get(path) if self.present is None or os.path.basename(path) in self.present else None

    def has_none(self, names: frozenset[str]) -> bool:
        """Tell whether none of these files is there."""
        return self.present is not None and self.present.isdisjoint(names)


def _began(spec: RunTrack, own: Conducted, statuses: Mapping[str, Status], claims: Mapping[str, Seen]) -> bool:
    return spec.agent_id in own.workers or spec.agent_id in statuses or spec.track in claims


def _present(folder: str, own: Conducted) -> frozenset[str]:
    """Return what is in the folder of a run. Of one that we drive nobody else begins a track: an old look will do."""
    if own.present is None or not own.drives:
        own.present = frozenset(name for name in _listing(folder) if name.partition(".")[0] not in own.over)
    return own.present


def _listing(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def _believed(
    outcome: Outcome | None, attempt: int, present: Attempt | None, claim: ClaimFacts | None
) -> Outcome | None:
    """Return how a track ended, unless other files prove that it was not merged: an agent may have said so."""
    if outcome is None or outcome.ended != "merged":
        return outcome
    at_work = claim is not None and claim.state == "alive" and claim.attempt == attempt
    failed = present is not None and not present.passed
    return None if attempt == 0 or at_work or failed else outcome


def _all_ended(paths: RunLayout, record: RunRecord) -> bool:
    return all(os.path.lexists(paths.outcome(each.agent_id)) for each in record.tracks)


def _cancelled(request: Request | None, record: RunRecord) -> frozenset[str]:
    return frozenset(each.track for each in record.tracks if request is not None and request.is_about(each.track))


def claim_facts(seen: Seen | None) -> ClaimFacts | None:
    """Turn a lock into what decisions need of it."""
    if seen is None:
        return None
    record, verdict = seen.record, seen.verdict
    if isinstance(record, Claim):
        return ClaimFacts(verdict.state, verdict.why, visible(record.owner, 60), record.run, record.attempt)
    owner = f"process {record.pid}" if isinstance(record, BarePid) else "somebody"
    return ClaimFacts(verdict.state, verdict.why, owner)


def status_facts(status: Status | None) -> StatusFacts | None:
    """Turn a status file into what decisions and people need of it."""
    if status is None:
        return None
    question = status.needs_input
    said = status.metadata
    return StatusFacts(
        attempt=status.attempt or 0,
        phase=visible(status.current_stage or "", 60),
        percent=status.progress_percentage,
        needs_input=visible(str(question.get("question", "")) if question is not None else "", 200),
        blocked=_text(said.get("blocked")),
        quiet=_text(said.get("quiet_since")),
        cost_usd=amounts.dollars(said.get("cost_usd")),
        tokens=amounts.tokens(said.get("tokens")),
    )


def _text(value: object) -> str:
    return visible(value, 200) if isinstance(value, str) else ""
