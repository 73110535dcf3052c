"""What tracks have spent, and when a usage limit is over: from results, statuses, and the clock on the wall."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from orchestrator.core import amounts, budget, retry
from orchestrator.core.result import Attempt
from orchestrator.core.run import Limit, Options
from orchestrator.core.status import Status
from orchestrator.errors import Unreadable
from orchestrator.host import clock
from orchestrator.state import results
from orchestrator.state.layout import Layout, RunLayout

LONGEST_LIMIT: Final = 7 * 86_400.0
"""Seconds that a usage limit is believed to last at most."""

_NS: Final = 1_000_000_000


def limited_until(
    attempt: Attempt | None, since: float | None, options: Options, former: Sequence[Attempt] = ()
) -> float | None:
    """Return when (monotonic s) the limit that ended an attempt is over; ``since`` is when it was met.

    None where none was met, or it is not known since when. ``former`` are the attempts before: where they met it too,
    it counts from the first of them how long it is believed, and there is a pause, whatever is said of its end.
    """
    if attempt is None or not attempt.limited:
        return None
    row = retry.parked_in_a_row(former, attempt)
    stated = _moment(attempt.limited_until)
    if stated is not None:
        left = min(stated - clock.wall_ns() / _NS, LONGEST_LIMIT - age(row[0].ended_at))
        until = clock.steady() + left if left > 0 else 0.0
    elif since is None:
        return None
    else:
        until = since + options.limit_wait_seconds
    pause = retry.after_limits(len(row), options, attempt.token)
    return until if since is None or pause == 0 else max(until, since + pause)


def over_since(attempt: Attempt | None) -> float | None:
    """Return since when (monotonic s) an attempt is over, by its own word; None where it is not, or says no time."""
    if attempt is None or not attempt.finished or _moment(attempt.ended_at) is None:
        return None
    return clock.steady() - age(attempt.ended_at)


def of_track(attempts: Sequence[Attempt], present: int, status: Status | None) -> Limit:
    """Return what all attempts at a track have spent; what the running one says is in its status.

    Since when it runs says its worker, in its result: a status may be written by the agent, start and all.
    """
    spent = [_of_attempt(each) for each in attempts if each.finished or each.attempt != present]
    running = (
        status is not None
        and status.attempt == present
        and not any(each.attempt == present and each.finished for each in attempts)
    )
    if running and status is not None:
        said = status.metadata
        own = next((each.started_at for each in attempts if each.attempt == present), status.start_time)
        began = _moment(own or "")
        seconds = None if began is None else max(clock.wall_ns() / _NS - began, 0.0)
        spent.append(Limit(amounts.dollars(said.get("cost_usd")), amounts.tokens(said.get("tokens")), seconds))
    return budget.total(spent)


def _of_attempt(attempt: Attempt) -> Limit:
    ends = [attempt.ended_at, *(each.ended_at for each in attempt.phases)]
    began, ended = _moment(attempt.started_at), max(filter(None, map(_moment, ends)), default=None)
    seconds = None if began is None or ended is None else max(ended - began, 0.0)
    return Limit(attempt.cost_usd, attempt.tokens, seconds)


def today(layout: Layout, runs: Iterable[str]) -> Limit:
    """Return what these runs have spent in attempts that ended today (UTC)."""
    day = clock.iso()[:10]
    return budget.total(spent for run in runs for spent in _of_run(layout.run(run), day))


def _of_run(paths: RunLayout, day: str) -> list[Limit]:
    found = []
    for name in _results(paths.folder):
        with suppress(Unreadable):
            result = results.read_result(f"{paths.folder}/{name}")
            found += [_of_attempt(each) for each in result.attempts if each.ended_at.startswith(day)] if result else []
    return found


def _results(folder: str) -> list[str]:
    """Return the result files of a run that something happened to today, by the time of its folder."""
    try:
        if clock.iso(os.stat(folder).st_mtime_ns)[:10] < clock.iso()[:10]:
            return []
        return [each for each in os.listdir(folder) if each.endswith(".result.json")]
    except OSError:
        return []


def age(created_at: str) -> float:
    """Return how long ago (s) a time was, by the clock on the wall; 0 for none, and for one to come."""
    moment = _moment(created_at)
    return 0.0 if moment is None else max(clock.wall_ns() / _NS - moment, 0.0)


def _moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
