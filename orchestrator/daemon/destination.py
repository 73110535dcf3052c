"""Where a run is pushed to: noted before its first agent starts, since an agent can change git's settings."""

import os
from collections.abc import Callable
from contextlib import suppress

from orchestrator.errors import Unreadable
from orchestrator.git import publish
from orchestrator.git.repository import Repository
from orchestrator.host import files
from orchestrator.state.layout import RunLayout
from orchestrator.state.once import publish_once
from orchestrator.state.status import prepare, temp


def note(paths: RunLayout, survey: Callable[[], Repository]) -> None:
    """Note where a push would go now, once in a run; only then is the repository looked at."""
    if not os.path.lexists(_file(paths)):
        prepare(paths)
        publish_once(_file(paths), publish.destination(survey()).encode("ascii"), temp(paths))


def changed(paths: RunLayout, repo: Repository) -> bool:
    """Tell whether a push would go somewhere else now than was noted."""
    with suppress(Unreadable, FileNotFoundError):
        return files.read(_file(paths)).data != publish.destination(repo).encode("ascii")
    return False


def _file(paths: RunLayout) -> str:
    return f"{paths.private}/push.destination"
