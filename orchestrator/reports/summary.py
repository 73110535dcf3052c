"""The report of a run for people: ``summary.md``, in the form of the originals, with nothing left out."""

from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.core.run import Outcome, RunTrack
from orchestrator.core.text import visible
from orchestrator.reports.metrics import Ending, Metrics, duration

_MARKUP: Final = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>|#"})


def plain(text: str, limit: int = 300) -> str:
    """Return text from outside so that it shows as it is in Markdown."""
    return visible(text, limit).translate(_MARKUP)


def literal(text: str, limit: int = 300) -> str:
    """Return text with commands in it so that it can be copied from Markdown as it stands."""
    shown = visible(text, limit).replace("`", "'")
    return f"`{shown}`"


def human(seconds: float | None) -> str:
    """Return a duration for people: ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``; ``unknown`` for None."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def summarise(ending: Ending, metrics: Metrics) -> str:
    """Return the whole of ``summary.md``."""
    good = [each for each in ending.outcomes if each.ended == "merged"]
    bad = [each for each in ending.outcomes if each.ended != "merged"]
    lines = [
        "## Parallel Orchestration Results",
        "",
        f"- **Master Issue**: {plain(ending.record.source, 1000)}",
        f"- **Run**: {ending.record.run}",
        f"- **Orchestration ID**: {ending.record.orchestration_id}",
        f"- **Duration**: {human(metrics.duration_seconds)}",
        f"- **Success Rate**: {len(good)}/{len(ending.outcomes)} ({metrics.success_rate_percentage:g}%)",
        f"- **Published**: {_published(ending)}",
        "",
        "### Successful Tasks",
        "",
        *(_none(good) or (line for each in good for line in _good(ending, each))),
        "",
        "### Failed Tasks",
        "",
        *(_none(bad) or (line for each in bad for line in _bad(ending, each))),
        "",
        "### Next Steps",
        "",
        *_next_steps(ending, good, bad),
        "",
        "### Performance Metrics",
        "",
        *_figures(metrics),
    ]
    return "\n".join(lines) + "\n"


def _none(outcomes: Sequence[Outcome]) -> Sequence[str]:
    return () if outcomes else ("None.",)


def _published(ending: Ending) -> str:
    branch = ending.record.target_branch
    words = {
        "pushed": f"one push of {branch} to {ending.record.remote}",
        "already": f"{ending.record.remote} already had it",
        "failed": f"**the push failed**: {plain(ending.publication.why)}",
        "none": plain(ending.publication.why) or "nothing was pushed",
    }
    return words[ending.publication.state]


def _title(ending: Ending, outcome: Outcome) -> str:
    track: RunTrack = ending.record.find(outcome.agent_id)
    return f"- **{outcome.agent_id}** · {outcome.track} · {plain(track.title, 120)}"


def _time(ending: Ending, outcome: Outcome) -> str:
    result = ending.results.get(outcome.agent_id)
    return human(duration(result)) if result is not None and duration(result) is not None else "not started"


def _good(ending: Ending, outcome: Outcome) -> Iterator[str]:
    yield _title(ending, outcome)
    lines = f"+{outcome.lines_added} −{outcome.lines_removed} lines"
    yield f"  - commit {outcome.commit[:12]}, {_time(ending, outcome)}, {lines}"
    if outcome.note:
        yield f"  - note: {literal(outcome.note, 500)}"


def _bad(ending: Ending, outcome: Outcome) -> Iterator[str]:
    yield _title(ending, outcome)
    yield f"  - {outcome.ended}: {plain(outcome.error, 500) or 'no reason was recorded'}"
    yield f"  - duration: {_time(ending, outcome)}"
    if outcome.kept:
        yield f"  - kept: {literal(outcome.kept, 500)}"
    if outcome.attempt:
        yield f"  - follow-up: its output is in `orchd logs {outcome.track}`"


def _next_steps(ending: Ending, good: Sequence[Outcome], bad: Sequence[Outcome]) -> Iterator[str]:
    if ending.publication.command:
        yield f"- Publish what was merged: `{visible(ending.publication.command, 500)}`"
    for outcome in bad:
        yield _mend(ending, outcome)
    if any(each.note for each in good):
        yield "- Read the notes above: they say what is left to do by hand"
    elif not bad and not ending.publication.command:
        yield "Nothing is left to do for these tracks." if good else "No track was in this run."


def _mend(ending: Ending, outcome: Outcome) -> str:
    """Return what a person can do about a track that was not merged."""
    if outcome.ended == "conflict":
        branch = ending.record.find(outcome.agent_id).branch
        return f"- Resolve the conflict of {outcome.track}: `git merge {branch}`, then mark it done in the source"
    if outcome.ended == "cancelled":
        return f"- {outcome.track} was cancelled: run the source again to take it up"
    if not outcome.attempt:
        return f"- {outcome.track} was not started: mend the cause, and run the source again"
    return f"- Look at {outcome.track}: `orchd logs {outcome.track}`, mend the cause, and run the source again"


def _figures(metrics: Metrics) -> Iterator[str]:
    usage = metrics.resource_usage
    yield f"- Parallel: {human(metrics.duration_seconds)}"
    yield f"- One after the other (estimated): {human(metrics.estimated_sequential_time)}"
    yield f"- Speed-up: {'unknown' if metrics.speedup_ratio is None else f'{metrics.speedup_ratio:.2f}x'}"
    yield f"- Peak concurrency: {metrics.peak_concurrency}"
    yield f"- Mean duration of an agent: {human(metrics.avg_agent_duration)}"
    yield f"- Success rate: {metrics.success_rate_percentage:g}%"
    yield f"- Peak memory of an agent: {'unknown' if usage.peak_memory_mb is None else f'{usage.peak_memory_mb:g} MB'}"
    yield f"- Cost: {'unknown' if metrics.cost_usd is None else f'{metrics.cost_usd:.2f} USD'}"
