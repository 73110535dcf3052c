"""What ended runs left in the repository: branches, and backups of what was not merged."""

from collections.abc import Iterator
from contextlib import suppress

from orchestrator.cli import cleaning
from orchestrator.cli.cleaning import Scope
from orchestrator.cli.finding import Finding
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import restore
from orchestrator.git.command import Git


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
    """Look for backups of runs that have ended."""
    with suppress(GitRefused):
        ended = cleaning.survey(root, Scope()).ended
        found = [each for each in restore.backups(Git(root)) if each.run in ended]
        if found:
            oldest = min(each.when for each in found)
            yield Finding(
                f"{len(found)} backups of ended runs are kept, the oldest of {visible(oldest)}",
                "`orchd restore --list` shows them; `orchd clean --backups-older-than 30d` removes old ones",
            )
