"""Marking a merged track done in its source: one line of the person's file, by the orchestrator alone.

Where the file belongs to the target branch, and the person has not changed it in the checkout, the mark is
part of the merge itself: merged and marked are one commit. Else the file on disk is edited in place.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import Final

from orchestrator.core.run import RunRecord, RunTrack
from orchestrator.core.text import visible
from orchestrator.errors import OrchdError, Unreadable
from orchestrator.git import integrate, refs, repository
from orchestrator.git.command import Git
from orchestrator.git.merge import content
from orchestrator.git.rejoin import Lines
from orchestrator.git.repository import Repository
from orchestrator.host import files
from orchestrator.host.edit import replace_content
from orchestrator.plans import marks

LARGEST: Final = 32 * 1024 * 1024

WAIT: Final = 30.0
"""Seconds to wait while another run marks its track: one at a time, or one of two marks would be lost."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An edit of one file in the tree of a merge; ``path`` is relative to the top of the repository."""

    path: str
    edit: Callable[[bytes], bytes | None]


def for_commit(repo: Repository, record: RunRecord, track: RunTrack) -> Mark | None:
    """Return the edit that belongs into the merge, or None where the file on disk is to be edited."""
    path = relative(repo, record)
    committed = None if path is None else _in_tree(repo, record, path)
    if path is None or committed is None or not _is_untouched(repo, record, path, committed):
        return None

    def edit(data: bytes) -> bytes | None:
        try:
            return _marked(data, track.track)
        except OrchdError:
            return None  # told by on_disk, which meets the same

    return Mark(path, edit)


def of_both(repo: Repository, record: RunRecord, tracks: Sequence[str]) -> Lines | None:
    """Return what brings together two states of the source in which different tracks were marked; None: it is outside.

    Only where ours differs from what was before by marks of ``tracks`` alone: theirs gets the same ones.
    """
    path = relative(repo, record)

    def settle(was: bytes, ours: bytes, theirs: bytes) -> bytes | None:
        try:
            own = [each for each in tracks if _is_marked(ours, each) and not _is_marked(was, each)]
            return reduce(_marked, own, theirs) if reduce(_marked, own, was) == ours else None
        except OrchdError:
            return None

    return Lines(path, settle) if path is not None else None


def on_disk(repo: Repository, record: RunRecord, track: RunTrack, merge: str = "") -> str:
    """Mark the track in the file on disk unless the merge did; return what a person should know, or nothing.

    ``merge`` is the commit that was made a moment ago, if there is one.
    """
    path = relative(repo, record)
    with suppress(OrchdError):  # what is wrong with it is said below
        if merge and path is not None and _is_marked(content(Git(repo.top), merge, path), track.track):
            return ""
    committed = None if path is None else _in_tree(repo, record, path)
    try:
        if _is_marked(committed, track.track):
            return ""
        if committed is not None and not _stands_on(repo, record.target_branch):
            return _not_marked(record, "another branch is checked out")
        with repository.guarded(repo, "marks", WAIT):
            return in_file(record, track)
    except OrchdError as error:
        return _not_marked(record, error.message)


def in_file(record: RunRecord, track: RunTrack) -> str:
    """Mark the track in the file on disk, whatever git knows of it; return what a person should know, or nothing.

    One at a time: the caller sees to that.
    """
    try:
        data = files.read(record.source, LARGEST).data
        marked = _marked(data, track.track)
        if marked != data:
            replace_content(record.source, data, marked)
    except FileNotFoundError:
        return _not_marked(record, "the file is gone")
    except OrchdError as error:
        return _not_marked(record, error.message)
    return ""


def _not_marked(record: RunRecord, why: str) -> str:
    return f"not marked in {visible(os.path.basename(record.source), 200)}: {why}"


def _marked(data: bytes, track: str) -> bytes:
    try:
        return marks.done(data.decode("utf-8"), track).encode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8") from error


def _is_marked(data: bytes | None, track: str) -> bool:
    return data is not None and _marked(data, track) == data


def relative(repo: Repository, record: RunRecord) -> str | None:
    """Return the source's path in the repository; None where it is outside."""
    path = os.path.relpath(os.path.realpath(record.source), os.path.realpath(repo.top))
    return None if path == ".." or path.startswith("../") else path


def _in_tree(repo: Repository, record: RunRecord, path: str) -> bytes | None:
    """Return the file as the target branch, or what was integrated on top of it, has it; None where it has none."""
    git = Git(repo.top)
    with git.conversing():
        return content(git, integrate.tip_of(git, record.run, record.target_branch), path)


def _stands_on(repo: Repository, branch: str) -> bool:
    return Git(repo.top).run("symbolic-ref", "--quiet", "HEAD").text() == refs.head(branch)


def _is_untouched(repo: Repository, record: RunRecord, path: str, committed: bytes) -> bool:
    """Tell whether the person has not changed the file in the checkout; in that of another branch it says nothing."""
    if not _stands_on(repo, record.target_branch):
        return True
    try:
        data = files.read(record.source, LARGEST).data
    except (Unreadable, FileNotFoundError):
        return False
    if data == committed:
        return True
    commits = (repo.head, integrate.tip(repo, record.run, record.target_branch))
    return any(repository.blob_equals(repo, commit, path, data) for commit in commits)
