"""``orchd answer``: what a person says to the question of a track."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import click

from orchestrator.claims import FileClaims
from orchestrator.cli import accepting, asking, attending, named_run, output, run_files
from orchestrator.cli.hints import resuming
from orchestrator.cli.options import common
from orchestrator.core.name import check_name
from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.core.standing import Standing
from orchestrator.daemon.gather import Conducted, RunFiles
from orchestrator.daemon.instance import is_taken
from orchestrator.daemon.statuses import Statuses
from orchestrator.errors import NotFound, Unreadable, UsageError
from orchestrator.host import clock
from orchestrator.state import answers, results
from orchestrator.state.answers import Answer
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout

LARGEST: Final = 64 * 1024
"""Bytes of the longest answer."""

_MOST_RUNS: Final = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What an attempt at a track asked. ``live``: it is still at work; ``over``: its run has ended."""

    record: RunRecord
    track: RunTrack
    attempt: int
    text: str
    live: bool = False
    over: bool = False


@click.command("answer")
@click.argument("track")
@click.argument("text")
@click.option("--run", metavar="RUN", help="The run, where several ask for TRACK.")
@common
def command(root: str, as_json: bool, track: str, text: str, run: str | None) -> None:
    """Answer the question of TRACK with TEXT; the next attempt is told both. TEXT - reads stdin.

    Where the run has ended meanwhile, the answer is kept for `orchd retry` and the next run, and ends a quarantine.
    """
    asking.refuse_agents(root, "answer a question")
    layout = Layout(root)
    check_name("track", track)
    question = _asked(layout, track, run)
    said = _text(text)
    paths = layout.run(question.record.run)
    answers.write(paths, question.track.agent_id, Answer(question.attempt, question.text, said))
    Journal(root).write("run.answered", {"run": question.record.run, "track": track, "attempt": question.attempt})
    driven = not question.over and (is_taken(paths.conductor) or attending.hand_over(root, question.record.run))
    if as_json:
        fields = {"run": question.record.run, "track": track, "attempt": question.attempt, "question": question.text}
        output.emit({**fields, "over": question.over, "driven": driven})
    else:
        output.say(f"{track} asked in run {question.record.run}: {question.text}")
        output.say(_next_step(question, driven=driven))


def _asked(layout: Layout, track: str, run: str | None) -> Question:
    """Return the question of a track. Raises :class:`NotFound` for none, :class:`UsageError` for several."""
    records = accepting.unfinished(layout) if run is None else [named_run.read(layout, run)]
    found = [question for record in records if (question := _open_question(layout, record, track)) is not None]
    if len(found) > 1:
        runs = ", ".join(each.record.run for each in found)
        raise UsageError(f"{track} asks in several runs: {runs}", hint=f"add --run {found[0].record.run}")
    ended = () if found else _ended(layout, run)
    late = (question for record in ended if (question := _late_question(layout, record, track)) is not None)
    question = found[0] if found else next(late, None)
    if question is None:
        where = "" if run is None else f" in run {run}"
        raise NotFound(f"{track} asks nothing{where}", hint="`orchd status` shows who waits for a person")
    return question


def _open_question(layout: Layout, record: RunRecord, track: str) -> Question | None:
    """Return what a track of a run that goes on asks now, by a question that ended its attempt or a live one."""
    carried = next((each for each in record.tracks if each.track == track), None)
    if carried is None or results.has_ended(layout.run(record.run)):
        return None
    seen = FileClaims(layout.root).read(track)
    claims = {track: seen} if seen is not None else {}
    statuses = Statuses(layout.run(record.run)).read(claims)
    facts = RunFiles(layout).facts(record, statuses, claims, Conducted.of(record, clock.steady()))
    own = next(each for each in facts.tracks if each.spec.track == track)
    state = Standing(facts, clock.steady()).of(own)
    if state.rule == "question" and own.result is not None:
        return Question(record, carried, own.job_attempt, own.result.asked or own.result.blocked)
    live = (own.status.needs_input or own.status.blocked) if own.status is not None else ""
    if state.rule == "claim" and live and own.outcome is None:
        return Question(record, carried, own.job_attempt, live, live=True)
    return None


def _ended(layout: Layout, run: str | None) -> Iterator[RunRecord]:
    """Yield the runs that have ended, the newest first; or that one."""
    names: Sequence[str] = [each.run for each in run_files.recorded(layout)[:_MOST_RUNS]] if run is None else [run]
    for name in names:
        with suppress(Unreadable, FileNotFoundError):
            record = results.read_run(layout.run(name))
            if results.has_ended(layout.run(name)):
                yield record


def _late_question(layout: Layout, record: RunRecord, track: str) -> Question | None:
    """Return the question that a track ended with; None where it asked nothing at its end."""
    carried = next((each for each in record.tracks if each.track == track), None)
    if carried is None:
        return None
    with suppress(Unreadable):
        outcome = results.read_outcome(layout.run(record.run).outcome(carried.agent_id))
        result = results.read_result(layout.run(record.run).result(carried.agent_id))
        last = result.of(outcome.attempt) if outcome is not None and result is not None else None
        if last is not None and (last.asked or last.blocked) and outcome is not None and outcome.ended != "merged":
            return Question(record, carried, last.attempt, last.asked or last.blocked, over=True)
    return None


def _text(text: str) -> str:
    """Return the answer, from stdin for ``-``. Raises :class:`UsageError` where it is none."""
    try:
        data = sys.stdin.buffer.read(LARGEST + 1) if text == "-" else text.encode("utf-8")
        said = data.decode("utf-8")
    except UnicodeError as error:
        raise UsageError(
            "the answer is not UTF-8", hint="write it to a file in UTF-8, and give that as stdin"
        ) from error
    if len(data) > LARGEST:
        raise UsageError(
            f"the answer is longer than {LARGEST // 1024} KB",
            hint="put it into a file of the repository, and name that",
        )
    if not said.strip():
        raise UsageError("the answer is empty", hint="orchd answer TRACK 'the answer', or - for stdin")
    return said


def _next_step(question: Question, *, driven: bool) -> str:
    run = question.record.run
    if question.over:
        return (
            f"run {run} has ended; the answer is kept: `orchd retry {run}` takes it up, or the next run of its source"
        )
    if question.live:
        return "its agent is still at work: if it stops to wait for the answer, the next attempt is told"
    if driven:
        return "answered: the next attempt begins as soon as there is room"
    return f"nobody drives run {run} now: `{resuming(question.record)}` goes on with it, and so does a daemon"
