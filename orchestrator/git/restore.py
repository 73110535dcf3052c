"""Backups brought back: as a branch, or as a folder of the very files; never over anything that exists."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused, NotFound
from orchestrator.git import backup, refs, unseen
from orchestrator.git.author import OURS
from orchestrator.git.command import Git
from orchestrator.git.index import private
from orchestrator.git.unseen import Entry
from orchestrator.host import files, temps
from orchestrator.host.failpoint import reach

AT_ONCE: Final = 64 * 1024 * 1024
"""So many bytes of files are held in memory; of one file, all."""

_LINK: Final = "120000"
_FIELDS: Final = ("refname", "objectname", "committerdate:iso-strict", f"trailers:key={backup.STATE},valueonly")


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup. ``when`` is ISO 8601; ``head`` the commit that it was made on, empty for none.

    ``staged`` is the tree of what was staged (empty: nothing else than on disk), ``tree`` of what was on disk, ``more``
    the trees of :mod:`orchestrator.git.unseen`.
    """

    run: str
    track: str
    attempt: str
    ref: str
    commit: str
    when: str
    head: str
    staged: str
    tree: str
    more: Mapping[str, str]

    @property
    def branch(self) -> str:
        """The branch that it comes back as unless another is named."""
        return f"restored/{self.run}-{self.track}-{self.attempt}"


@dataclass(frozen=True, slots=True)
class Extent:
    """How many files a backup has that its commit has not, and their bytes."""

    files: int
    bytes: int


def backups(git: Git, run: str | None = None, track: str | None = None) -> list[Backup]:
    """Return the backups of a run, of a track, or all, sorted by run, track and attempt."""
    shape = "".join(f"%({each})%00" for each in _FIELDS)
    words = git.out("for-each-ref", f"--format={shape}", f"{refs.BACKUPS}/").split("\0")
    rows = zip(*(iter(words[:-1]),) * len(_FIELDS), strict=True)
    found = (_backup(*(each.strip("\n") for each in row)) for row in rows)
    wanted = (each for each in found if each is not None and run in {None, each.run} and track in {None, each.track})
    return sorted(wanted, key=lambda each: (each.run, each.track, _number(each.attempt)))


def _backup(ref: str, commit: str, when: str, key: str) -> Backup | None:
    parts = ref.removeprefix(f"{refs.BACKUPS}/").split("/")
    words = key.split(" ")
    if len(parts) != 3 or len(words) < 3:
        return None  # none of ours
    head, staged, tree = ("" if each == "-" else each for each in words[:3])
    more = dict(each.split("=", 1) for each in words[3:] if "=" in each)
    return Backup(parts[0], parts[1], parts[2], ref, commit, when, head, staged, tree, more)


def _number(attempt: str) -> tuple[int, str]:
    return (int(attempt) if attempt.isdecimal() else -1, attempt)


def chosen(found: Sequence[Backup], attempt: str | None) -> Backup:
    """Return that attempt's backup, or the latest that has something; raises :class:`NotFound`."""
    for each in reversed(found):
        if attempt in {None, each.attempt}:
            return each
    raise NotFound("there is no such backup", hint="`orchd restore --list` shows every backup")


def extent(git: Git, one: Backup) -> Extent:
    """Return how much a backup holds."""
    entries = [*_changed(git, one), *(each for name in ("raw", "loose") for each in _of(git, one, name))]
    blobs = {each.blob for each in entries if each.mode != "160000"}
    return Extent(len({each.path for each in entries}), sum(_sizes(git, sorted(blobs)).values()))


def commits(git: Git, one: Backup) -> tuple[str, ...]:
    """Return the commits that only this backup holds, apart from the one it was made on; the latest of each line."""
    told = git.out("show", "-s", "--no-walk", "--format=%H %ae", *refs.parents(git, one.commit)).splitlines()
    pairs = (line.split(" ", 1) for line in told)
    return tuple(commit for commit, mail in pairs if commit != one.head and mail != OURS["GIT_AUTHOR_EMAIL"])


def to_branch(git: Git, one: Backup, name: str) -> str:
    """Make a branch on which the backup's work is committed, and return its tip.

    What was staged is one commit where that was something else, what was on disk the next, and what git ignores the
    last. A branch that is there already and stands just there is fine; else raises :class:`GitRefused`.
    """
    refs.check_branch(git, name)
    tip = one.head
    below = _tree_of(git, one.head)
    steps = (
        ("What was staged", one.staged),
        ("What was on disk", one.tree),
        ("What git does not see", _whole(git, one)),
    )
    for subject, tree in steps:
        if tree not in {"", below}:
            tip, below = _commit(git, one, tree, tip, f"{subject}: {one.run} {one.track} attempt {one.attempt}"), tree
    if not tip:
        raise GitRefused("the backup holds no file", hint=f"`git log {one.ref}` shows what is in it")
    there = refs.resolve(git, refs.head(name))
    if there == tip:
        return tip
    if there is not None:
        raise GitRefused(f"the branch {visible(name)} is there already", hint="choose another with --branch NAME")
    reach("restore.committed")
    refs.update(git, refs.head(name), tip, None, f"restored from {one.ref}")
    return tip


def _commit(git: Git, one: Backup, tree: str, parent: str, text: str) -> str:
    """Make a commit that is the same each time."""
    dates = {"GIT_AUTHOR_DATE": one.when, "GIT_COMMITTER_DATE": one.when}
    known = ("-p", parent) if parent else ()
    return git.out("commit-tree", tree, *known, "-F", "-", stdin=f"{text}\n".encode(), env={**OURS, **dates})


