"""What a run would stand on: looked at before anything is made, by where its agents are to work."""

import os
from collections.abc import Sequence

from orchestrator.cli import views
from orchestrator.core.run import Options
from orchestrator.core.text import visible
from orchestrator.core.track import Track
from orchestrator.daemon import sharing
from orchestrator.errors import GitRefused
from orchestrator.git import filters, include, places, repository, shared
from orchestrator.git.own import Own
from orchestrator.git.repository import Repository
from orchestrator.state.layout import Layout, own_folders


def of_run(layout: Layout, source: str, tracks: Sequence[Track], options: Options) -> Repository | None:
    """Return the repository, None where the run is to do without. Raises :class:`GitRefused` with the next step."""
    if options.git.isolation == "none":
        _refuse_repository(layout.root)
        return None
    repo = repository.survey(layout.root)
    folder = options.git.worktrees
    if options.git.isolation == "worktree":
        places.check_folder(repo.top, repo.common_dir, layout.worktrees(folder))
        include.chosen(repo.top, own_folders(layout, folder))
        filters.check(repo.top)
        _say_dirty(repo, sharing.files_of(layout, source, repo.top, ()))
        return repo
    shared.check(repo, {each.track: sharing.files_of(layout, source, repo.top, each.paths) for each in tracks})
    return repo


def _say_dirty(repo: Repository, own: Own) -> None:
    """Say what it means that the user has things in hand which are not committed."""
    count = sum(own.covers(each.rstrip("/")) for each in repository.unclean(repo))
    if count:
        files = "1 file in your checkout is" if count == 1 else f"{count} files in your checkout are"
        views.remark(
            f"{files} changed or new and not committed: agents begin on the commit "
            f"{repo.head[:10]}, without them; they stay as they are"
        )


def _refuse_repository(root: str) -> None:
    folder = root
    while not os.path.lexists(f"{folder}/.git"):
        if folder == os.path.dirname(folder):
            return
        folder = os.path.dirname(folder)
    raise GitRefused(
        f"{visible(folder)} is a repository, and isolation none does without one: nothing would be committed or kept",
        hint="`--isolation shared` works in your checkout, `--isolation worktree` beside it",
    )
