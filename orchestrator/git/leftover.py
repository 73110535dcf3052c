"""What a git that was killed leaves behind, and the proof that nobody is at work there any longer.

git never takes ``index.lock`` away from another process, and neither do we while its owner may live:
it goes only when no process on this machine has it open and no git works in that folder. In whose hands a
track's worktree is across machines is for the track's claim to say, which its caller holds.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from orchestrator.core.text import visible
from orchestrator.errors import GitRefused
from orchestrator.git import places
from orchestrator.git.command import Git
from orchestrator.host import clock, files

WAIT: Final = 10.0
"""Seconds to wait for a git that is at work; staging a large tree takes that long."""

_NAP: Final = 0.02
_PACKED: Final = "packed-refs.lock"
_YOUNG: Final = 1_000_000_000  # ns: a lock younger than that may be its owner's first act


def wait_for_lock(lock: str, wait: float) -> None:
    """Wait at most ``wait`` seconds until a lock is gone, leaving it alone; :class:`GitRefused` if it stays."""
    deadline = clock.steady() + wait
    while os.path.lexists(lock):
        if clock.steady() > deadline:
            raise _stays(lock, "it may still be used")
        clock.pause(_NAP)


def clear_locks(git: Git, *names: str, wait: float = WAIT) -> None:
    """Wait until the locks of a worktree of ours are gone, or take away those of processes that are.

    ``names`` are relative to git's own folder; default: ``index.lock``. Raises :class:`GitRefused` when one
    stays and may have an owner.
    """
    clear(git.folder, places.of(git, *(names or ("index.lock",))), wait)


def clear(folder: str, locks: Iterable[str], wait: float = WAIT) -> None:
    """Like :func:`clear_locks`, with the paths of the locks, and the folder of those who may hold them.

    The lock of a ref may be held by whoever is at work in any worktree of that repository.
    """
    deadline = clock.steady() + wait
    for lock in locks:
        while os.path.lexists(lock):
            owner = next(filter(None, (occupant(each, lock) for each in _folders(folder, lock))), "")
            if not owner and _settled(lock):
                files.remove(lock)
            elif clock.steady() > deadline:
                raise _stays(lock, owner)
            else:
                clock.pause(_NAP)


def _folders(folder: str, lock: str) -> Iterator[str]:
    """Yield the folders in which one who holds a lock may stand: git closes it long before it is done."""
    yield folder
    if "/refs/" in lock or os.path.basename(lock) == _PACKED:
        (shared,) = places.ask(Git(folder), ("--git-common-dir",))
        yield from {shared, shared.removesuffix("/.git")} - {folder}
        with suppress(FileNotFoundError):
            linked = (places.linked(f"{shared}/worktrees/{each}") for each in os.listdir(f"{shared}/worktrees"))
            yield from {os.path.dirname(each) for each in linked if each is not None} - {folder}


def wait_until_idle(folder: str, wait: float = WAIT) -> bool:
    """Wait until no git is at work in ``folder`` or on its making; tell whether there was one.

    Raises :class:`GitRefused` if one stays.
    """
    deadline = clock.steady() + wait
    waited = False
    while owner := occupant(folder):
        waited = True
        if clock.steady() > deadline:
            raise GitRefused(f"{owner} is at work in {visible(folder)}", hint="wait for it or end it, and try again")
        clock.pause(_NAP)
    return waited


def occupant(folder: str, lock: str = "") -> str:
    """Return who may be at work with git in ``folder``, or has ``lock`` open; empty: provably nobody.

    A git counts when it stands in the folder or was given its path, and one of another user, whose
    place we may not see, always. Without /proc there is no proof, and the answer says so.
    """
    if not os.path.isdir("/proc/self/fd"):
        return "a process that this system does not show"
    real = os.path.realpath(folder)
    found = (f"process {pid} ({visible(name)})" for pid, name in _processes() if _may_work(pid, name, real, lock))
    return next(found, "")


def inhabitant(folder: str) -> str:
    """Return a process, ourselves excepted, that stands in ``folder`` or below; empty: none that we can see."""
    real = os.path.realpath(folder)
    for pid, name in _processes() if os.path.isdir("/proc/self/fd") else ():
        with suppress(OSError):
            stands = os.readlink(f"/proc/{pid}/cwd")
            if f"{stands}/".startswith(f"{real}/") and pid != str(os.getpid()):
                return f"process {pid} ({visible(name)})"
    return ""


def _processes() -> Iterator[tuple[str, str]]:
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            yield pid, _read(pid, "comm").decode("utf-8", "replace").strip()


def _may_work(pid: str, name: str, folder: str, lock: str) -> bool:
    git = name.startswith("git")
    if git and os.fsencode(folder) in _read(pid, "cmdline").split(b"\0"):
        return True
    try:
        stands = os.readlink(f"/proc/{pid}/cwd")
        return (git and f"{stands}/".startswith(f"{folder}/")) or (bool(lock) and _has_open(pid, lock))
    except PermissionError:
        return git
    except OSError:
        return False  # it ended meanwhile


def _has_open(pid: str, path: str) -> bool:
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/fd/{fd}") == path:
                return True
    return False


def _read(pid: str, name: str) -> bytes:
    with suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()
    return b""


def _settled(lock: str) -> bool:
    with suppress(OSError):
        return clock.wall_ns() - os.stat(lock, follow_symlinks=False).st_mtime_ns > _YOUNG
    return False


def _stays(lock: str, owner: str) -> GitRefused:
    return GitRefused(
        f"git's lock {visible(lock)} stays: {owner or 'it was made just now'}",
        hint="when no git is running there, remove that file and try again",
    )
