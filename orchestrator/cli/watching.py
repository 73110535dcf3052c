"""Watching a run. Whoever watches reads its files, a few times a second, and has no other part in it."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from orchestrator.claims import FileClaims, Seen
from orchestrator.cli.frame import Look, Row
from orchestrator.cli.views import View
from orchestrator.core.decide import picked
from orchestrator.core.facts import TrackFacts
from orchestrator.core.run import RunRecord
from orchestrator.core.schedule import Order
from orchestrator.core.standing import Standing, TrackState
from orchestrator.daemon.gather import Conducted, RunFiles
from orchestrator.daemon.instance import is_taken
from orchestrator.daemon.statuses import Statuses
from orchestrator.host import clock
from orchestrator.state.layout import Layout

EVERY: Final = 0.2
"""Seconds between two looks, and more where a look takes long: whoever watches leaves the machine to the work."""

SHARE: Final = 0.05
"""Looks take this share of the time at most."""

_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TAIL: Final = 4096
_CONTROL: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.?)")
_BREAK: Final = re.compile(r"[\r\n]+")
_OUR_OWN: Final = re.compile(r"\[orchd [0-9TZ:.-]{1,40}\] ")


class Watched:
    """One run, looked at again and again through its files. Of what has ended little is kept, and asked again."""

    def __init__(self, layout: Layout, record: RunRecord) -> None:
        self._layout = layout
        self._record = record
        self._files = RunFiles(layout)
        self._statuses = Statuses(layout.run(record.run))
        self._store = FileClaims(layout.root)
        self._order = Order.of(record)
        self._own = Conducted.of(record, clock.steady())
        self._ended: dict[str, tuple[TrackState, Row]] = {}

    def look(self) -> Look:
        """Return what there is to see now."""
        claims = {seen.track: seen for seen in self._store.list()}
        self._own.over = {agent_id: each for agent_id, each in self._own.over.items() if self._holds(each, claims)}
        there = [each.agent_id for each in self._record.tracks if each.agent_id not in self._own.over]
        facts = self._files.facts(self._record, self._statuses.read(claims, there), claims, self._own)
        standing = Standing(facts, clock.steady())
        waits = picked(standing, self._order).waits
        now, before = clock.iso(), frozenset(self._ended)
        rows = tuple(self._row(standing, each, waits.get(each.spec.agent_id, ""), now) for each in facts.tracks)
        self._let_go(each for each in facts.tracks if each.outcome is not None and each.spec.agent_id in before)
        return Look(self._record.run, rows, between(self._record.created_at, now), self._is_over(said=facts.ended))

    def _holds(self, track: TrackFacts, claims: Mapping[str, Seen]) -> bool:
        """Tell whether a track that had ended still has: an agent may have said so."""
        outcome = self._files.outcome(self._record.run, track.spec.agent_id)
        return outcome is track.outcome and track.spec.track not in claims

    def _let_go(self, ended: Iterable[TrackFacts]) -> None:
        """Keep only what is needed of tracks that had ended at the look before: by now their last words are known."""
        for track in ended:
            self._own.end(track)
        self._statuses.let_go(self._own.over.keys())

    def _is_over(self, *, said: bool) -> bool:
        """Tell whether the run is over: an agent may have said so, and who drives a run lets go of it when it is."""
        return said and not is_taken(self._layout.run(self._record.run).conductor)

    def _row(self, standing: Standing, facts: TrackFacts, waits: str, now: str) -> Row:
        """Return what is shown of a track; nothing new is to be said of one that has ended."""
        agent_id, state = facts.spec.agent_id, standing.of(facts)
        before, row = self._ended.get(agent_id, (None, None))
        if row is not None and agent_id in self._own.over and before == state:
            return row
        row = self._fresh_row(facts, state, waits, now)
        if facts.outcome is not None:
            self._ended[agent_id] = (state, row)
        return row

    def _fresh_row(self, facts: TrackFacts, state: TrackState, waits: str, now: str) -> Row:
        status = self._statuses.found.get(facts.spec.agent_id)
        phase = status.metadata.get("phase") if status is not None else None
        return Row(
            track=facts.spec.track,
            title=facts.spec.title,
            state=state.where,
            phase=phase if isinstance(phase, str) else "",
            seconds=_seconds(facts, status.start_time if status is not None else None, now),
            percent=None if facts.status is None else facts.status.percent,
            last=waits or self._last(facts, state),
        )

    def _last(self, facts: TrackFacts, state: TrackState) -> str:
        if state.rule == "claim":
            question = facts.status.needs_input if facts.status is not None else ""
            return f"needs input: {question}" if question else last_line(self._layout.log(facts.spec.track))
        return "" if state.rule == "open" else state.why


def _seconds(facts: TrackFacts, began: str | None, now: str) -> float | None:
    """Return how long the attempt takes or took, by the worker's own words."""
    result = facts.result
    start = result.started_at if result is not None else began
    if start is None or not facts.job_attempt:
        return None
    end = result.ended_at if result is not None and result.finished else ""
    return between(start, end or (facts.outcome.at if facts.outcome is not None else now))


def between(start: str, end: str) -> float | None:
    """Return the seconds between two ISO times, UTC where they name no zone; None where one is none."""
    try:
        first, last = (datetime.fromisoformat(each) for each in (start, end))
    except ValueError:
        return None
    aware = (each if each.tzinfo is not None else each.replace(tzinfo=UTC) for each in (first, last))
    begun, ended = aware
    return max((ended - begun).total_seconds(), 0.0)


def last_line(path: str) -> str:
    """Return the last line of text in a log, without what moves a cursor or paints; empty where there is none."""
    try:
        fd = os.open(path, _OPEN)
    except OSError:
        return ""
    try:
        facts = os.fstat(fd)
        data = os.pread(fd, _TAIL, max(0, facts.st_size - _TAIL)) if stat.S_ISREG(facts.st_mode) else b""
    finally:
        os.close(fd)
    lines = _BREAK.split(_CONTROL.sub("", data.decode("utf-8", "replace")))
    line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return _OUR_OWN.sub("", line, count=1)


def follow(watched: Watched, seen: View, pause: Callable[[float], object]) -> None:
    """Show a run until it has ended, or until ``pause``, given seconds to wait, returns something true."""
    over: object = False
    while True:
        before = clock.thread_cpu()
        look = watched.look()
        seen.show(look)
        if look.ended or over:
            return
        over = pause(max(EVERY, (clock.thread_cpu() - before) / SHARE))
