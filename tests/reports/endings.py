"""Makers of runs that ended, for the tests of reports."""

from dataclasses import replace

from orchestrator.core.result import Attempt, PhaseResult, Result
from orchestrator.core.run import Outcome, Publication
from orchestrator.reports.metrics import Ending
from tests.core import runs

PUSHED = Publication("pushed", "main at cccccccccccc")
LATE = "TIMEOUT: phase work took longer than 4 s"

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "'; --></style></svg></title><![CDATA[",
    "\x00\x1b[31m\x07\r\n\x9b",
    "\u202eevil\u2066\u200b",
    "&lt;b&gt; &amp; ]]>",
    "| pipe `tick` ``` # head\n- list",
    "half \udcff",
)
"""Titles, errors and lines that must come out as text."""


def result(number: int, start: str, end: str) -> Result:
    """Return one attempt from ``start`` to ``end`` (seconds of one minute)."""
    entry = replace(
        runs.attempt(), started_at=f"2026-01-31T12:00:{start}Z", ended_at=f"2026-01-31T12:00:{end}Z" if end else ""
    )
    return Result(f"agent-{number}", f"t{number}", (entry,))


def phase(**fields: object) -> PhaseResult:
    """Return a phase that passed, but for ``fields``."""
    return replace(runs.phase(), **fields)  # type: ignore[arg-type]  # the tests name real fields


def ending(**fields: object) -> Ending:
    """Return the end of a run of three tracks: merged, timed out, never started."""
    made = Ending(
        record=runs.record(runs.spec(1), runs.spec(2), runs.spec(3)),
        outcomes=(
            runs.outcome(1),
            runs.outcome(2, "failed", LATE),
            replace(runs.outcome(3, "failed", "UNKNOWN: not started"), attempt=0),
        ),
        results={"agent-1": result(1, "00", "10"), "agent-2": result(2, "05", "25")},
        publication=PUSHED,
        ended_at="2026-01-31T12:00:30.000Z",
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # the tests name real fields


def one(outcome: Outcome, *attempts: Attempt, **fields: object) -> Ending:
    """Return the end of a run of one track, ``t1``."""
    results = {"agent-1": Result("agent-1", "t1", attempts)} if attempts else {}
    return ending(record=runs.record(runs.spec(1)), outcomes=(outcome,), results=results, **fields)


def hostile() -> Ending:
    """Return the end of a run in which everything from outside is hostile, a track for each of HOSTILE."""
    specs, outcomes, results = [], [], {}
    for number, text in enumerate(HOSTILE, 1):
        specs.append(replace(runs.spec(number), title=text, branch=f"feat/{text}"))
        outcomes.append(replace(runs.outcome(number, "failed", f"UNKNOWN: {text}"), kept=text, note=text))
        judged = phase(name=text, status=1, kind="validator", verdict="REJECT", report=text, error=text)
        entry = replace(runs.attempt(judged, error=text), asked=text if number % 2 else "")
        results[f"agent-{number}"] = Result(f"agent-{number}", f"t{number}", (entry,))
    outcomes[0] = replace(outcomes[0], ended="merged", commit=HOSTILE[0])
    whole = "".join(HOSTILE)
    return ending(
        record=replace(runs.record(*specs), source=whole, orchestration_id=whole, target_branch=whole, remote=whole),
        outcomes=outcomes,
        results=results,
        excerpts={f"agent-{number}": HOSTILE for number in range(1, len(HOSTILE) + 1)},
        publication=Publication("failed", whole, whole, (whole, whole)),
        judged=[phase(name=whole, kind="validator", verdict="REJECT", error=whole, report=whole)],
        events=[{"at": "2026-01-31T12:00:01Z", "event": whole, "run": "roadmap", "track": whole, whole: whole}],
    )
