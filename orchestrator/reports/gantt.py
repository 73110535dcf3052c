"""The attempts of a run as a chart over time: one row a track, one bar an attempt; SVG, without a script. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from math import ceil
from typing import Final

from orchestrator.core.result import Attempt, PhaseResult, Result
from orchestrator.core.text import visible
from orchestrator.reports.metrics import Ending, moment, span
from orchestrator.reports.words import human

LOOKS: Final = {
    "passed": "passed",
    "failed": "failed",
    "late": "ran out of time",
    "waits": "waits for a person or a limit",
    "cancelled": "cancelled",
    "died": "its worker died",
    "running": "under way",
}
"""How an attempt looks, by the class of its bar, and what that means."""

WIDTH: Final = 1000.0
_LEFT: Final = 190.0
_RIGHT: Final = 28.0
_TOP: Final = 26.0
_ROOM: Final = WIDTH - _LEFT - _RIGHT
_TALLEST: Final = 22.0
_SHORTEST: Final = 6.0
_ALL_ROWS: Final = 6000.0
_LETTERS: Final = 11.0
_THINNEST: Final = 1.5
_TICKS: Final = 10
_STEPS: Final = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
)  # fmt: skip
_DAY: Final = 86400
_NAME: Final = 24


@dataclass(frozen=True, slots=True)
class Scale:
    """From times to places: where the chart begins, how many seconds it covers, how tall a row is."""

    start: datetime
    seconds: float
    row: float

    def x(self, time: str) -> float | None:
        """Return the place of an ISO time, within the chart; None for what is no time."""
        at = moment(time)
        if at is None:
            return None
        share = (at - self.start).total_seconds() / self.seconds
        return round(_LEFT + min(max(share, 0.0), 1.0) * _ROOM, 2)


def gantt(ending: Ending) -> str:
    """Return the chart as one ``<svg>`` element, all text in it escaped."""
    tracks = ending.record.tracks
    scale = _scale(ending, len(tracks))
    height = round(_TOP + scale.row * len(tracks) + 8, 2)
    every = max(1, round(_LETTERS / scale.row + 0.4))
    box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}"'
    lines = [
        f'<svg class="gantt" {box} role="img" aria-labelledby="gantt-title gantt-about">',
        '<title id="gantt-title">The attempts over time</title>',
        '<desc id="gantt-about">One row a track, one bar an attempt; the table below says the same in words.</desc>',
        *_axis(scale, height),
    ]
    merged = {each.agent_id: each.at for each in ending.outcomes if each.ended == "merged"}
    for number, track in enumerate(tracks):
        y = round(_TOP + number * scale.row, 2)
        if number % every == 0:
            name = _text(visible(track.track, _NAME))
            title = _text(f"{track.track}: {visible(track.title, 120)}")
            place = f'x="{_LEFT - 8:g}" y="{y + scale.row / 2 + 3.5:g}"'
            lines.append(f'<text class="name" {place} text-anchor="end"><title>{title}</title>{name}</text>')
        lines += _row(ending, track.agent_id, scale, y)
        lines += _tick(merged.get(track.agent_id, ""), track.track, scale, y)
    return "\n".join([*lines, "</svg>"])


def _text(text: str) -> str:
    return escape(visible(text), quote=True)


def _scale(ending: Ending, rows: int) -> Scale:
    """Return the scale: from the first to the last time that is known, and as tall as so many rows allow."""
    spans = [span(each) for result in ending.results.values() for each in result.attempts]
    texts = [ending.record.created_at, ending.ended_at, *(text for pair in spans for text in pair)]
    known = [found for text in texts if (found := moment(text)) is not None] or [datetime.fromtimestamp(0, UTC)]
    seconds = max((max(known) - min(known)) / timedelta(seconds=1), 0.1)
    return Scale(min(known), seconds, max(_SHORTEST, min(_TALLEST, _ALL_ROWS / max(rows, 1))))


def _axis(scale: Scale, height: float) -> Iterator[str]:
    days = _DAY * ceil(scale.seconds / _DAY / _TICKS)
    step = next((each for each in _STEPS if scale.seconds / each <= _TICKS), days)
    for number in range(int(scale.seconds / step) + 1):
        x = round(_LEFT + number * step / scale.seconds * _ROOM, 2)
        yield f'<line class="grid" x1="{x:g}" y1="{_TOP - 6:g}" x2="{x:g}" y2="{height:g}"/>'
        yield f'<text class="axis" x="{x:g}" y="{_TOP - 10:g}" text-anchor="middle">{_tick_words(number * step)}</text>'


def _tick_words(seconds: float) -> str:
    if seconds < 60:
        return f"{round(seconds, 1):g} s" if seconds else "0"
    if seconds < 3600:
        return f"{round(seconds / 60, 1):g} min"
    return f"{round(seconds / 3600, 2):g} h"


def look(ending: Ending, agent_id: str, attempt: Attempt) -> str:
    """Return how an attempt looks, one of LOOKS."""
    if not attempt.finished:
        last = ending.results[agent_id].attempts[-1]
        return "running" if agent_id in ending.going and attempt is last else "died"
    endings = {phase.ending for phase in attempt.phases}
    kinds = (
        ("waits", attempt.parked),
        ("passed", attempt.passed),
        ("late", "timed_out" in endings or attempt.error.startswith("TIMEOUT")),
        ("cancelled", "cancelled" in endings),
    )
    return next((name for name, true in kinds if true), "failed")


def _row(ending: Ending, agent_id: str, scale: Scale, y: float) -> Iterator[str]:
    result = ending.results.get(agent_id, Result(agent_id, ""))
    for attempt in result.attempts:
        kind = look(ending, agent_id, attempt)
        begun, heard = span(attempt)
        x1, x2 = scale.x(begun), scale.x(ending.ended_at if kind == "running" else heard or begun)
        if x1 is not None and x2 is not None:
            title = f"{result.track}, attempt {attempt.attempt}: {LOOKS[kind]}{_took(attempt)}"
            error = f"; {visible(attempt.error, 200)}" if attempt.error else ""
            yield f'<g class="bar {kind}"><title>{_text(title + error)}</title>'
            yield _box("whole", (x1, x2), y, scale.row)
            yield from _phases(attempt.phases, scale, y)
            yield "</g>"


def _took(attempt: Attempt) -> str:
    begun, ended = (moment(each) for each in span(attempt))
    return f", {human(max((ended - begun).total_seconds(), 0.0))}" if begun is not None and ended is not None else ""


def _phases(phases: Sequence[PhaseResult], scale: Scale, y: float) -> Iterator[str]:
    """Yield every second phase as a shade over its bar, so that neighbours differ."""
    for phase in phases[1::2]:
        x1, x2 = scale.x(phase.started_at), scale.x(phase.ended_at)
        if x1 is not None and x2 is not None:
            yield _box("shade", (x1, x2), y, scale.row, f"phase {visible(phase.name, 60)}, {human(phase.seconds)}")


def _box(name: str, ends: tuple[float, float], y: float, row: float, title: str = "") -> str:
    gap = row * 0.15
    size = f'width="{max(ends[1] - ends[0], _THINNEST):g}" height="{row - 2 * gap:g}"'
    inside = f"<title>{_text(title)}</title>" if title else ""
    return f'<rect class="{name}" x="{ends[0]:g}" y="{y + gap:g}" {size}>{inside}</rect>'


def _tick(at: str, track: str, scale: Scale, y: float) -> Iterator[str]:
    x = scale.x(at)
    if x is not None:
        yield f'<g class="merge"><title>{_text(f"{track} merged")}</title>'
        yield f'<rect x="{x - 1:g}" y="{y + 1:g}" width="2.5" height="{scale.row - 2:g}"/></g>'
