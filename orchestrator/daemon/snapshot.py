"""What is going on below a root, from its files, in the form of ``orchd status --json``."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from orchestrator.claims import FileClaims, Seen
from orchestrator.core.decide import picked, waited_for
from orchestrator.core.facts import RunFacts, TrackFacts
from orchestrator.core.run import Gate
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing, TrackState
from orchestrator.core.status import Status
from orchestrator.core.text import visible
from orchestrator.daemon.gather import Conducted, RunFiles, status_facts
from orchestrator.daemon.instance import is_taken
from orchestrator.daemon.statuses import Statuses, live_runs
from orchestrator.errors import Unreadable
from orchestrator.host import clock
from orchestrator.state import ahead, results
from orchestrator.state.endings import Endings
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.scan import Problem

NOBODY: Final[Mapping[str, Standing]] = MappingProxyType({})

_WAITS: Final[Mapping[Gate, str]] = MappingProxyType({"start": "it starts agents", "push": "it pushes"})

ENDED_SHOWN: Final = 1
"""So many of the newest runs that have ended are shown beside those that have not."""


def snapshot(root: str, driven: Mapping[str, Standing] = NOBODY) -> dict[str, object]:
    """Return runs and problems below ``root`` as the files say it. Reading never writes.

    ``driven`` is what whoever asks knows of the runs that it drives: more than the files say.
    """
    layout = Layout(root)
    files = RunFiles(layout)
    claims = {each.track: each for each in FileClaims(root).list()}
    unfinished = files.unfinished()
    ended = sorted((run for run in files.all() if run not in unfinished), key=lambda run: _age(layout, run))[
        :ENDED_SHOWN
    ]
    shown: list[dict[str, object]] = []
    problems: list[Problem] = []
    for run in (*unfinished, *ended):
        statuses = Statuses(layout.run(run))
        try:
            record = results.read_run(layout.run(run))
        except FileNotFoundError:
            continue
        except Unreadable as error:
            problems.append(Problem(layout.run(run).record, error.message, clock.iso()))
            continue
        now = clock.steady()
        found = statuses.read(claims if run in unfinished else {})  # whoever claims the tracks of an ended run is right
        facts = files.facts(record, found, claims, Conducted.of(record, now))
        problems += statuses.problems
        standing = driven.get(run) or Standing(facts, now)
        fields = run_fields(standing, driven=run in driven or is_taken(layout.run(run).conductor))
        shown.append({**fields, "conflicts_ahead": _ahead(layout.run(run), standing.run)})
    for run in sorted(set(live_runs(layout, Endings())) - set(unfinished)):
        statuses = Statuses(layout.run(run))
        shown.append(
            {
                "run": run,
                "state": "external",
                "waits": None,
                "tracks": [status_fields(each) for _, each in sorted(statuses.read(claims).items())],
            }
        )
        problems += statuses.problems
    problems += [Problem(path, reason, clock.iso()) for path, reason in files.problems().items()]
    return {"runs": shown, "problems": problem_fields([*problems, *claim_problems(layout, claims.values())])}


def _age(layout: Layout, run: str) -> float:
    try:
        return -os.stat(layout.run(run).metrics).st_mtime
    except OSError:
        return 0.0


def run_fields(standing: Standing, *, driven: bool) -> dict[str, object]:
    """Return one run in the form of ``orchd status --json``."""
    facts = standing.run
    waits = picked(standing, Order.of(facts.record)).waits if not facts.ended else {}
    tracks = [track_fields(each, standing.of(each), waits.get(each.spec.agent_id, "")) for each in facts.tracks]
    state = "ended" if facts.ended else "running" if driven else "unattended"
    return {"run": facts.record.run, "state": state, "waits": _waits(standing), "tracks": tracks}


def _waits(standing: Standing) -> str | None:
    """Return what the whole run waits for a person to say."""
    gate = waited_for(standing)
    run = standing.run.record.run
    return None if gate is None else f"waits for a person's word before {_WAITS[gate]}: `orchd approve {run}`"


def _ahead(paths: RunLayout, facts: RunFacts) -> list[dict[str, object]]:
    """Return the conflicts that were seen last between tracks that have not ended, or with what is merged."""
    seen = None
    with suppress(Unreadable):
        seen = ahead.read(paths)
    over = {each.spec.track for each in facts.tracks if each.outcome is not None}
    clashes = [each for each in seen.clashes if not over & {each.one, each.other}] if seen is not None else []
    return [
        {"one": visible(each.one), "other": visible(each.other), "files": [visible(name) for name in each.files]}
        for each in clashes
    ]


def track_fields(facts: TrackFacts, state: TrackState, waits: str) -> dict[str, object]:
    """Return one track in the form of ``orchd status --json``; ``waits`` is why one that is ready does not start."""
    status, result, outcome = facts.status, facts.result, facts.outcome
    return {
        "track": facts.spec.track,
        "agent_id": facts.spec.agent_id,
        "title": visible(facts.spec.title, 120),
        "state": state.where,
        "phase": status.phase if status is not None and outcome is None else None,
        "attempt": facts.job_attempt or None,
        "started_at": result.started_at if result is not None else None,
        "percent": status.percent if status is not None else None,
        "needs_input": _question(facts, state),
        "outcome": outcome.ended if outcome is not None else None,
        "why": visible(waits or state.why, 300),
        "rule": state.rule,
        "until": _wall(state.until),
    }


def _question(facts: TrackFacts, state: TrackState) -> str | None:
    """Return what a person has to say: to a question that ended an attempt, or to one that an agent asks meanwhile."""
    if state.rule == "question":
        return visible(state.why, 300)
    if facts.status is None or facts.outcome is not None or 0 < facts.answered == facts.status.attempt:
        return None
    return facts.status.needs_input or facts.status.blocked or None


def _wall(steady: float | None) -> str | None:
    """Return a monotonic time as one that people read."""
    return None if steady is None else clock.iso(clock.wall_ns() + int((steady - clock.steady()) * 1_000_000_000))


def status_fields(status: Status) -> dict[str, object]:
    """Return what a worker outside our runs says, in the form of one track."""
    facts = status_facts(status)
    question = facts.needs_input if facts is not None else ""
    return {
        "track": visible(str(status.track), 120),
        "agent_id": status.agent_id,
        "title": "",
        "state": status.status,
        "phase": visible(status.current_stage or "", 60) or None,
        "attempt": status.attempt,
        "started_at": status.start_time,
        "percent": status.progress_percentage,
        "needs_input": question or None,
        "outcome": None,
        "why": visible(status.error or "what its status file says", 300),
    }


def claim_problems(layout: Layout, claims: Iterable[Seen]) -> list[Problem]:
    """Return the locks that nobody can judge, as problems."""
    odd = [each for each in claims if each.verdict.state in ("unreadable", "unknown", "orphaned", "foreign")]
    return [
        Problem(
            f"{layout.locks}/{each.track}.lock", f"{each.verdict.state}: {each.verdict.why}", clock.iso(each.written_ns)
        )
        for each in odd
    ]


def problem_fields(problems: Iterable[Problem]) -> list[Mapping[str, object]]:
    """Return problems in the form of ``orchd status --json``."""
    return [
        {"path": visible(each.path, 1000), "reason": visible(each.reason), "since": each.since} for each in problems
    ]
