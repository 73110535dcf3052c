"""``orchd run``: the main job."""

import os
import shlex
from dataclasses import replace
from typing import Final, Unpack

import click

from orchestrator import settings as door
from orchestrator.cli import accepting, carrying, output, publishing, source, views, wishes
from orchestrator.cli.accepting import Earlier, Wanted
from orchestrator.cli.offering import offer, quarantine
from orchestrator.cli.options import common
from orchestrator.cli.selecting import names_of, selecting
from orchestrator.cli.source import Source
from orchestrator.cli.wishes import How, carrying_out
from orchestrator.core import isolation
from orchestrator.core.acceptance import Terms
from orchestrator.core.outcome import OK
from orchestrator.core.run import RunRecord
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.errors import NotFound, UsageError
from orchestrator.plans.ordering import in_order, ordered
from orchestrator.plans.selection import select
from orchestrator.settings import Settings
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout

_DRAFT: Final = ("agent", "track", "title", "branch", "worktree")


class Wishes(How):
    """The options of the command; None where a person says nothing."""

    group: str | None
    tracks: str | None
    order: bool
    dry_run: bool
    resume: bool
    retry: bool
    skip_fatal: bool


@click.command("run")
@click.argument("name", metavar="SOURCE")
@carrying_out
@selecting
@click.option("--order", is_flag=True, help="Let tracks whose paths overlap wait for each other, as in the plan.")
@click.option("--dry-run", is_flag=True, help="Show what would be accepted, with branches and worktrees; make nothing.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the newest run of SOURCE that has not ended; watch it where another process drives it. "
    "Where all have, and what the last one merged could not be published: publish it.",
)
@click.option("--retry", is_flag=True, help="Take up what is in quarantine too: what failed in too many runs in a row.")
@click.option(
    "--skip-fatal",
    is_flag=True,
    help="Leave alone what needed a person at its last end, unless its text, the settings or the agent changed since.",
)
@common
def command(root: str, name: str, **wanted: Unpack[Wishes]) -> int:
    """Carry the open tracks of SOURCE through work, review and commit; merge them, push once, and report.

    Where a daemon runs, it drives the run, and Ctrl-C ends only the watching. Else, and once the daemon has ended,
    this command drives it: the first Ctrl-C ends the run with a report, the second leaves at once and the workers to
    themselves.
    """
    layout = Layout(root)
    record = _interrupted(layout, name, wanted) if wanted["resume"] else _accepted(layout, name, wanted)
    if record is None:
        return OK
    if wanted["resume"] and publishing.is_due(layout, record):
        return publishing.again(layout, record, as_json=wanted["as_json"])
    if wanted["detach"]:
        return carrying.detached(layout, record, as_json=wanted["as_json"])
    return carrying.carry(layout, record, as_json=wanted["as_json"])


def _interrupted(layout: Layout, name: str, wanted: Wishes) -> RunRecord:
    """Return the run to go on with; what was accepted for it holds."""
    told = {
        key: wanted[key]
        for key in ("agents", "agent", "profile", "timeout", "batch_size", "isolation", "group", "tracks", "push")
    }
    given = [key.replace("_", "-") for key, value in told.items() if value is not None]
    flags = {"dry-run": wanted["dry_run"], "order": wanted["order"], "skip-fatal": wanted["skip_fatal"]}
    given += [name for name, said in flags.items() if said]
    if wanted["retry"]:
        raise UsageError(
            "--resume and --retry exclude each other", hint="--resume goes on with a run, --retry begins another one"
        )
    if given:
        raise UsageError(f"--{given[0]} cannot be changed by --resume", hint="what was accepted for the run holds")
    path = os.path.realpath(name)
    record = accepting.unfinished_of(layout, path) or publishing.newest_due(layout, path)
    if record is None:
        raise NotFound(f"no run of '{visible(name, 200)}' was interrupted", hint="leave --resume out to begin one")
    return record


def _remind(layout: Layout, path: str) -> None:
    """Say where what was merged is still to be pushed: with no track left, nobody would think of it."""
    due = publishing.newest_due(layout, path)
    if due is not None:
        again = f"`orchd run {shlex.quote(visible(path, 500))} --resume`"
        views.remark(f"run {due.run} could not push what it merged; unless you have, {again} does")


def _accepted(layout: Layout, name: str, wanted: Wishes) -> RunRecord | None:
    """Accept a run of the source; None where there is nothing to do, or nothing is to be done."""
    read = source.read(name)
    refusal = source.refusal(replace(read, plan=ordered(read.plan)) if wanted["order"] else read)
    if refusal:
        raise refusal
    accepting.refuse_second(layout, read.path)
    settings = door.load(layout.root)
    asked = _asked(layout, read, settings, wanted)
    if asked is None:
        _remind(layout, read.path)
        carrying.nothing("NO WORK AVAILABLE", as_json=wanted["as_json"])
        return None
    repo = accepting.survey(layout, asked)
    if wanted["dry_run"]:
        _show_draft(accepting.draft(layout, repo, asked), as_json=wanted["as_json"])
        return None
    return accepting.accept(layout, repo, asked)


def _asked(layout: Layout, found: Source, settings: Settings, wanted: Wishes) -> Wanted | None:
    """Return what a run of the source is to carry, None for nothing; what is left out is said."""
    chosen = select(found.plan, wanted["group"], names_of(wanted["tracks"]))
    offered = offer(layout.root, in_order(chosen) if wanted["order"] else chosen)
    tracks: tuple[Track, ...] = offered.tracks
    lifted = tuple(each.track for each in tracks) if wanted["retry"] else ()
    options = isolation.settled(wishes.over(door.options(settings), wanted))
    agent, told = door.agent(settings, wanted["agent"]), wishes.said(wanted)
    terms = Terms(agent, options, door.validators(settings), lifted, told)
    if wanted["retry"] and wanted["skip_fatal"]:
        raise UsageError(
            "--retry and --skip-fatal exclude each other", hint="--retry takes up what needed a person too"
        )
    after = 0 if wanted["retry"] else settings.run.quarantine_after
    kept = quarantine(layout, found.path, tracks, after, terms if wanted["skip_fatal"] else None)
    for remark in (*offered.remarks, *kept.remarks):
        views.remark(remark)
    if not kept.work:
        if wanted["skip_fatal"] and kept.tracks and not wanted["dry_run"]:
            Journal(layout.root).write("schedule.left", {"source": found.path, "tracks": dict(kept.tracks)})
        return None
    earlier = {track: Earlier(answer=answer) for track, answer in kept.answers.items()}
    return Wanted(found, tracks, terms, earlier, quarantined=kept.tracks)


def _show_draft(record: RunRecord, *, as_json: bool) -> None:
    rows = [(each.agent_id, each.track, each.title, each.branch, each.worktree) for each in record.tracks]
    if as_json:
        output.emit(
            {"run": record.run, "dry_run": True, "tracks": [dict(zip(_DRAFT, row, strict=True)) for row in rows]}
        )
        return
    output.write(output.table(_DRAFT, rows))
    push = f"one push to {visible(record.remote)}" if record.options.push and record.remote else "no push"
    output.say("")
    output.say(
        f"run {record.run} would carry {len(rows)} tracks, at most {record.options.agents} at once, "
        f"merge them into {record.target_branch}, and end with {push}; nothing was made"
    )
