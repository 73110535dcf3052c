"""Backups: everything in a worktree that no branch holds, as a commit under ``refs/orchd/backup/``.

Made with a private index, so that neither the worktree nor its staging area changes. Recorded are the files as they
are on disk, byte for byte; what was staged where that is something else; the sides of a conflict; the files of
repositories within; commits that nothing but a log holds any more; and ignored files where that is asked for, or
where they are ignored only since the worktree was made. A ref that is written again keeps what it held before as a
parent. What could not be read is named in the commit.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import clean, leftover, refs, submodules, unseen
from orchestrator.git.author import OURS
from orchestrator.git.command import Git, refusal
from orchestrator.git.index import private

SECONDS: Final = 900.0
"""How long git may take to read a whole worktree."""

STATE: Final = "Orchd-State"
"""The trailer of a backup that says of what it is; see :attr:`State.key`."""

_GITLINK: Final = "160000 "
_RAW_ENDS: Final = ("-c", "core.safecrlf=false")  # a mix of line ends is no reason to lose the file
_BLOCKED: Final = "could not open directory"
_NOT_KEPT: Final = "Not kept, unreadable: "
_WITHIN: Final = "A repository of its own, of which only the files are kept: "
_HEAD: Final = "HEAD"
_HEADS: Final = (_HEAD, "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "ORIG_HEAD")
_OWN: Final = tuple(f"--glob=refs/{each}" for each in ("worktree", "bisect", "rewritten"))  # a worktree's own refs


@dataclass(frozen=True, slots=True)
class State:
    """What stands in a worktree.

    ``head`` is its commit (empty before the first) and ``committed`` that commit's tree; ``staged`` the
    tree of its index (empty while that holds conflicts), ``tree`` the tree of what is on disk. ``foreign``
    are folders that are repositories of their own: their history cannot be kept here. ``more`` are the trees of
    :mod:`orchestrator.git.unseen`. ``unread`` are files and folders that could not be read, ``lost`` the commits
    that only the worktree itself holds: no branch, tag or backup.
    """

    head: str
    committed: str
    staged: str
    tree: str
    foreign: tuple[str, ...] = ()
    more: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def dirty(self) -> bool:
        """Tell whether something is on disk or staged that is not in the commit."""
        return self.tree != self.committed or self.staged not in {"", self.committed} or bool(self.more)

    @property
    def clean(self) -> bool:
        """Tell whether nothing is there but what a branch holds."""
        return not (self.dirty or self.foreign or self.unread or self.lost)

    @property
    def key(self) -> str:
        """One line that is the same if and only if everything that is kept in trees is."""
        more = "".join(f" {name}={tree}" for name, tree in self.more)
        return f"{self.head or '-'} {self.staged or '-'} {self.tree}{more}"


def look(worktree: str, *, ignored: bool = False) -> State:
    """Take stock of a worktree without changing it. ``ignored``: what git ignores counts, too."""
    git = Git(worktree, SECONDS, hooks=False)
    found = None if ignored else clean.glance(git)
    if found is not None:
        lost = _unheld(git, _logged(git, (), found.stand))
        return State(found.head, found.tree, found.tree, found.tree, lost=lost)
    return _look_closely(standing(worktree), ignored=ignored)


def _look_closely(git: Git, *, ignored: bool) -> State:
    head = refs.resolve(git, "HEAD") or ""
    committed = git.out("rev-parse", f"{head}^{{tree}}") if head else _empty_tree(git)
    unread: list[str] = []
    with private(git, copy=True) as env:
        written = git.run("write-tree", env=env)
        staged = written.text() if written.status == 0 else ""
        see_everything(git, env)
        conflict = [] if staged else _in_conflict(git, head, git.names("diff-files", "-z", "--name-only", env=env), env)
        plain = _add(git, env)
        nested = _left(git, env, plain, unread) if plain is not None else []
        tree = git.out(*(plain or ()), "write-tree", env=env)
        links = [each for each in git.names("ls-files", "--stage", "-z", env=env) if each.startswith(_GITLINK)]
    foreign = sorted({*_inhabited(git.folder, links, ignored=ignored), *nested})
    loose = unseen.loose(git, foreign, every=ignored, unread=unread.append)
    more = unseen.trees(git, unseen.entries(git, committed, tree), loose, conflict)
    return State(head, committed, staged, tree, tuple(foreign), tuple(more.items()), tuple(unread), _lost(git))


def _in_conflict(
    git: Git, head: str, gone: Iterable[str], env: Mapping[str, str], place: Sequence[str] = ()
) -> list[str]:
    """Return the lines of an index with conflicts that no tree can hold: their sides, and what stands beside them.

    That is what was staged, too, of the files in ``gone``: those that are on disk no longer as they were staged.
    """
    rows = [each.partition("\t") for each in git.names(*place, "ls-files", "--stage", "-z", env=env)]
    words = (*place, "diff-index", "--cached", "-z", "--name-only", head)
    beside = set(gone) & set(git.names(*words, env=env) if head else (path for _, _, path in rows))
    wanted = (
        row for row in rows if not row[0].endswith(" 0") or (row[2] in beside and not row[0].startswith(_GITLINK))
    )
    return ["".join(row) for row in wanted]


def _add(git: Git, env: Mapping[str, str]) -> list[str] | None:
    """Stage everything on disk that can be; None: that was all. Else return the options with which git did it."""
    words = (*_RAW_ENDS, "add", "--all", "--sparse", "--ignore-errors")
    options: list[str] = []
    added = git.run(*words, env=env)
    if added.status > 1:
        options = unfiltered(git)  # a filter that fails is no reason to lose the file
        added = git.run(*options, *words, env=env)
    if added.status > 1:
        raise refusal(added)
    return None if added.status == 0 and not options and _BLOCKED.encode() not in added.stderr else options


def _left(git: Git, env: Mapping[str, str], options: Sequence[str], unread: list[str]) -> list[str]:
    """Return the repositories within that git cannot name, having no commit; tell ``unread`` of all else that is left.

    A folder that cannot be looked into is one of those in which git finds files no more.
    """
    others = git.run(*options, "ls-files", "-z", "--others", "--exclude-standard", env=env)
    left = [os.fsdecode(each) for each in others.stdout.split(b"\0") if each]
    nested = [each.rstrip("/") for each in left if each.endswith("/")]
    lines = os.fsdecode(others.stderr).splitlines()
    folders = [line.partition("'")[2].rpartition("'")[0].rstrip("/") for line in lines if _BLOCKED in line]
    changed = git.names(*options, "ls-files", "-z", "--modified", env=env)
    unread += [each for each in dict.fromkeys((*left, *changed, *folders)) if each and not each.endswith("/")]
    return nested


def unfiltered(git: Git) -> list[str]:
    """Return the options with which git converts no file by a program of the user's."""
    told = git.run(
        "config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$"
    ).stdout
    names = dict.fromkeys(os.fsdecode(each) for each in told.split(b"\0") if each)
    return [word for each in names for word in ("-c", f"{each}={'false' if each.endswith('.required') else ''}")]


