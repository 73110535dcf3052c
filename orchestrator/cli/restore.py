"""``orchd restore``: what was backed up, and how it comes back."""

from collections.abc import Mapping
from typing import Final

import click

from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.core.name import check_name
from orchestrator.core.text import visible
from orchestrator.errors import NotFound, UsageError
from orchestrator.git import backup, restore
from orchestrator.git.command import Git
from orchestrator.git.restore import Backup

_COLUMNS = ("run", "track", "attempt", "when", "files", "bytes", "commit")
_MINUTES: Final = len("2026-11-20 15:02")
_COMMIT: Final = 12


@click.command("restore")
@click.argument("run", required=False)
@click.argument("track", required=False)
@click.option("--attempt", metavar="N", help="That attempt's backup. Default: the latest.")
@click.option("--into", metavar="DIR", help="Write the files into this new folder.")
@click.option("--branch", metavar="NAME", help="Make this branch. Default: restored/RUN-TRACK-N, without --into.")
@click.option("--list", "listing", is_flag=True, help="Only show what there is.")
@common
def command(root: str, as_json: bool, run: str | None, track: str | None, listing: bool, **how: str | None) -> None:
    """Bring back what was backed up of TRACK in RUN before something was removed, or show every backup.

    As a branch, it can be merged; as a folder, every file is there with its very bytes, ignored ones as far as they
    were kept. Nothing that exists is written over, and the backup stays.
    """
    for kind, name in (("run", run), ("track", track)):
        if name is not None:
            check_name(kind, name)
    git = Git(root, backup.SECONDS, hooks=False)
    found = restore.backups(git, run, track)
    if listing or run is None:
        _show([_fields(git, each) for each in found], as_json=as_json)
        return
    one = restore.chosen(_of_one_track(found, run), how["attempt"])
    _bring_back(git, one, how["into"], how["branch"], as_json=as_json)


def _of_one_track(found: list[Backup], run: str) -> list[Backup]:
    tracks = sorted({each.track for each in found})
    if not tracks:
        raise NotFound(f"there is no such backup of run {run}", hint="`orchd restore --list` shows every backup")
    if len(tracks) > 1:
        raise UsageError(f"run {run} has backups of {len(tracks)} tracks", hint=f"name one: {', '.join(tracks[:8])}")
    return found


def _bring_back(git: Git, one: Backup, into: str | None, branch: str | None, *, as_json: bool) -> None:
    name = branch or (None if into else one.branch)
    if into is not None:
        restore.to_folder(git, one, into)
    tip = restore.to_branch(git, one, name) if name is not None else None
    lost = restore.commits(git, one)
    lacking = backup.missing(git, one.commit)
    if as_json:
        fields = {"branch": name, "tip": tip, "into": into, "commits": list(lost), "missing": list(lacking)}
        output.emit({**_fields(git, one), **fields})
        return
    if into is not None:
        output.say(f"restored into {into}; next: look at it with `git diff --no-index . {into}`")
    if name is not None:
        output.say(f"restored as the branch {name}; next: `git log -p HEAD..{name}`, then `git merge {name}`")
        if "raw" in one.more or "loose" in one.more:
            output.say(
                "its last commit may hold files that git ignores; `--into DIR` brings every byte as it was on disk"
            )
    for each in lost:
        output.say(f"on no branch any more was the commit {each}: `git branch NAME {each}`")
    for each in lacking:
        output.say(f"not in the backup: {each}")


def _fields(git: Git, one: Backup) -> Mapping[str, object]:
    extent = restore.extent(git, one)
    return {
        "run": one.run,
        "track": one.track,
        "attempt": int(one.attempt) if one.attempt.isdecimal() else visible(one.attempt),
        "when": one.when,
        "files": extent.files,
        "bytes": extent.bytes,
        "commit": one.head or None,
        "ref": one.ref,
    }


def _show(rows: list[Mapping[str, object]], *, as_json: bool) -> None:
    if as_json:
        output.emit({"backups": rows})
    elif rows:
        output.write(output.table(_COLUMNS, ([_cell(row, each) for each in _COLUMNS] for row in rows)))
        output.say("`orchd restore RUN TRACK --attempt N` brings one back")
    else:
        output.say("no backups")


def _cell(row: Mapping[str, object], column: str) -> str:
    value = str(row[column] or "-")
    match column:
        case "when":
            return value[:_MINUTES].replace("T", " ")
        case "commit":
            return value[:_COMMIT]
        case _:
            return value
