"""The report as one HTML file: no script, nothing fetched, and every text from outside escaped. Pure."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from typing import Final

from orchestrator.core.run import Outcome, RunTrack
from orchestrator.core.text import visible
from orchestrator.reports.diagnosis import Diagnosis, diagnose
from orchestrator.reports.gantt import LOOKS, gantt
from orchestrator.reports.metrics import Ending, Metrics, duration, seconds_between
from orchestrator.reports.spending import spent
from orchestrator.reports.style import STYLE
from orchestrator.reports.summary import next_steps
from orchestrator.reports.timeline import phase_words, timeline
from orchestrator.reports.words import counted, dollars, human

FOLDED: Final = 200
"""A timeline of more entries is folded until a person opens it."""

_PUBLISHED: Final = {"pushed": "pushed", "already": "was there already", "failed": "the push failed", "none": "no"}
_TRACKS: Final = ("track", "title", "ended", "attempts", "time", "cost", "tokens", "lines", "commit or reason")


def page(ending: Ending, metrics: Metrics) -> str:
    """Return the whole file, in ASCII."""
    bad = diagnose(ending)
    digest = b64encode(sha256(STYLE.encode("ascii")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Run {text(ending.record.run)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        *_head(ending, metrics),
        *_chart(ending),
        *_next_steps(ending, bad),
        *_failures(ending, bad),
        *_tracks(ending),
        *_timeline(ending),
        "</body>",
        "</html>",
    ]
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode("ascii") + "\n"


def text(said: str, limit: int = 1000) -> str:
    """Return text from outside so that it shows as it is in HTML, in an attribute too."""
    return escape(visible(said, limit), quote=True)


def _head(ending: Ending, metrics: Metrics) -> Iterator[str]:
    record = ending.record
    yield f"<header><h1>Run {text(record.run)}</h1>"
    begun = f"{text(record.created_at, 40)}, {text(record.orchestration_id)}"
    yield f'<p class="soft">{text(record.source)} &middot; accepted {begun}</p>'
    if not ending.over:
        yield f'<p class="notice">This run is not over: this is how it stood at {text(ending.ended_at, 40)}.</p>'
    if ending.publication.why:
        yield f'<p class="soft">{text(ending.publication.why)}</p>'
    if ending.publication.output:
        printed = "\n".join(text(each) for each in ending.publication.output)
        yield f"<pre>{printed}</pre>"
    for each in ending.judged:
        yield f'<p class="soft">{text(phase_words(each))}{f": {text(each.error)}" if each.error else ""}</p>'
    yield '<dl class="figures">'
    for name, figure in _figures(ending, metrics):
        yield f"<div><dt>{name}</dt><dd>{text(figure)}</dd></div>"
    yield "</dl></header>"


def _figures(ending: Ending, metrics: Metrics) -> Sequence[tuple[str, str]]:
    share = f"{metrics.successful_agents} of {metrics.total_sub_tasks} ({metrics.success_rate_percentage:g}%)"
    speedup = "unknown" if metrics.speedup_ratio is None else f"{metrics.speedup_ratio:.2f}x"
    memory = metrics.resource_usage.peak_memory_mb
    return (
        ("merged", share),
        ("duration", human(metrics.duration_seconds)),
        ("one after the other", human(metrics.estimated_sequential_time)),
        ("speed-up", speedup),
        ("most at once", str(metrics.peak_concurrency)),
        ("attempts", str(metrics.attempts)),
        ("cost", dollars(metrics.cost_usd, metrics.known_cost_usd)),
        ("tokens", counted(metrics.tokens, metrics.known_tokens)),
        ("peak memory", "unknown" if memory is None else f"{memory:g} MB"),
        ("published", _PUBLISHED[ending.publication.state] if ending.over else "not yet"),
    )


def _chart(ending: Ending) -> Iterator[str]:
    yield '<section><h2>Attempts</h2><div class="wide">'
    yield gantt(ending)
    yield '</div><ul class="legend">'
    for name, meaning in LOOKS.items():
        yield f'<li><span class="{name}"></span>{meaning}</li>'
    yield '<li><span class="tick"></span>merged</li><li>a shade: the next phase</li></ul></section>'


def _next_steps(ending: Ending, bad: Sequence[Diagnosis]) -> Iterator[str]:
    steps = list(next_steps(ending, bad))
    if steps:
        yield "<section><h2>Next steps</h2><ul>"
        yield from (f"<li>{text(each.what)}: <code>{text(each.command)}</code></li>" for each in steps)
        yield "</ul></section>"


def _failures(ending: Ending, bad: Sequence[Diagnosis]) -> Iterator[str]:
    if bad:
        yield "<section><h2>Not merged</h2>"
        for each in bad:
            yield from _failure(each, ending.record.find(each.agent_id))
        yield "</section>"


def _failure(found: Diagnosis, track: RunTrack) -> Iterator[str]:
    yield f'<article class="failure"><h3>{text(found.track)} &middot; {text(track.title, 200)}</h3>'
    kind = f", {text(found.failed_as)}" if found.failed_as else ""
    yield f'<p><span class="word {found.ended}">{found.ended}</span>{kind}: {text(found.error)}</p>'
    how = f' <span class="soft">({text(found.how)})</span>' if found.how else ""
    yield f"<p>Likely cause: {text(found.cause)}{how}</p>"
    if found.kept:
        yield f"<p>Kept: <code>{text(found.kept)}</code></p>"
    yield "<ul>"
    yield from (f"<li>{text(each.what)}: <code>{text(each.command)}</code></li>" for each in found.steps)
    yield "</ul>"
    if found.log:
        lines = "\n".join(text(line) for line in found.log)
        yield f"<details open><summary>the end of its log</summary><pre>{lines}</pre></details>"
    yield "</article>"


def _tracks(ending: Ending) -> Iterator[str]:
    outcomes = {each.agent_id: each for each in ending.outcomes}
    yield '<section><h2>Tracks</h2><div class="wide"><table>'
    yield from _header(_TRACKS)
    for track in ending.record.tracks:
        yield _row(ending, track, outcomes.get(track.agent_id))
    yield "</tbody></table></div></section>"


def _header(names: Sequence[str]) -> Iterator[str]:
    yield "<thead><tr>"
    yield from (f'<th scope="col">{each}</th>' for each in names)
    yield "</tr></thead><tbody>"


def _cells(cells: Sequence[str]) -> str:
    return "".join(f"<td>{each}</td>" for each in cells)


def _row(ending: Ending, track: RunTrack, outcome: Outcome | None) -> str:
    result = ending.results.get(track.agent_id)
    used = spent([result] if result is not None else [])
    going = ending.going.get(track.agent_id)
    state, why, lines = going.state if going is not None else "unknown", going.why if going is not None else "", ""
    if outcome is not None:
        state, why = outcome.ended, outcome.error
        if state == "merged":
            why = "; ".join(each for each in (outcome.commit[:12], outcome.note) if each)
            lines = f"+{outcome.lines_added} −{outcome.lines_removed}"
    cells = (
        text(track.track),
        text(track.title, 200),
        f'<span class="word {text(state)}">{text(state)}</span>',
        str(len(result.attempts)) if result is not None else "0",
        human(duration(result)) if result is not None else "not started",
        dollars(used.cost_usd, used.known_cost_usd),
        counted(used.tokens, used.known_tokens),
        lines,
        text(why, 500),
    )
    return f"<tr>{_cells(cells)}</tr>"


def _timeline(ending: Ending) -> Iterator[str]:
    entries = timeline(ending)
    unfolded = " open" if len(entries) <= FOLDED else ""
    yield f"<section><h2>Timeline</h2><details{unfolded}><summary>{len(entries)} entries</summary>"
    yield '<div class="wide"><table>'
    yield from _header(("after", "time", "track", "what", "detail"))
    for each in entries:
        after = human(seconds_between(ending.record.created_at, each.at))
        times = f'<td class="number">{after}</td><td class="number">{text(each.at, 40)}</td>'
        yield f"<tr>{times}{_cells((text(each.track), text(each.what), text(each.detail)))}</tr>"
    yield "</tbody></table></div></details></section>"