def _lost(git: Git, *place: str) -> tuple[str, ...]:
    """Return the latest commits of a worktree that only its logs, or an operation half done, hold."""
    branch = git.run(*place, "symbolic-ref", "--quiet", "HEAD").text()
    return _unheld(git, _logged(git, place, branch or _HEAD), *place)


def _logged(git: Git, place: Sequence[str], stand: str) -> set[str]:
    """Return the commits in the logs of HEAD and of the branch ``stand``."""
    words = (*place, "log", "-g", "--format=%H")
    logs = tuple(dict.fromkeys((_HEAD, stand)))
    told = git.run(*words, *logs, "--")
    if told.status == 0:
        return set(told.text().split())
    each = (git.run(*words, log, "--") for log in logs)  # one of them cannot be read
    return {commit for one in each if one.status == 0 for commit in one.text().split()}


def _unheld(git: Git, logged: Iterable[str], *place: str) -> tuple[str, ...]:
    """Return the latest of the commits ``logged``, and of those that the worktree stands on, that no ref holds."""
    held = ("--branches", "--remotes", "--tags", f"--glob={refs.BACKUPS}", f"--glob={refs.RUNS}")
    words = ("rev-list", "--parents", "--stdin", "--ignore-missing", *_HEADS, *_OWN, "--not", *held, "--")
    told = "".join(f"{each}\n" for each in sorted(logged)).encode("ascii")
    rows = git.raw(*place, *words, stdin=told).decode("ascii").splitlines()
    inner = {parent for row in rows for parent in row.split()[1:]}
    return tuple(commit for commit in (row.split()[0] for row in rows) if commit not in inner)


