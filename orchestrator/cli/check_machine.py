"""What orchd needs of the machine: a file system that carries the protocol, hints of changes, git."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from orchestrator import settings
from orchestrator.claims import FileClaims, Wanted, Won
from orchestrator.cli.finding import Finding, of_error
from orchestrator.errors import OrchdError, Unreadable
from orchestrator.git import author, repository
from orchestrator.git.command import Git
from orchestrator.host import files
from orchestrator.host.watch import Watch

_LIMITS: Final = "/proc/sys/fs/inotify"
_LEAST: Final = {"max_user_instances": 16, "max_user_watches": 1024}
_TRACK: Final = "doctor"
_SHORT: Final = 30.0


def file_system(root: str) -> Iterator[Finding]:
    """Claim and release a track in a private folder below the root: links, locks, renames, all of it."""
    try:
        with _probe(root) as folder:
            store = FileClaims(folder)
            won = store.claim(Wanted(_TRACK, "orchd doctor", os.getpid()))
            if not isinstance(won, Won):
                yield Finding("a track that nobody has cannot be claimed here", "put the root on a local file system")
                return
            store.release(_TRACK, won.claim.token)
    except OrchdError as error:
        yield of_error(error)
    except OSError as error:
        yield of_error(files.failure(error, "cannot write in the root"))


@contextmanager
def _probe(root: str) -> Iterator[str]:
    """Make a private folder below the root for the block; nothing of it stays."""
    folder = os.path.join(root, f".orchd-doctor-{os.urandom(8).hex()}")
    os.mkdir(folder, 0o700)
    try:
        yield folder
    finally:
        for parent, folders, names in os.walk(folder, topdown=False):
            for name in names:
                files.remove(os.path.join(parent, name))
            for name in folders:
                os.rmdir(os.path.join(parent, name))
        os.rmdir(folder)


def changes(root: str) -> Iterator[Finding]:
    """See whether the kernel tells of changes in the root; without that everything still works, only later."""
    watch = Watch(_nobody)
    try:
        watch.follow(root)
        for why in watch.degraded.values():
            yield Finding(
                f"the root {why}", "works, a few seconds later; more watches: sysctl fs.inotify.max_user_watches"
            )
    finally:
        watch.close()
    for name, least in _LEAST.items():
        limit = _limit(name)
        if limit is not None and limit < least:
            yield Finding(f"fs.inotify.{name} is {limit}", f"as root: sysctl fs.inotify.{name}={least} or more")


def _nobody() -> None:
    """Wake nobody."""


def _limit(name: str) -> int | None:
    with suppress(OSError, Unreadable, ValueError):
        return int(files.read(f"{_LIMITS}/{name}").data)
    return None


def git(root: str) -> Iterator[Finding]:
    """See whether a run could start in this repository, and who would sign its commits."""
    with suppress(OrchdError):  # what is wrong with the settings is told where the agent is looked for
        if settings.load(root).git.isolation == "none":
            return
    try:
        repository.survey(root)
        if author.missing(Git(root, _SHORT)):
            yield Finding(
                f"git does not know who you are: commits would be signed by {author.NAME}",
                "git config user.name NAME; git config user.email ADDRESS",
            )
    except OrchdError as error:
        yield of_error(error)
