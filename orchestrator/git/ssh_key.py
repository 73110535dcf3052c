"""Making an SSH key: never over one that exists, and never seen by others."""

import os
from dataclasses import dataclass
from typing import Final

from orchestrator.core.text import first_line, visible
from orchestrator.errors import CommandFailed, SystemFailure, Unreadable, UnsafeFolder
from orchestrator.host import files, folders, process

SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Made:
    """A key at ``path``; ``new``: it was made just now, else it stood there before. ``public`` is its public line."""

    path: str
    public: str
    new: bool


def make(path: str) -> Made:
    """Make an ed25519 key without a passphrase at ``path`` (absolute) unless something stands there or at its .pub.

    The folder is made 0700, the key 0600. Raises :class:`UnsafeFolder` for a folder that others may write in, and
    :class:`SystemFailure` where there is no ssh-keygen or it cannot do it.
    """
    folder = os.path.dirname(path)
    if os.path.lexists(path) or os.path.lexists(f"{path}.pub"):
        return Made(path, public(path), new=False)
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        _check(folder)
        private = f"{folder}/.orchd-{os.urandom(8).hex()}"
        os.mkdir(private, 0o700)
        try:
            _fill(f"{private}/key")
            new = _placed(f"{private}/key", path)
        finally:
            folders.remove(private)
        return Made(path, public(path), new=new)
    except OSError as error:
        raise files.failure(error, f"no key can be made at {visible(path)}") from error


def _check(folder: str) -> None:
    facts = os.stat(folder)
    if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
        where = visible(folder)
        raise UnsafeFolder(f"others may write in {where}", hint=f"chmod 700 {where}; it must be your own")


def _fill(path: str) -> None:
    argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)  # an empty passphrase is no secret
    try:
        ended = process.run(argv, cwd="/", timeout=SECONDS)
    except CommandFailed as error:
        raise SystemFailure(error.message, hint="install openssh-client") from error
    if ended.status != 0:
        raise SystemFailure(f"ssh-keygen: {first_line(ended.stderr.decode('utf-8', 'backslashreplace'))}")
    os.chmod(path, 0o600)


def _placed(made: str, path: str) -> bool:
    """Put both halves in their places; False where somebody else's key came to stand there meanwhile."""
    placed = []
    try:
        for source, target in ((f"{made}.pub", f"{path}.pub"), (made, path)):
            os.link(source, target, follow_symlinks=False)
            placed.append(target)
    except FileExistsError:
        for each in placed:
            files.remove(each)
        return False
    return True


def public(path: str) -> str:
    """Return the public line that stands beside a key, safe to show; empty where there is none to be read."""
    try:
        return first_line(files.read(f"{path}.pub").data.decode("utf-8", "backslashreplace"), 20_000)
    except (OSError, Unreadable):
        return ""
