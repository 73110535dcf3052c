"""``.worktreeinclude``: files that git ignores and that every new worktree is to have, as the user's checkout has them.

The file stands at the top of the checkout and is written like a .gitignore. What it names is copied if git ignores
it, here and there: so a copy is never part of a track's change. Git's own folder of the worktree remembers what was
copied, and what is still the same is nobody's work.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.core.listing import some
from orchestrator.errors import GitRefused, Unreadable
from orchestrator.git import places
from orchestrator.git.command import Git, refusal
from orchestrator.host import copies, files

NAME: Final = ".worktreeinclude"

SECONDS: Final = 600.0
"""How long git may take to find what is to be copied."""

MOST: Final = 100_000
LARGEST: Final = 4 * 1024**3
"""So many files, and bytes in all, are copied into one worktree; what is larger belongs into a shared place."""

_COPIED: Final = "orchd-included"
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be copied, as paths from the top, and in one line what was named and is not (empty: nothing)."""

    paths: tuple[str, ...]
    left_out: str = ""


def chosen(top: str, private: Iterable[str]) -> Chosen:
    """Return what the checkout at ``top`` has to give; nothing where it has no such file.

    ``private`` are folders of orchd's own, which nobody gets a copy of. Raises :class:`GitRefused` where the file
    cannot be read, or names too much.
    """
    named = f"{top}/{NAME}"
    if not os.path.lexists(named):
        return Chosen(())
    try:
        files.read(named)
    except Unreadable as error:
        raise GitRefused(f"{NAME} cannot be read: {error.message}", hint="put a plain file there") from error
    git = Git(top, SECONDS, hooks=False)
    matching = git.names("ls-files", "-z", "--others", "--ignored", f"--exclude-from={named}")
    kept = [f"{os.path.relpath(os.path.realpath(each), os.path.realpath(top))}/" for each in private]
    plain = [each for each in matching if not each.endswith("/") and not each.startswith(tuple(kept))]
    found = _ignored(git, plain)
    leading = [each for each in found if _leads_out(top, each)]
    _check_size(top, found)
    outside = f"links that lead out of the repository: {some(leading, _SHOWN)}" if leading else ""
    return Chosen(tuple(each for each in found if each not in frozenset(leading)), outside)


def _ignored(git: Git, paths: Sequence[str]) -> list[str]:
    """Return those of ``paths`` that git ignores, and has not for all that."""
    if not paths:
        return []
    told = git.run("check-ignore", "-z", "--stdin", stdin=b"".join(os.fsencode(each) + b"\0" for each in paths))
    if told.status not in {0, 1}:
        raise refusal(told)
    return [os.fsdecode(each) for each in told.stdout.split(b"\0") if each]


def _leads_out(top: str, path: str) -> bool:
    """Tell whether a path is a link that would mean something else in another place, or something outside."""
    full = f"{top}/{path}"
    if not os.path.islink(full):
        return False
    to = os.readlink(full)
    inner = os.path.normpath(os.path.join(os.path.dirname(path), to))
    return os.path.isabs(to) or inner.split("/")[0] in {os.pardir, ".git"}


def _check_size(top: str, paths: Sequence[str]) -> None:
    sizes: dict[str, int] = {}
    for each in paths[: MOST + 1]:
        with suppress(OSError):
            sizes[each] = os.lstat(f"{top}/{each}").st_size
    total = sum(sizes.values())
    if len(paths) <= MOST and total <= LARGEST:
        return
    largest = sorted(sizes, key=sizes.__getitem__, reverse=True)
    raise GitRefused(
        f"{NAME} names {len(paths)} files with {total / 1024**2:.0f} MiB, for each worktree: {some(largest, _SHOWN)}",
        hint=f"at most {MOST} files and {LARGEST // 1024**2} MiB are copied; name less, or use [git] setup",
    )


def copy(top: str, worktree: str, private: Iterable[str]) -> str:
    """Copy what is to be copied into a new worktree, once; return in one line what was, or nothing.

    Cut short and called again, it goes on. Nothing that stands there is written over. Raises :class:`GitRefused`
    and ``SystemFailure``.
    """
    note = _note(worktree)
    if not os.path.lexists(f"{top}/{NAME}") or note is None or os.path.lexists(note):
        return ""
    what = chosen(top, private)
    real = [each for each in what.paths if not _is_behind_link(worktree, each)]
    wanted = _ignored(Git(worktree, SECONDS, hooks=False), real)
    try:
        done = [each for each in wanted if copies.copy(top, worktree, each)]
    except OSError as error:
        raise files.failure(error, f"cannot copy what {NAME} names") from error
    rows = b"".join(row for each in wanted if (row := _row(worktree, each)))
    files.publish(note, rows, os.path.dirname(note))
    return _said(what, done)


def _said(what: Chosen, done: Sequence[str]) -> str:
    rest = [each for each in what.paths if each not in frozenset(done)]
    left = f"in the way, or not ignored in the worktree: {some(rest, _SHOWN)}" if rest else ""
    not_copied = "; ".join(each for each in (what.left_out, left) if each)
    files_copied = f"{len(done)} {'file' if len(done) == 1 else 'files'}"
    return f"copied {files_copied} that {NAME} names{f'; not copied: {not_copied}' if not_copied else ''}"


def _is_behind_link(top: str, path: str) -> bool:
    parts = path.split("/")
    return any(os.path.islink(f"{top}/{'/'.join(parts[:depth])}") for depth in range(1, len(parts)))


def _note(worktree: str) -> str | None:
    own = places.own(worktree)
    return f"{own}/{_COPIED}" if own is not None else None


def _row(worktree: str, path: str) -> bytes:
    with suppress(OSError):
        facts = os.lstat(f"{worktree}/{path}")
        return b"%d %d %s\0" % (facts.st_size, facts.st_mtime_ns, os.fsencode(path))
    return b""


def unchanged(worktree: str) -> frozenset[str]:
    """Return the copies in a worktree that are still as they were made: nobody's work is in them."""
    return frozenset(_unchanged(worktree))


def copied(worktree: str) -> frozenset[str]:
    """Return the paths of all copies that were made in a worktree, whatever became of them."""
    return frozenset(path for _, path in _rows(worktree))


def _unchanged(worktree: str) -> Iterator[str]:
    return (path for row, path in _rows(worktree) if _row(worktree, path) == row + b"\0")


def _rows(worktree: str) -> Iterator[tuple[bytes, str]]:
    note = _note(worktree)
    with suppress(FileNotFoundError, Unreadable):
        for row in files.read(note or "", 64 * 1024 * 1024).data.split(b"\0")[:-1]:
            yield row, os.fsdecode(row.split(b" ", 2)[2])
