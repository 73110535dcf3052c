"""The report of a run for people: ``summary.md``, in the form of the originals, with nothing left out."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.core.run import Outcome, RunTrack
from orchestrator.core.text import visible
from orchestrator.reports.diagnosis import Diagnosis, Step, diagnose
from orchestrator.reports.metrics import Ending, Metrics, duration, seconds_between
from orchestrator.reports.spending import spent
from orchestrator.reports.timeline import Entry, bounded, phase_words, timeline
from orchestrator.reports.words import counted, dollars, human, literal, plain, times

MOST_ENTRIES: Final = 60
"""Of the timeline; the other forms of the report have all of it."""

MOST_EXCERPTS: Final = 40
"""So many failed tracks come with the end of their log."""


def summarise(ending: Ending, metrics: Metrics) -> str:
    """Return the whole of ``summary.md``."""
    good = [each for each in ending.outcomes if each.ended == "merged"]
    bad = diagnose(ending)
    lines = [
        "## Parallel Orchestration Results",
        "",
        *_head(ending, metrics),
        "",
        "### Successful Tasks",
        "",
        *(_none(good) or (line for each in good for line in _good(ending, each))),
        "",
        "### Failed Tasks",
        "",
        *(_none(bad) or (line for number, each in enumerate(bad) for line in _bad(ending, each, number))),
        "",
        *_going(ending),
        "### Next Steps",
        "",
        *_next_steps(ending, good, bad),
        "",
        "### Performance Metrics",
        "",
        *_figures(metrics),
        "",
        "### Timeline",
        "",
        *_timeline(ending),
    ]
    return "\n".join(lines) + "\n"


def _head(ending: Ending, metrics: Metrics) -> Iterator[str]:
    yield f"- **Master Issue**: {plain(ending.record.source, 1000)}"
    yield f"- **Run**: {ending.record.run}"
    yield f"- **Orchestration ID**: {plain(ending.record.orchestration_id)}"
    if not ending.over:
        yield f"- **Not over**: this is how it stood at {plain(ending.ended_at, 40)}"
    yield f"- **Duration**: {human(metrics.duration_seconds)}"
    share = f"{metrics.successful_agents}/{metrics.total_sub_tasks} ({metrics.success_rate_percentage:g}%)"
    yield f"- **Success Rate**: {share}"
    for each in ending.judged:
        yield f"- **Judged**: {plain(phase_words(each))}{f' ({plain(each.error)})' if each.error else ''}"
    yield f"- **Published**: {published(ending) if ending.over else 'not yet'}"
    if ending.over and ending.publication.output:
        yield ""
        yield from _printed(ending.publication.output, "  ")


def _none(ended: Sequence[Outcome] | Sequence[Diagnosis]) -> Sequence[str]:
    return () if ended else ("None.",)


def published(ending: Ending) -> str:
    """Return what became of the push, in Markdown."""
    branch, remote = plain(ending.record.target_branch), plain(ending.record.remote or "")
    why = plain(ending.publication.why)
    words = {
        "pushed": f"one push of {branch} to {remote}{f': {why}' if why else ''}",
        "already": f"{remote} already had it",
        "failed": f"**not published**: {why}",
        "none": why or "nothing was pushed",
    }
    return words[ending.publication.state]


def _title(ending: Ending, agent_id: str) -> str:
    track: RunTrack = ending.record.find(agent_id)
    return f"- **{agent_id}** · {track.track} · {plain(track.title, 120)}"


def _time(ending: Ending, agent_id: str) -> str:
    result = ending.results.get(agent_id)
    return human(duration(result)) if result is not None and duration(result) is not None else "not started"


def _cost(ending: Ending, agent_id: str) -> str:
    """Return attempts and cost of one track; nothing where it was not started."""
    result = ending.results.get(agent_id)
    if result is None:
        return ""
    used = spent([result])
    return f", {times(len(result.attempts), 'attempt')}, cost {dollars(used.cost_usd, used.known_cost_usd)}"


def _good(ending: Ending, outcome: Outcome) -> Iterator[str]:
    yield _title(ending, outcome.agent_id)
    lines = f"+{outcome.lines_added} −{outcome.lines_removed} lines"
    number = ending.pull_requests.get(outcome.agent_id)
    request = f", PR #{number}" if number is not None else ""
    took = f"{_time(ending, outcome.agent_id)}, {lines}{_cost(ending, outcome.agent_id)}"
    commit = f"commit {plain(outcome.commit[:12])}" if outcome.commit else "no commit"
    yield f"  - {commit}{request}, {took}"
    if outcome.note:
        yield f"  - note: {literal(outcome.note, 500)}"


def _bad(ending: Ending, found: Diagnosis, number: int) -> Iterator[str]:
    yield _title(ending, found.agent_id)
    yield f"  - {found.ended}: {plain(found.error, 600)}"
    yield f"  - likely cause: {plain(found.cause, 600)}"
    if found.failed_as:
        yield f"  - class: {found.failed_as}"
    if found.how:
        yield f"  - how: {plain(found.how)}"
    yield f"  - duration: {_time(ending, found.agent_id)}{_cost(ending, found.agent_id)}"
    if found.kept:
        yield f"  - kept: {literal(found.kept, 1000)}"
    for step in found.steps:
        yield f"  - follow-up: {step.what}: {literal(step.command, 700)}"
    if found.log and number < MOST_EXCERPTS:
        yield "  - the end of its log:"
        yield ""
        yield from _printed(found.log, "    ")


def _printed(lines: Sequence[str], indent: str) -> Iterator[str]:
    """Yield what somebody printed as a block in which nothing is Markdown."""
    yield f"{indent}```text"
    yield from (f"{indent}{line}" for line in (visible(each).replace("```", "'''") for each in lines))
    yield f"{indent}```"


def _going(ending: Ending) -> Iterator[str]:
    if ending.going:
        yield from ("### Tasks Not Over", "")
        for agent_id, state in ending.going.items():
            yield _title(ending, agent_id)
            yield f"  - {plain(state.state, 40)}: {plain(state.why)}"
        yield ""


def _next_steps(ending: Ending, good: Sequence[Outcome], bad: Sequence[Diagnosis]) -> Iterator[str]:
    found = list(next_steps(ending, bad))
    yield from (f"- {_sentence(each.what)}: {literal(each.command, 700)}" for each in found)
    if any(each.note for each in good):
        yield "- Read the notes above: they say what is left to do by hand"
    elif not found:
        yield "Nothing is left to do for these tracks." if good else "No track was in this run."


def _sentence(what: str) -> str:
    """Return words as the beginning of a sentence; the name of a track stays as it is written."""
    return plain(what) if ": " in what else f"{what[:1].upper()}{plain(what[1:])}"


def next_steps(ending: Ending, bad: Sequence[Diagnosis]) -> Iterator[Step]:
    """Yield the commands that go on from here, each once; after the push those for the tracks that were not merged."""
    if not ending.over:
        yield Step("see where it is", "orchd status")
    if ending.publication.command:
        yield Step("publish what was merged", visible(ending.publication.command, 500))
    if ending.publication.state == "failed":
        source = shlex.quote(visible(ending.record.source, 500))
        yield Step("or, once that was mended, have orchd push it", f"orchd run {source} --resume")
    again: dict[str, Step] = {}
    for each in bad:
        for step in each.steps:
            if step.command.startswith(("git merge", "orchd answer")):
                yield Step(f"{each.track}: {step.what}", step.command)
            elif step.command.startswith(("orchd approve", "orchd retry", "orchd run")):
                again.setdefault(step.command, step)
    yield from again.values()


def _figures(metrics: Metrics) -> Iterator[str]:
    usage = metrics.resource_usage
    yield f"- Parallel: {human(metrics.duration_seconds)}"
    yield f"- One after the other (estimated): {human(metrics.estimated_sequential_time)}"
    yield f"- Speed-up: {'unknown' if metrics.speedup_ratio is None else f'{metrics.speedup_ratio:.2f}x'}"
    yield f"- Peak concurrency: {metrics.peak_concurrency}"
    yield f"- Attempts: {metrics.attempts}"
    yield f"- Mean duration of an agent: {human(metrics.avg_agent_duration)}"
    yield f"- Success rate: {metrics.success_rate_percentage:g}%"
    yield f"- Peak memory of an agent: {'unknown' if usage.peak_memory_mb is None else f'{usage.peak_memory_mb:g} MB'}"
    yield f"- Cost: {dollars(metrics.cost_usd, metrics.known_cost_usd)}"
    yield f"- Tokens: {counted(metrics.tokens, metrics.known_tokens)}"


def _timeline(ending: Ending) -> Iterator[str]:
    start = ending.record.created_at
    first, omitted, last = bounded(timeline(ending), MOST_ENTRIES)
    yield f"Times count from {plain(start, 40)}."
    yield ""
    yield "| after | track | what | detail |"
    yield "|---|---|---|---|"
    yield from (_row(start, each) for each in first)
    if omitted:
        more = f"{omitted} more are in `orchd report {ending.record.run} --json` and `--html`"
        yield f"| … | | {more} | |"
        yield from (_row(start, each) for each in last)


def _row(start: str, entry: Entry) -> str:
    after = human(seconds_between(start, entry.at))
    return f"| {after} | {plain(entry.track, 100)} | {plain(entry.what, 120)} | {plain(entry.detail)} |"