def remains(git: Git, git_dir: str) -> State:
    """Take stock of what is left of a worktree whose folder was deleted: its commit, what was staged, its logs."""
    place = ("--git-dir", git_dir)
    head = refs.resolve_in(git, "HEAD", *place) or ""
    committed = git.out("rev-parse", f"{head}^{{tree}}") if head else _empty_tree(git)
    written = git.run(*place, "write-tree") if os.path.exists(f"{git_dir}/index") else None
    if written is None or written.status == 0:
        staged = written.text() if written is not None else committed
        return State(head, committed, "", staged, lost=_lost(git, *place))
    every = [each.partition("\t")[2] for each in git.names(*place, "ls-files", "--stage", "-z")]
    more = unseen.trees(git, [], [], _in_conflict(git, head, every, {}, place))
    return State(head, committed, "", committed, more=tuple(more.items()), lost=_lost(git, *place))


def standing(worktree: str) -> Git:
    """Return git for a worktree; raises :class:`GitRefused` when the folder is none, or only lies within one."""
    git = Git(worktree, SECONDS, hooks=False)
    if git.run("rev-parse", "--show-prefix").stdout != b"\n":
        raise GitRefused(
            f"{visible(worktree)} is not a worktree any more: its .git file is gone",
            hint="`git worktree repair` in the main checkout brings that back",
        )
    return git


def _empty_tree(git: Git) -> str:
    return git.out("mktree")


def see_everything(git: Git, env: Mapping[str, str]) -> None:
    """Make an index look at files that it was told not to look at: assumed unchanged, or skipped and yet there.

    ``env`` says which index; empty: the worktree's own.
    """
    entries = git.names("ls-files", "-v", "-z", env=env)
    assumed = [each[2:] for each in entries if each[0].islower()]
    skipped = [each[2:] for each in entries if each[0] in "Ss" and os.path.lexists(f"{git.folder}/{each[2:]}")]
    for flag, paths in (("--no-assume-unchanged", assumed), ("--no-skip-worktree", skipped)):
        if paths:
            told = b"".join(os.fsencode(each) + b"\0" for each in paths)
            git.out("update-index", flag, "-z", "--stdin", stdin=told, env=env)


def _inhabited(worktree: str, links: Iterable[str], *, ignored: bool) -> Iterator[str]:
    """Yield those of the nested repositories that are there on disk and have something of their own."""
    for path in (each.partition("\t")[2] for each in links):
        there = os.path.lexists(f"{worktree}/{path}/.git")
        if there and not submodules.has_nothing_of_its_own(worktree, path, ignored=ignored):
            yield path


def keep(worktree_path: str, ref: str, *, ignored: bool = False) -> str | None:
    """Record what no branch holds under ``ref`` and return that commit; None when there is nothing of the kind.

    ``ref`` is ``refs/orchd/backup/<run>/<track>/<attempt>``. Done twice, it finds its own commit. ``ignored``: what
    git ignores is kept, too. :func:`missing` names what could not be read. Raises :class:`GitRefused`; then nothing
    was recorded.
    """
    return record(worktree_path, look(worktree_path, ignored=ignored), ref)


def record(worktree_path: str, state: State, ref: str) -> str | None:
    """Record under ``ref`` what :func:`look` has just seen in a worktree; otherwise as :func:`keep`."""
    git = Git(worktree_path, SECONDS, hooks=False)
    return _kept(git, state, ref, os.path.basename(worktree_path))