def _whole(git: Git, one: Backup) -> str:
    """Return the tree of everything that was on disk, with what git would not have added."""
    if "loose" not in one.more:
        return one.tree
    entries = _of(git, one, "loose")
    with private(git) as env:
        git.out("read-tree", one.tree, env=env)
        unseen.index(git, entries, env)
        return git.out("write-tree", env=env)


def to_folder(git: Git, one: Backup, folder: str) -> None:
    """Write everything that was on disk into a new folder, byte for byte; it appears there whole.

    What was staged or in conflict, where that is something else, stands in a folder ``.orchd`` in it. Raises
    :class:`GitRefused` where there is something already.
    """
    path = os.path.abspath(folder)
    aside = f"{os.path.dirname(path)}/.{os.path.basename(path)}.{temps.name()}"
    try:
        if os.path.lexists(path):
            raise GitRefused(f"{visible(folder)} is there already", hint="name a folder that does not exist yet")
        os.makedirs(aside, 0o700)
        _fill(git, one, aside)
        reach("restore.written")
        if os.path.lexists(path):
            raise GitRefused(f"{visible(folder)} was made meanwhile", hint=f"what was restored is {visible(aside)}")
        os.rename(aside, path)
    except OSError as error:
        raise files.failure(error, f"cannot restore into {visible(folder)}") from error


def _fill(git: Git, one: Backup, folder: str) -> None:
    _check_out(git, one.tree, folder)
    exact = {each.path: each for each in (*_changed(git, one), *_of(git, one, "raw"), *_of(git, one, "loose"))}
    _write(git, folder, [each for each in exact.values() if each.mode != "160000"])
    for mode, path in _modes(git, one):
        if not os.path.islink(f"{folder}/{path}") and os.path.isfile(_inside(folder, path)):
            os.chmod(f"{folder}/{path}", mode)
    staged = (
        unseen.entries(git, one.tree, one.staged) if one.staged not in {"", one.tree, _tree_of(git, one.head)} else []
    )
    sides = {"staged": staged, "unmerged": _of(git, one, "unmerged")}
    name = ".orchd" if not os.path.lexists(f"{folder}/.orchd") else f".orchd-{one.commit[:10]}"
    for kind, entries in sides.items():
        _write(git, f"{folder}/{name}/{kind}", entries)


def _check_out(git: Git, tree: str, folder: str) -> None:
    """Write a tree as git would check it out, with the user's line ends and filters."""
    common = git.out("rev-parse", "--path-format=absolute", "--git-common-dir")
    there = Git(folder, backup.SECONDS, hooks=False)
    words = ("--git-dir", common, "--work-tree", folder, "-c", "core.sparseCheckout=false")
    with private(git) as env:
        if there.run(*words, "read-tree", "-u", "--reset", tree, env=env).status != 0:
            there.out(*words, *backup.unfiltered(git), "read-tree", "-u", "--reset", tree, env=env)


def _write(git: Git, folder: str, entries: Sequence[Entry]) -> None:
    """Write files with exactly their bytes; what stands there gives way: all of it is ours."""
    sizes = _sizes(git, sorted({each.blob for each in entries}))
    for part in _parts(entries, sizes):
        told = "".join(f"{each.blob}\n" for each in part).encode()
        data = git.raw("cat-file", "--batch", stdin=told)
        at = 0
        for each in part:
            at = data.index(b"\n", at) + 1
            _put(folder, each, data[at : at + sizes[each.blob]])
            at += sizes[each.blob] + 1


def _parts(entries: Sequence[Entry], sizes: Mapping[str, int]) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    held = 0
    for each in entries:
        if part and held + sizes[each.blob] > AT_ONCE:
            yield part
            part, held = [], 0
        part.append(each)
        held += sizes[each.blob]
    if part:
        yield part


def _put(folder: str, entry: Entry, data: bytes) -> None:
    path = _inside(folder, entry.path)
    if os.path.lexists(path):
        os.unlink(path)
    if entry.mode == _LINK:
        os.symlink(data, os.fsencode(path))
        return
    os.close(files.create(path, data))
    os.chmod(path, 0o755 if entry.mode == "100755" else 0o644)


def _inside(folder: str, path: str) -> str:
    """Return the full path, its folder made; refuses one that a link leads out of the folder."""
    full = f"{folder}/{path}"
    real = os.path.realpath(folder)
    if os.path.realpath(os.path.dirname(full)) != os.path.normpath(f"{real}/{os.path.dirname(path)}"):
        raise GitRefused(f"the backup's file {visible(path)} lies behind a link", hint="the backup was tampered with")
    os.makedirs(os.path.dirname(full), exist_ok=True)
    return full


def _modes(git: Git, one: Backup) -> Iterator[tuple[int, str]]:
    for each in _of(git, one, unseen.MODES):
        for row in git.names("cat-file", "blob", each.blob):
            mode, _, path = row.partition(" ")
            yield int(mode, 8) & 0o777, path


def _changed(git: Git, one: Backup) -> list[Entry]:
    return unseen.entries(git, _tree_of(git, one.head), one.tree)


def _of(git: Git, one: Backup, name: str) -> list[Entry]:
    return unseen.entries(git, git.out("mktree"), one.more[name]) if name in one.more else []


def _tree_of(git: Git, head: str) -> str:
    return git.out("rev-parse", f"{head}^{{tree}}") if head else git.out("mktree")


def _sizes(git: Git, blobs: Sequence[str]) -> dict[str, int]:
    if not blobs:
        return {}
    told = git.out("cat-file", "--batch-check=%(objectsize)", stdin="".join(f"{each}\n" for each in blobs).encode())
    return dict(zip(blobs, map(int, told.splitlines()), strict=True))
