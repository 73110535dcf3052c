"""``orchd clean``: what runs left behind and nobody needs goes; what holds something stays, and says why."""

from collections.abc import Mapping, Sequence
from typing import Final

import click

from orchestrator.cli import asking, cleaning, output
from orchestrator.cli.cleaning import Item, Scope
from orchestrator.cli.options import common
from orchestrator.core import duration
from orchestrator.core.name import check_name
from orchestrator.core.outcome import OK, PARTIAL
from orchestrator.core.text import visible
from orchestrator.errors import UsageError

_ROUNDS: Final = 60
_WAIT: Final = 10.0
"""Seconds of one of the rounds in which an answer is waited for."""


@click.command("clean")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and why that is safe; remove nothing.")
@click.option("--run", "run", metavar="RUN", help="Only what this run left.")
@click.option("--backups-older-than", "older", metavar="TIME", help="Backups too, where they are older: 30d, 12h.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@common
def command(root: str, as_json: bool, dry_run: bool, run: str | None, older: str | None, yes: bool) -> int:
    """Remove the worktrees and branches of ended runs whose content is merged or backed up, and what crashes left.

    Nothing of a run that has not ended, of a claimed track, or that holds what is kept nowhere else is touched.
    Backups stay unless --backups-older-than says which do not. Exit code 1 when something of the list had to stay.
    """
    if run is not None:
        check_name("run", run)
    scope = Scope(run, _age(older) if older is not None else None)
    items = cleaning.plan(root, scope)
    going = [each for each in items if each.verdict.may_go]
    if not as_json:
        _show(items, going)
    if not dry_run and going and not yes and not _agreed(as_json=as_json):
        output.say("nothing was removed")
        return OK
    stayed = {} if dry_run else _removed(root, scope, going, as_json=as_json)
    if as_json:
        _emit(items, going, stayed, dry_run=dry_run)
    elif not dry_run:
        output.say(f"{len(going) - len(stayed)} removed")
    return PARTIAL if stayed else OK


def _age(text: str) -> float:
    """Return an age in seconds. A bare number is refused: who writes 30 means days, and would lose all of today."""
    seconds = duration.parse(text)
    if seconds and text.strip()[-1].isdigit():
        raise UsageError(f"'{visible(text, 40)}' has no unit", hint="write 30d for days, 12h for hours")
    return seconds


def _show(items: Sequence[Item], going: Sequence[Item]) -> None:
    for each in items:
        word = "remove" if each.verdict.may_go else "  keep"
        output.say(f"{word}  {each.kind} {each.name}: {each.verdict.why}")
    output.say(f"{len(going)} to remove, {len(items) - len(going)} to keep")


def _agreed(*, as_json: bool) -> bool:
    """Ask the person at the terminal; nobody there is no yes."""
    if as_json or not asking.is_possible():
        raise UsageError("nobody is here to be asked", hint="--yes removes what --dry-run shows")
    asking.forget()
    output.say("y and Enter removes exactly that")
    output.flush()
    said = next((said for _ in range(_ROUNDS) if (said := asking.heard(_WAIT)) is not None), "")
    return said in {"y", "yes"}


def _removed(root: str, scope: Scope, going: Sequence[Item], *, as_json: bool) -> Mapping[str, str]:
    stayed = {}
    for each in going:
        why = cleaning.remove(root, scope, each)
        if why:
            stayed[each.name] = why
            if not as_json:
                output.say(f"  stays  {each.kind} {each.name}: {why}")
    return stayed


def _emit(items: Sequence[Item], going: Sequence[Item], stayed: Mapping[str, str], *, dry_run: bool) -> None:
    rows = [_fields(each) | {"removed": not dry_run and each.name not in stayed} for each in going]
    kept = [_fields(each) for each in items if not each.verdict.may_go]
    left = [_fields(each) | {"why": stayed[each.name]} for each in going if each.name in stayed]
    output.emit({"dry_run": dry_run, "remove": rows, "keep": [*kept, *left]})


def _fields(item: Item) -> dict[str, object]:
    return {"kind": item.kind, "name": item.name, "run": item.run or None, "why": item.verdict.why}
