"""``orchd reap``: free what the dead hold and remove what they left half written, once."""

from collections.abc import Iterable
from contextlib import suppress

import click

from orchestrator.claims import FileClaims, Kept, Removed, Seen
from orchestrator.cli import output
from orchestrator.cli.options import common
from orchestrator.cli.run_files import folders
from orchestrator.errors import GuardBusy, UnsafeFolder
from orchestrator.state import status
from orchestrator.state.journal import Journal
from orchestrator.state.layout import Layout, RunLayout

_WAIT = 1.0
"""Seconds for a track whose guard is held; the others go on."""


@click.command("reap")
@click.option("--dry-run", is_flag=True, help="Show what would be freed; free nothing.")
@common
def command(root: str, as_json: bool, dry_run: bool) -> None:
    """Free every track whose owner is provably dead. Needs no daemon."""
    store = FileClaims(root, journal=Journal(root).write, wait=_WAIT)
    answers = [_foreseen(seen) if dry_run else _reaped(store, seen) for seen in store.list()]
    if not dry_run:
        store.sweep()
        _sweep(folders(Layout(root)))
    freed = [each for each in answers if isinstance(each, Removed)]
    kept = [each for each in answers if isinstance(each, Kept)]
    if as_json:
        output.emit(
            {
                "reaped": [{"track": each.track, "token": each.token, "why": each.why} for each in freed],
                "kept": [{"track": each.track, "why": each.why} for each in kept],
            }
        )
        return
    for each in freed:
        output.say(f"{each.track}: {'would be freed' if dry_run else 'freed'}: {each.why}")
    output.say(f"{len(freed)} {'would be freed' if dry_run else 'freed'}, {len(kept)} kept")


def _sweep(runs: Iterable[RunLayout]) -> None:
    """Remove the temporary files of dead writers; a folder that is not ours is left alone."""
    for each in runs:
        with suppress(OSError, UnsafeFolder):
            status.sweep(each)


def _foreseen(seen: Seen) -> Removed | Kept:
    if seen.verdict.state == "dead":
        return Removed(seen.track, seen.token, seen.verdict.why)
    return Kept(seen.track, seen.verdict.why, seen)


def _reaped(store: FileClaims, seen: Seen) -> Removed | Kept:
    if seen.verdict.state != "dead":
        return Kept(seen.track, seen.verdict.why, seen)
    try:
        return store.reap(seen.track)
    except GuardBusy as error:
        return Kept(seen.track, error.message, seen)
