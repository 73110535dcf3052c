"""Backups: everything in a worktree that no branch holds, as a commit under ``refs/orchd/backup/``.

Made with a private index, so that neither the worktree nor its staging area changes. Recorded are the
files as they are on disk, ignored ones excepted, and what was staged where that is something else. A ref
that is written again keeps what it held before as a parent.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import leftover, refs
from orchestrator.git.author import OURS
from orchestrator.git.command import Git
from orchestrator.git.index import private

SECONDS: Final = 900.0
"""How long git may take to read a whole worktree."""

_STATE: Final = "Orchd-State"
_GITLINK: Final = "160000 "
_RAW_ENDS: Final = ("-c", "core.safecrlf=false")  # a mix of line ends is no reason to lose the file


@dataclass(frozen=True, slots=True)
class State:
    """What stands in a worktree.

    ``head`` is its commit (empty before the first) and ``committed`` that commit's tree; ``staged`` the
    tree of its index (empty while that holds conflicts), ``tree`` the tree of what is on disk. ``foreign``
    are folders that are repositories of their own: what is in them cannot be kept here.
    """

    head: str
    committed: str
    staged: str
    tree: str
    foreign: tuple[str, ...]

    @property
    def dirty(self) -> bool:
        """Tell whether something is on disk or staged that is not in the commit."""
        return self.tree != self.committed or self.staged not in {"", self.committed}

    @property
    def key(self) -> str:
        """One line that is the same if and only if everything else is."""
        return f"{self.head or '-'} {self.staged or '-'} {self.tree}"


def look(worktree: str) -> State:
    """Take stock of a worktree without changing it; raises :class:`GitRefused` where a file cannot be read."""
    git = standing(worktree)
    head = refs.resolve(git, "HEAD") or ""
    committed = git.out("rev-parse", f"{head}^{{tree}}") if head else _empty_tree(git)
    with private(git, copy=True) as env:
        written = git.run("write-tree", env=env)
        staged = written.text() if written.status == 0 else ""
        see_everything(git, env)
        git.out(*_RAW_ENDS, "add", "--all", "--sparse", env=env)
        tree = git.out("write-tree", env=env)
        links = [each for each in git.names("ls-files", "--stage", "-z", env=env) if each.startswith(_GITLINK)]
    return State(head, committed, staged, tree, tuple(sorted(_inhabited(worktree, links))))


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


def _inhabited(worktree: str, links: Iterable[str]) -> Iterator[str]:
    """Yield those of the nested repositories that are there on disk."""
    for path in (each.partition("\t")[2] for each in links):
        if os.path.lexists(f"{worktree}/{path}/.git"):
            yield path


def keep(worktree_path: str, ref: str) -> str | None:
    """Record what no branch holds under ``ref`` and return that commit; None when there is nothing of the kind.

    ``ref`` is ``refs/orchd/backup/<run>/<track>/<attempt>``. Done twice, it finds its own commit. Raises
    :class:`GitRefused` when not everything could be read; then nothing was recorded.
    """
    git = standing(worktree_path)
    if not ref.startswith(f"{refs.BACKUPS}/") or git.run("check-ref-format", ref).status != 0:
        raise GitRefused(f"'{visible(ref, 120)}' is no name for a backup", hint=f"below {refs.BACKUPS}/, as git allows")
    state = look(worktree_path)
    if not state.dirty and is_held(git, state.head):
        return None
    old = refs.resolve(git, ref)
    if old is not None and find(git, state, ref) == old:
        return old
    commit = _record(git, state, worktree_path, old)
    leftover.clear_locks(git, f"{ref}.lock")
    refs.update(git, ref, commit, old, "work kept")
    return commit


def is_held(git: Git, commit: str) -> bool:
    """Tell whether a branch or a backup holds ``commit``; that no commit is there at all is fine, too."""
    return not commit or refs.kept_by_a_ref(git, commit, "refs/heads/", f"{refs.BACKUPS}/")


def find(git: Git, state: State, below: str = refs.BACKUPS) -> str | None:
    """Return a backup that holds exactly ``state``, or None."""
    told = git.out("for-each-ref", f"--format=%(objectname) %(trailers:key={_STATE},valueonly)", below)
    pairs = (line.partition(" ") for line in told.splitlines())
    return next((commit for commit, _, key in pairs if key == state.key), None)


def _record(git: Git, state: State, worktree: str, old: str | None) -> str:
    parents = [state.head] if state.head else []
    if state.staged not in {"", state.committed, state.tree}:
        parents.append(_commit(git, state.staged, parents, "What was staged"))
    subject = f"Work kept from {visible(os.path.basename(worktree))}"
    missing = "".join(f"Not kept, a repository of its own: {visible(each)}\n" for each in state.foreign)
    text = f"{subject}\n\nThe files as they were on disk, ignored ones excepted.\n{missing}\n{_STATE}: {state.key}\n"
    return _commit(git, state.tree, [*parents, *([old] if old else [])], text)


def _commit(git: Git, tree: str, parents: list[str], text: str) -> str:
    named = [word for parent in dict.fromkeys(parents) for word in ("-p", parent)]
    return git.out("commit-tree", tree, *named, "-F", "-", stdin=text.encode(), env=OURS)


def way_back(ref: str) -> str:
    """Return the command that brings a backup back as a branch, to look at or to merge."""
    return f"git branch restored-{'-'.join(ref.split('/')[-2:])} {ref}"
