"""Sub-modules in a new worktree: those that the user's checkout has, from there, without a network.

Each is a repository of its own there. Git's own folder of the worktree remembers where it came from; what an agent
commits in one is brought back to there with the commit of the track, and only a sub-module that has nothing else goes.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from orchestrator.core.listing import some
from orchestrator.core.text import visible
from orchestrator.errors import GitRefused, Unreadable
from orchestrator.git import places, refs
from orchestrator.git.command import Git, complaint, with_settings
from orchestrator.host import files, folders
from orchestrator.host.failpoint import reach

SECONDS: Final = 900.0
"""How long git may take to check one out."""

KEPT: Final = "refs/orchd/kept"
"""Below it, the repository of a sub-module holds what agents committed in theirs."""

_FILE: Final = ".gitmodules"
_NOTE: Final = "orchd-submodules"
_LINK: Final = "160000 "
_LARGEST: Final = 1024 * 1024
_SHOWN: Final = 3


def fill(top: str, worktree: str) -> str:
    """Check out what the checkout at ``top`` has, once; return in one line what was and what was not, or nothing.

    A sub-module that cannot be checked out is left empty. Cut short and called again, it begins anew; what was there
    before it began stays as it is. Raises :class:`GitRefused` and ``SystemFailure``.
    """
    own, note = places.own(worktree), _note(worktree)
    if not os.path.lexists(f"{worktree}/{_FILE}") or own is None or note is None or os.path.lexists(f"{note}.done"):
        return ""
    if os.path.lexists(note):
        _begin_anew(worktree, own)
    elif os.path.lexists(f"{own}/modules"):
        return ""
    git = Git(worktree, SECONDS, hooks=False)
    names = _names(git)
    homes = dict(_there_in(top, git, names))
    files.publish(note, b"".join(os.fsencode(each) + b"\0" for pair in homes.items() for each in pair), own)
    reach("submodules.begun")
    failed = []
    for path, home in homes.items():
        why = _checked_out(git, names[path], path, home)
        if why:
            failed.append(f"{visible(path)} ({why})")
            continue
        _point_to(f"{top}/{path}", f"{worktree}/{path}")
        fill(f"{top}/{path}", f"{worktree}/{path}")
        reach("submodules.filled")
    files.publish(f"{note}.done", b"", own)
    done = len(homes) - len(failed)
    left = f"; left empty: {some(failed, _SHOWN)}" if failed else ""
    return f"sub-modules as in your checkout: {done} of {len(homes)}{left}" if homes else ""


def _begin_anew(worktree: str, own: str) -> None:
    """Remove what a fill that was cut short has left; nobody has worked there since."""
    for path in _homes(worktree):
        folders.remove(f"{worktree}/{path}")
        os.makedirs(f"{worktree}/{path}")
    folders.remove(f"{own}/modules")


def _there_in(top: str, git: Git, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the sub-modules of a worktree that the checkout at ``top`` has checked out, each with its repository."""
    for row in git.names("ls-files", "--stage", "-z"):
        path = row.partition("\t")[2]
        if row.startswith(_LINK) and path in names and os.path.lexists(f"{top}/{path}/.git"):
            yield path, Git(f"{top}/{path}").out("rev-parse", "--absolute-git-dir")


def _names(git: Git) -> Mapping[str, str]:
    """Return what each sub-module is called, by its path."""
    told = git.run("config", "-z", "--file", _FILE, "--get-regexp", r"^submodule\..*\.path$").stdout
    rows = (os.fsdecode(each).partition("\n") for each in told.split(b"\0") if each)
    return {path: key.removeprefix("submodule.").removesuffix(".path") for key, _, path in rows}


def _checked_out(git: Git, name: str, path: str, home: str) -> str:
    """Check a sub-module out from the repository at ``home``; return why not, or nothing."""
    settings = {f"submodule.{name}.url": home, f"submodule.{name}.update": "checkout", "protocol.file.allow": "always"}
    env = with_settings(os.environ, settings)
    ended = git.run("submodule", "--quiet", "update", "--init", "--checkout", "--", path, env=env)
    return complaint(ended) if ended.status != 0 else ""


def _point_to(theirs: str, ours: str) -> None:
    """Have the copy push and fetch where the user's sub-module does."""
    url = Git(theirs).run("config", "--get", "remote.origin.url").text()
    if url:
        Git(ours).run("remote", "set-url", "origin", url)


def _note(worktree: str) -> str | None:
    own = places.own(worktree)
    return f"{own}/{_NOTE}" if own is not None else None


