"""The files of one track in a checkout that others work in, too: what of it changed, kept apart from all else."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from orchestrator.core import pattern
from orchestrator.core.paths import reach
from orchestrator.git.command import Git, refusal
from orchestrator.git.index import private

NOTHING: Final = "000000"
"""The mode of a file that is not there."""


@dataclass(frozen=True, slots=True)
class Own:
    """The files that ``paths`` (files, folders, globs from the top; none: all) cover.

    Not those ``left_out``: files, or folders with all that is in them.
    """

    paths: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        """Tell whether a file is one of them."""
        if any(path == each or path.startswith(f"{each}/") for each in self.left_out):
            return False
        return not self.paths or any(pattern.covers(pattern.parts(each), path) for each in self.paths)


EVERYTHING: Final = Own()


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it was (mode and object) and as it is; the mode of one that is not there is NOTHING."""

    before: tuple[str, str]
    after: tuple[str, str]
    path: str


def changes(git: Git, *words: str, env: Mapping[str, str] | None = None) -> list[Change]:
    """Return what a ``git diff-…`` command says, without renames."""
    fields = git.names(*words[:1], "--raw", "--no-renames", "--no-abbrev", "-z", *words[1:], env=env)
    found = []
    for facts, path in zip(fields[::2], fields[1::2], strict=True):
        mode, new_mode, blob, new_blob, _ = facts.removeprefix(":").split(" ")
        found.append(Change((mode, blob), (new_mode, new_blob), path))
    return found


@dataclass(frozen=True, slots=True)
class Staged:
    """The track's files in a private index: the environment in which git uses it, and what differs from the commit.

    ``left`` are files that could not be taken in: they cannot be read, or are repositories without a commit.
    """

    env: Mapping[str, str]
    found: Sequence[Change]
    left: Sequence[str] = ()


@contextmanager
def staged(git: Git, own: Own, commit: str) -> Iterator[Staged]:
    """Have a private index of ``commit`` with the track's files as they are in the checkout.

    The user's own index is only read.
    """
    with private(git, copy=True) as env:
        git.out("read-tree", "--reset", commit, env=env)
        left = _add(git, own, env)
        found = changes(git, "diff-index", "--cached", commit, env=env)
        put(git, [(each.before, each.path) for each in found if not own.covers(each.path)], env)
        yield Staged(env, [each for each in found if own.covers(each.path)], left)


def _add(git: Git, own: Own, env: Mapping[str, str]) -> list[str]:
    """Take in what is there; return what could not be."""
    where = _where(git, own, env)
    if where is None:
        return []
    added = git.run("--literal-pathspecs", "add", "--all", "--sparse", "--ignore-errors", *where, env=env)
    if added.status == 0:
        return []
    others = git.names("ls-files", "-z", "--others", "--modified", "--exclude-standard", env=env)
    left = [each for each in dict.fromkeys(others) if own.covers(each.rstrip("/"))]
    if not left:
        raise refusal(added)
    return left


def _where(git: Git, own: Own, env: Mapping[str, str]) -> Sequence[str] | None:
    """Return where ``git add`` has to look: at what all the files lie below; None: at nothing, for none is there."""
    tops = {_top(each) for each in own.paths} or {""}
    if "" in tops:
        return ()
    known = {each for each in tops if os.path.lexists(f"{git.folder}/{each}")}
    known |= {each for each in tops - known if git.out("--literal-pathspecs", "ls-files", "--", each, env=env)}
    return ("--", *sorted(known)) if known else None


def _top(path: str) -> str:
    """Return the folder, or the file, that everything lies in that a path covers; empty for the top."""
    text = reach(path)
    return text.rstrip("/") if text.endswith("/") else text.rpartition("/")[0]


def put(git: Git, entries: Sequence[tuple[tuple[str, str], str]], env: Mapping[str, str] | None = None) -> None:
    """Put files into an index as they are told: mode, object, path; one of mode NOTHING is taken out."""
    gone_first = sorted(entries, key=lambda each: each[0][0] != NOTHING)  # a file may stand where a folder was
    told = b"".join(
        b"%s %s\t%s\0" % (mode.encode(), blob.encode(), os.fsencode(path)) for (mode, blob), path in gone_first
    )
    if told:
        git.out("update-index", "--replace", "-z", "--index-info", stdin=told, env=env)


def dirty(git: Git) -> list[str]:
    """Return the files of the checkout that are not as its commit has them: changed, new, gone, or staged otherwise."""
    words = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none")
    return sorted(each[3:] for each in git.names(*words))
