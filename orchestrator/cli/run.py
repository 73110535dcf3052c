"""``orchd run``: the main job."""

import os
from dataclasses import replace
from typing import Final, TypedDict, Unpack

import click

from orchestrator import settings as door
from orchestrator.cli import accepting, agent_check, attending, ending, output, source, views
from orchestrator.cli.accepting import Wanted
from orchestrator.cli.conducting import conduct
from orchestrator.cli.hints import resuming
from orchestrator.cli.offering import offer
from orchestrator.cli.options import common
from orchestrator.cli.selecting import names_of, selecting
from orchestrator.core import duration
from orchestrator.core.outcome import INTERRUPTED, OK
from orchestrator.core.run import Options, RunRecord
from orchestrator.core.text import visible
from orchestrator.daemon.instance import is_taken
from orchestrator.errors import NotFound, UsageError
from orchestrator.git import repository
from orchestrator.plans.selection import select
from orchestrator.settings import Settings
from orchestrator.state.layout import Layout

_DRAFT: Final = ("agent", "track", "title", "branch", "worktree")


class Wishes(TypedDict):
    """The options of the command; None where a person says nothing. ``timeout`` is a duration as written."""

    group: str | None
    tracks: str | None
    agents: int | None
    agent: str | None
    timeout: str | None
    push: bool | None
    dry_run: bool
    resume: bool
    detach: bool
    as_json: bool


@click.command("run")
@click.argument("name", metavar="SOURCE")
@click.option("--agents", type=click.IntRange(1, 1000), metavar="N", help="At most so many at once.")
@click.option("--agent", metavar="KIND", help="Who does the work: command or scripted.")
@click.option("--timeout", metavar="D", help="How long one phase may take: 90, 30s, 5m, 1h30m, 2d.")
@selecting
@click.option("--push/--no-push", default=None, help="Push once at the end what was merged, or do not.")
@click.option("--dry-run", is_flag=True, help="Show what would be accepted, with branches and worktrees; make nothing.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the newest run of SOURCE that has not ended; watch it where another process drives it.",
)
@click.option(
    "--detach", is_flag=True, help="Return once the daemon, or without one a process in the background, drives the run."
)
@common
def command(root: str, name: str, **wishes: Unpack[Wishes]) -> int:
    """Carry the open tracks of SOURCE through work, review and commit; merge them, push once, and report.

    Where a daemon runs, it drives the run, and Ctrl-C ends only the watching. Else this command drives it: the
    first Ctrl-C ends the run with a report, the second leaves at once and the workers to themselves.
    """
    layout = Layout(root)
    record = _interrupted(layout, name, wishes) if wishes["resume"] else _accepted(layout, name, wishes)
    if record is None:
        return OK
    if wishes["detach"]:
        return _detached(layout, record, as_json=wishes["as_json"])
    return _carried(layout, record, as_json=wishes["as_json"])


def _interrupted(layout: Layout, name: str, wishes: Wishes) -> RunRecord:
    """Return the run to go on with; what was accepted for it holds."""
    told = {key: wishes[key] for key in ("agents", "agent", "timeout", "group", "tracks", "push")}
    given = [key for key, value in told.items() if value is not None] + ["dry-run"] * wishes["dry_run"]
    if given:
        raise UsageError(f"--{given[0]} cannot be changed by --resume", hint="what was accepted for the run holds")
    record = accepting.unfinished_of(layout, os.path.realpath(name))
    if record is None:
        raise NotFound(f"no run of '{visible(name, 200)}' was interrupted", hint="leave --resume out to begin one")
    return record


def _accepted(layout: Layout, name: str, wishes: Wishes) -> RunRecord | None:
    """Accept a run of the source; None where there is nothing to do, or nothing is to be done."""
    found = source.read(name)
    refusal = source.refusal(found)
    if refusal:
        raise refusal
    accepting.refuse_second(layout, found.path)
    offered = offer(layout.root, select(found.plan, wishes["group"], names_of(wishes["tracks"])))
    for remark in offered.remarks:
        views.remark(remark)
    tracks = offered.tracks
    if not tracks:
        _say_no_work(as_json=wishes["as_json"])
        return None
    settings = door.load(layout.root)
    wanted = Wanted(found, tracks, door.agent(settings, wishes["agent"]), _options(settings, wishes))
    repo = repository.survey(layout.root)
    accepting.refuse_behind(layout, repo)
    agent_check.check(wanted.agent, tracks, repo.top, os.environ)
    if wishes["dry_run"]:
        _show_draft(accepting.draft(layout, repo, wanted), as_json=wishes["as_json"])
        return None
    repository.exclude(repo, accepting.ignore_lines(layout.root, repo.top))
    return accepting.accept(layout, repo, wanted)


def _options(settings: Settings, wishes: Wishes) -> Options:
    """Return what the settings say, and over it what the command line says."""
    options = door.options(settings)
    if wishes["agents"] is not None:
        options = replace(options, agents=wishes["agents"])
    if wishes["push"] is not None:
        options = replace(options, push=wishes["push"])
    if wishes["timeout"] is not None:
        seconds = duration.parse(wishes["timeout"])
        if not seconds:
            raise UsageError("--timeout must be more than 0", hint="write 90 (seconds), 30s, 5m, 1h30m or 2d")
        options = replace(options, timeout_seconds=seconds)
    return options


def _say_no_work(*, as_json: bool) -> None:
    if as_json:
        output.emit({"run": None, "exit": OK, "tracks": [], "publication": "none", "summary": None})
    else:
        output.say("NO WORK AVAILABLE")


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


def _carried(layout: Layout, record: RunRecord, *, as_json: bool) -> int:
    """See the run to its end, whoever drives it, and say how it ended."""
    paths = layout.run(record.run)
    seen = views.view(as_json=as_json)
    status = None
    if is_taken(paths.conductor) or attending.hand_over(layout.root, record.run):
        status = attending.attend(layout, record, seen)
        if status is not None:
            return status
    elif conduct(layout, record, seen, door.load(layout.root).daemon.rescan_seconds):
        status = INTERRUPTED
    return ending.conclude(paths, record, as_json=as_json, status=status)


def _detached(layout: Layout, record: RunRecord, *, as_json: bool) -> int:
    run = record.run
    by_daemon = attending.hand_over(layout.root, run)
    pid = None if by_daemon or is_taken(layout.run(run).conductor) else attending.detach(layout, record)
    if as_json:
        output.emit({"run": run, "detached": True, "pid": pid})
        return OK
    who = f"process {pid} in the background" if pid else "the daemon" if by_daemon else "another process"
    output.say(f"run {run} is driven by {who}")
    output.say(f"`orchd status` shows it, `{resuming(record)}` watches it, `orchd cancel {run}` ends it")
    return OK
