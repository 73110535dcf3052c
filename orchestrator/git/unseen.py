"""What git's own view of a worktree leaves out, as trees of its own: nothing of it may be lost in a backup.

``raw`` are changed files whose bytes git would convert (line ends, filters), as they are on disk. ``loose`` are
files that git would not add: ignored ones, and those of repositories within. ``unmerged`` are the sides of a
conflict, and what was staged beside it. ``modes`` are rights that git does not record.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.git import ignored, include
from orchestrator.git.command import Git
from orchestrator.git.index import private

MODES: Final = "modes"
"""The one file of the tree ``modes``: octal rights and a path, each pair ended by a NUL."""

_LINK: Final = "120000"
_STAGES: Final = {"0": "staged", "1": "base", "2": "ours", "3": "theirs"}
_PLAIN: Final = frozenset({0o644, 0o755})


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree: its mode as git writes it, its object, its path."""

    mode: str
    blob: str
    path: str


def entries(git: Git, old: str, new: str) -> list[Entry]:
    """Return the files in which tree ``new`` differs from ``old``, as ``new`` has them; deleted ones are not there."""
    words = git.names("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", old, new)
    facts = (each.split(" ") for each in words[::2])
    return [Entry(fact[1], fact[3], path) for fact, path in zip(facts, words[1::2], strict=True) if fact[4] != "D"]


def trees(git: Git, changed: Sequence[Entry], loose: Sequence[str], conflict: Sequence[str]) -> Mapping[str, str]:
    """Write what is on disk and not in git's view, and return the trees that are not empty, by name.

    ``changed`` is what git's view has of the changed files, ``loose`` are further paths, ``conflict`` lines of
    ``git ls-files --stage`` of an index with conflicts.
    """
    seen = [each for each in changed if each.mode.startswith("100") and _is_readable(f"{git.folder}/{each.path}")]
    blobs = hashed(git, [each.path for each in seen])
    raw = [Entry(each.mode, blob, each.path) for each, blob in zip(seen, blobs, strict=True) if blob != each.blob]
    free = _loose(git, loose)
    found = {"raw": raw, "loose": free, "unmerged": _sides(conflict)}
    modes = _modes(git, [*(each.path for each in seen), *(each.path for each in free if each.mode != _LINK)])
    return {name: tree(git, each) for name, each in {**found, MODES: modes}.items() if each}


def hashed(git: Git, paths: Sequence[str]) -> list[str]:
    """Write files as they are, byte for byte, and return their objects."""
    if not paths:
        return []
    told = b"".join(_quoted(each) for each in paths)
    return git.out("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=told).splitlines()


def tree(git: Git, found: Iterable[Entry]) -> str:
    """Write a tree of these files and return it."""
    with private(git) as env:
        index(git, found, env)
        return git.out("write-tree", env=env)


def index(git: Git, found: Iterable[Entry], env: Mapping[str, str]) -> None:
    """Put these files into an index; a repository within gives way to its files."""
    told = b"".join(b"%s %s\t%s\0" % (each.mode.encode(), each.blob.encode(), os.fsencode(each.path)) for each in found)
    git.out("update-index", "--replace", "-z", "--index-info", stdin=told, env=env)


def loose(git: Git, nested: Iterable[str], *, every: bool, unread: Callable[[str], None]) -> list[str]:
    """Return the files on disk that git would not add: in repositories within, or ignored since the worktree was made.

    ``every``: all that are ignored, but for what was copied there and is as it was. ``unread`` is told what could not
    be looked into.
    """
    names = {*nested, *ignored.since(git)}
    if every:
        every_one = git.names("ls-files", "-z", "--others", "--ignored", "--exclude-standard")
        names.update({*every_one} - include.unchanged(git.folder))
    found = {path for each in names for path in _files(git.folder, each.rstrip("/"), unread)}
    for path in sorted(found):
        full = f"{git.folder}/{path}"
        if not os.path.islink(full) and not _is_readable(full):
            unread(path)
            found.discard(path)
    return sorted(found)


def _files(top: str, path: str, unread: Callable[[str], None]) -> Iterator[str]:
    """Yield the files and links below ``path``, or itself; git's own folders are left out."""
    full = f"{top}/{path}"
    if os.path.islink(full) or not os.path.isdir(full):
        if os.path.islink(full) or _is_file(full):
            yield path
        return

    def blocked(error: OSError) -> None:
        unread(os.path.relpath(os.fsdecode(error.filename), top))

    for folder, inner, names in os.walk(full, onerror=blocked):
        links = [each for each in inner if os.path.islink(f"{folder}/{each}")]
        inner[:] = [each for each in inner if each != ".git" and each not in links]
        for name in (*names, *links):
            if name != ".git" and (os.path.islink(f"{folder}/{name}") or _is_file(f"{folder}/{name}")):
                yield os.path.relpath(f"{folder}/{name}", top)


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_readable(path: str) -> bool:
    return _is_file(path) and os.access(path, os.R_OK)


def _loose(git: Git, paths: Sequence[str]) -> list[Entry]:
    links = [each for each in paths if os.path.islink(f"{git.folder}/{each}")]
    plain = [each for each in paths if each not in frozenset(links)]
    found = [Entry(_mode(git, path), blob, path) for path, blob in zip(plain, hashed(git, plain), strict=True)]
    for path in links:
        target = os.fsencode(os.readlink(f"{git.folder}/{path}"))
        found.append(Entry(_LINK, git.out("hash-object", "-w", "--stdin", stdin=target), path))
    return found


def _mode(git: Git, path: str) -> str:
    return "100755" if os.lstat(f"{git.folder}/{path}").st_mode & stat.S_IXUSR else "100644"


def _sides(conflict: Sequence[str]) -> list[Entry]:
    found = []
    for facts, _, path in (each.partition("\t") for each in conflict):
        mode, blob, stage = facts.split(" ")
        found.append(Entry(mode, blob, f"{_STAGES[stage]}/{path}"))
    return found


def _modes(git: Git, paths: Sequence[str]) -> list[Entry]:
    rights = ((stat.S_IMODE(os.lstat(f"{git.folder}/{each}").st_mode), each) for each in paths)
    told = b"".join(b"%o %s\0" % (mode, os.fsencode(path)) for mode, path in rights if mode not in _PLAIN)
    return [Entry("100644", git.out("hash-object", "-w", "--stdin", stdin=told), MODES)] if told else []


def _quoted(path: str) -> bytes:
    """Return a path as git reads it from a line, whatever is in it."""
    return b'"' + b"".join(b"\\%03o" % byte for byte in os.fsencode(path)) + b'"\n'
