"""What ended runs left in the repository: branches, and backups of what was not merged."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from orchestrator.cli import cleaning
from orchestrator.cli.cleaning import Scope
from orchestrator.cli.finding import Finding
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import restore
from orchestrator.git.command import Git
from orchestrator.git.restore import Backup
from orchestrator.host import clock

OLD: Final = timedelta(days=30)


def branches(root: str) -> Iterator[Finding]:
    """Look for branches of tracks whose runs have ended."""
    with suppress(GitRefused):  # no repository: told elsewhere
        for each in cleaning.plan(root, Scope()):
            if each.kind == "branch" and not each.verdict.may_go:
                why = f"the branch {visible(each.name)} of run {each.run} stays: {each.verdict.why}"
                yield Finding(why, f"merge it, or `orchd retry {each.run}`; `orchd clean` takes away what is merged")
            elif each.kind == "branch":
                yield Finding(
                    f"the branch {visible(each.name)} of run {each.run} is left over", "`orchd clean` removes it"
                )


def backups(root: str) -> Iterator[Finding]:
    """Look for backups of runs that ended long ago: nobody has wanted them back so far."""
    with suppress(GitRefused):
        ended = cleaning.survey(root, Scope()).ended
        found = old(
            [each for each in restore.backups(Git(root)) if each.run in ended], datetime.fromisoformat(clock.iso())
        )
        if found:
            yield Finding(
                f"{len(found)} backups of ended runs are kept for more than 30 days",
                "`orchd restore --list` shows them; `orchd clean --backups-older-than 30d` removes them",
            )


def old(backups: Sequence[Backup], now: datetime) -> list[Backup]:
    """Return those that are older than OLD."""
    return [each for each in backups if now - datetime.fromisoformat(each.when) > OLD]
