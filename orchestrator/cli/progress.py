"""``orchd progress``: the worker's own report. Agents call it often, so it starts quickly."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import click

from orchestrator.claims import FileClaims
from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.core.name import check_name
from orchestrator.core.status import ERROR_TYPES
from orchestrator.core.text import visible
from orchestrator.errors import NotFound, UsageError
from orchestrator.host import clock
from orchestrator.state.layout import Layout
from orchestrator.state.status import update

_HINT: Final = "orchd sets it for the agents of a run; outside of one there is nobody to report to"
_LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 20_000

Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports, from the environment that the worker gave its agent."""

    run: str
    track: str
    agent_id: str
    fence: int

    @classmethod
    def here(cls) -> "Reporter":
        """Read the environment; raises ``UsageError`` with the variable that is missing or wrong."""
        fence = _variable("ORCHD_FENCE")
        if not (fence.isascii() and fence.isdigit() and len(fence) < 20):
            raise UsageError(f"ORCHD_FENCE is '{visible(fence, 40)}', not a number", hint=_HINT)
        return cls(
            run=check_name("run", _variable("ORCHD_RUN")),
            track=check_name("track", _variable("ORCHD_TRACK")),
            agent_id=check_name("agent", _variable("AGENT_ID")),
            fence=int(fence),
        )


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise UsageError(f"{name} is not set, so it is not known who reports", hint=_HINT)
    return value


@click.command("progress")
@click.option("--stage", metavar="S", help="What you are doing, in a few words.")
@click.option("--percent", type=click.IntRange(0, 100), metavar="N", help="How much is done, 0 to 100.")
@click.option("--needs-input", metavar="Q", help="The question that a person must answer; empty: answered.")
@click.option("--blocked", metavar="TEXT", help="What you cannot get past, and what you tried; empty: no longer.")
@click.option("--ready-for-review", is_flag=True, help="Say that somebody may look at your work now.")
@click.option("--cost-usd", type=float, metavar="X", help="What this attempt has cost so far, in dollars.")
@click.option("--tokens", type=click.IntRange(0, 2**53 - 1), metavar="N", help="The tokens that it has used so far.")
@click.option("--error", metavar="'TYPE: TEXT'", help=f"What went wrong. Types: {', '.join(ERROR_TYPES)}.")
@click.option("--pr", type=click.IntRange(1, 2**53), metavar="N", help="The number of your pull request.")
@common
def command(root: str, as_json: bool, **said: object) -> None:
    """Report how far you are. Run, track and claim come from the environment of the agent."""
    reporter = Reporter.here()
    report, told = _report(said), _told(said)
    paths = Layout(root).run(reporter.run)
    if not os.path.isdir(paths.folder):
        raise NotFound(f"there is no run {reporter.run} below {visible(root)}", hint="is ORCHD_ROOT right?")
    written = update(
        paths,
        reporter.agent_id,
        _change(reporter, report, told),
        fence=reporter.fence,
        claim_fence=_last_fence(root, reporter),
    )
    if as_json:
        output.emit(written)


def _report(said: Fields) -> Fields:
    """Return the fields that the options name."""
    report: Fields = {}
    if said["stage"] is not None:
        report["current_stage"] = visible(str(said["stage"]), _LONGEST_NAME)
    if said["percent"] is not None:
        report["progress_percentage"] = said["percent"]
    if said["pr"] is not None:
        report["pr_number"] = said["pr"]
    if said["error"] is not None:
        report["error"] = _error(str(said["error"]))
    if said["needs_input"] is not None:
        question = str(said["needs_input"])[:_LONGEST_TEXT]
        report["needs_input"] = {"question": question} if question else None
    return report


def _told(said: Fields) -> Fields:
    """Return what the options say in the metadata; None: no longer."""
    told: Fields = {name: said[name] for name in ("cost_usd", "tokens") if said[name] is not None}
    cost = said["cost_usd"]
    if isinstance(cost, float) and not 0 <= cost < math.inf:
        raise UsageError(f"--cost-usd is {cost}, not an amount", hint="say the sum so far in dollars, such as 1.25")
    if said["ready_for_review"]:
        told["ready_for_review"] = True
    if said["blocked"] is not None:
        told["blocked"] = str(said["blocked"])[:_LONGEST_TEXT] or None
    return told


def _error(text: str) -> str:
    kind, colon, what = text.partition(":")
    if kind.strip() not in ERROR_TYPES or not colon or not what.strip():
        raise UsageError(
            f"--error is '{visible(text, 60)}', not 'TYPE: text'", hint=f"TYPE is one of {', '.join(ERROR_TYPES)}"
        )
    return f"{kind.strip()}: {what.strip()}"[:_LONGEST_TEXT]


def _last_fence(root: str, reporter: Reporter) -> int:
    """Return the last fence given for the track: the claim's, and the guard's where there is no claim."""
    claims = FileClaims(root)
    seen = claims.read(reporter.track)
    last = claims.last_fence(reporter.track) if seen is None or seen.fence is None else seen.fence
    if reporter.fence > last:
        raise UsageError(
            f"ORCHD_FENCE is {reporter.fence}, but the last fence given for {reporter.track} is {last}", hint=_HINT
        )
    return last


def _change(reporter: Reporter, report: Fields, told: Fields) -> Callable[[Fields], Fields]:
    """Return what is to be done to the status: the report, and whatever a whole one needs."""

    def change(now: Fields) -> Fields:
        started = now.get("status") not in {None, "pending"}
        whole: Fields = {
            "start_time": clock.iso(),
            "branch_name": os.environ.get("BRANCH_NAME") or "unknown",
            "track": reporter.track,
        }
        metadata = now.get("metadata")
        more = {**(metadata if isinstance(metadata, Mapping) else {}), **told}
        kept = {name: value for name, value in more.items() if value is not None}
        return {**whole, **now, **report, "metadata": kept, "status": now["status"] if started else "in_progress"}

    return change