def keep_remains(folder: str, git_dir: str, ref: str) -> str | None:
    """Like :func:`keep`, where a worktree of the repository at ``folder`` was deleted, and its ``git_dir`` was not."""
    git = Git(folder, SECONDS, hooks=False)
    return _kept(git, remains(git, git_dir), ref, os.path.basename(git_dir))


def adds(state: State, git: Git) -> bool:
    """Tell whether something is in a worktree that its commit has not; what is only missing there does not count."""
    return bool(unseen.entries(git, state.committed, state.tree) or state.more or state.unread)


def _check(git: Git, ref: str) -> None:
    if not ref.startswith(f"{refs.BACKUPS}/") or git.run("check-ref-format", ref).status != 0:
        raise GitRefused(f"'{visible(ref, 120)}' is no name for a backup", hint=f"below {refs.BACKUPS}/, as git allows")


def _kept(git: Git, state: State, ref: str, name: str) -> str | None:
    if not (state.dirty or state.lost or state.unread):
        return None
    _check(git, ref)
    old = refs.resolve(git, ref)
    if old is not None and not state.lost and find(git, state, ref) == old:
        return old
    commit = _record(git, state, name, old)
    leftover.clear_locks(git, f"{ref}.lock")
    refs.update(git, ref, commit, old, "work kept")
    return commit


def missing(git: Git, commit: str) -> tuple[str, ...]:
    """Return what a backup says of itself that could not be kept; the names are safe to show."""
    lines = git.out("show", "-s", "--format=%B", commit).splitlines()
    return tuple(each.removeprefix(_NOT_KEPT) for each in lines if each.startswith(_NOT_KEPT))


def find(git: Git, state: State, below: str = refs.BACKUPS) -> str | None:
    """Return a backup that holds exactly ``state``, or None."""
    told = git.out("for-each-ref", f"--format=%(objectname) %(trailers:key={STATE},valueonly)", below)
    pairs = (line.partition(" ") for line in told.splitlines())
    return next((commit for commit, _, key in pairs if key == state.key), None)


def holding(git: Git, state: State) -> str | None:
    """Return a backup that holds all of ``state``, and maybe more; None where there is none.

    It is one made on the same commit; or the one that the worktree stands on since its removal was cut short.
    """
    told = git.out("for-each-ref", f"--format=%(objectname) %(trailers:key={STATE},valueonly)", refs.BACKUPS)
    rows = (line.split(" ") for line in told.splitlines())
    return next((row[0] for row in rows if len(row) > 3 and _holds(state, *row)), None)


def _holds(state: State, commit: str, head: str, staged: str, tree: str, *more: str) -> bool:
    same = state.head in {head, commit} and state.tree == tree
    known = {"" if staged == "-" else staged, state.committed, state.tree}
    return same and state.staged in known and {f"{name}={each}" for name, each in state.more} <= {*more}


def _record(git: Git, state: State, name: str, old: str | None) -> str:
    parents = [state.head] if state.head else []
    if state.staged not in {"", state.committed, state.tree}:
        parents.append(_commit(git, state.staged, parents, "What was staged"))
    parents += [_commit(git, tree, [], f"What git does not see: {kind}") for kind, tree in state.more]
    lines = [f"{_WITHIN}{visible(each)}\n" for each in state.foreign]
    lines += [f"{_NOT_KEPT}{visible(each)}\n" for each in state.unread]
    text = f"Work kept from {visible(name)}\n\nThe files as they were on disk.\n{''.join(lines)}\n"
    everything = [*parents, *state.lost, *([old] if old else [])]
    return _commit(git, state.tree, everything, f"{text}{STATE}: {state.key}\n")


def _commit(git: Git, tree: str, parents: list[str], text: str) -> str:
    named = [word for parent in dict.fromkeys(parents) for word in ("-p", parent)]
    return git.out("commit-tree", tree, *named, "-F", "-", stdin=text.encode(), env=OURS)


def way_back(ref: str) -> str:
    """Return the command that brings a backup back as a branch, to look at or to merge."""
    run, track, attempt = ref.split("/")[-3:]
    return f"orchd restore {run} {track} --attempt {attempt}"