def _homes(worktree: str) -> Mapping[str, str]:
    """Return where each sub-module of a worktree came from, by its path."""
    note = _note(worktree)
    if note is None:
        return {}
    with suppress(FileNotFoundError, Unreadable):
        words = [os.fsdecode(each) for each in files.read(note, _LARGEST).data.split(b"\0")[:-1]]
        return dict(zip(words[::2], words[1::2], strict=True))
    return {}


def bring_home(worktree: str) -> Iterator[str]:
    """Have the user's sub-modules hold what was committed in those of a worktree; yield a line for each of them.

    What is not committed in one is said, too: it is in no commit of the track. Raises :class:`GitRefused`.
    """
    for path, home in _homes(worktree).items():
        if not os.path.lexists(f"{worktree}/{path}/.git"):
            continue
        yield from bring_home(f"{worktree}/{path}")
        inner = Git(f"{worktree}/{path}", SECONDS, hooks=False)
        head = refs.resolve(inner, "HEAD")
        if head is not None and not _holds(home, [head]):
            Git(home, SECONDS, hooks=False).out("fetch", "--quiet", "--no-tags", inner.folder, f"HEAD:{KEPT}/{head}")
            yield f"the sub-module {visible(path)} has new commits; yours has them as {KEPT}/{head}: push them there"
        if not _is_clean(inner):
            yield f"the sub-module {visible(path)} has changes that are not committed in it, and so not in this commit"


def has_nothing_of_its_own(worktree: str, path: str, *, ignored: bool = False) -> bool:
    """Tell whether all that is in a sub-module of a worktree is in the user's as well.

    ``ignored``: what git ignores counts, too. A file that git was told not to look at may be anything.
    """
    home = _homes(worktree).get(path)
    if home is None or not os.path.isdir(home) or os.path.islink(f"{worktree}/{path}"):
        return False
    place = f"{worktree}/{path}"
    try:
        inner = Git(place, SECONDS, hooks=False)
        if inner.run("rev-parse", "--show-prefix").stdout != b"\n" or not _is_clean(inner, ignored=ignored):
            return False
        if any(_is_hidden(place, each) for each in inner.names("ls-files", "-v", "-z")):
            return False
        told = [
            inner.out("rev-parse", "HEAD"),
            inner.out("for-each-ref", "--format=%(objectname)"),
            inner.out("log", "-g", "--format=%H", "HEAD", "--"),
        ]
        tips = sorted({each for lines in told for each in lines.split()})
        within = (has_nothing_of_its_own(place, each, ignored=ignored) for each in _homes(place))
        return _holds(home, tips) and all(within)
    except GitRefused:
        return False


def _is_hidden(place: str, row: str) -> bool:
    """Tell whether git was told not to look at a file that is there."""
    return row[0].islower() or (row[0] == "S" and os.path.lexists(f"{place}/{row[2:]}"))


def _is_clean(inner: Git, *, ignored: bool = False) -> bool:
    words = ("status", "--porcelain", "--untracked-files=all", "--ignore-submodules=none")
    told = inner.run(*words, *(("--ignored",) if ignored else ()))
    return (told.status, told.stdout) == (0, b"")


def _holds(home: str, commits: Sequence[str]) -> bool:
    """Tell whether refs of the repository at ``home`` hold all these commits."""
    told = "".join(f"{each}\n" for each in commits).encode("ascii")
    words = ("rev-list", "--max-count=1", "--stdin", "--not", "--all", "HEAD", "--")
    ended = Git(home, SECONDS, hooks=False).run(*words, stdin=told)
    return (ended.status, ended.stdout) == (0, b"")


def put_away(worktree: str, *, ignored: bool = False) -> None:
    """Remove the sub-modules of a worktree that is to go, if none has anything of its own; else git keeps all of it.

    ``ignored`` is as for :func:`has_nothing_of_its_own`.

    Raises :class:`GitRefused` and ``SystemFailure``.
    """
    own, homes = places.own(worktree), _homes(worktree)
    there = _there(worktree, homes)
    if own is None or not homes or not all(has_nothing_of_its_own(worktree, each, ignored=ignored) for each in there):
        return
    words = ("--literal-pathspecs", "submodule", "--quiet", "deinit", "--force", "--", *homes)
    Git(worktree, SECONDS, hooks=False).out(*words)
    folders.remove(f"{own}/modules")


def _there(worktree: str, paths: Mapping[str, str]) -> list[str]:
    return [each for each in paths if os.path.lexists(f"{worktree}/{each}/.git")]
