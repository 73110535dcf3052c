"""What ssh would do for git, asked of ssh itself: which command, which settings, which keys, which agent.

Nothing here connects anywhere, and no private key is read by us.
"""

import os
import re
import shlex
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.address import Address
from orchestrator.core.text import first_line
from orchestrator.errors import CommandFailed
from orchestrator.git.command import Git, environment
from orchestrator.host import process
from orchestrator.host.process import Finished

SECONDS: Final = 10.0

_SHELL: Final = re.compile(r"[;&|<>$`\\\n*?(){}!#]")
_LISTED: Final = re.compile(r"\d+ (\S+) .*?\(([A-Za-z0-9-]+)\)")
_NAMES: Final = re.compile(r"id_[A-Za-z0-9_-]{1,40}\Z")
_MOST: Final = 40
_ALONE: Final = ("ControlMaster=no", "ControlPath=none")
"""A connection that a person opened may be gone at night."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is plainly ssh with options: as git's shell takes it, and as words; ``folder`` is git's."""

    text: str
    words: tuple[str, ...]
    folder: str = "/"


@dataclass(frozen=True, slots=True)
class Settings:
    """What ssh's own settings come to for one host. ``files``: the keys that it offers, existing or not."""

    host: str
    user: str
    port: str
    files: tuple[str, ...]
    agent: str
    strict: str


@dataclass(frozen=True, slots=True)
class Key:
    """A private key. ``kind`` and ``fingerprint`` are empty where ssh-keygen cannot read it.

    ``locked``: it has a passphrase. ``exposed``: others may read it, and ssh leaves it out. ``offered``: ssh would
    try it at the host in question.
    """

    path: str
    kind: str
    fingerprint: str
    locked: bool
    exposed: bool
    offered: bool


def command(git: Git, ours: Mapping[str, str]) -> Command | None:
    """Return the ssh command that git would start; None where it is not plainly ssh. ``ours``: the environment."""
    said = ours.get("GIT_SSH_COMMAND") or git.run("config", "--get", "core.sshCommand").text()
    if not said:
        said = shlex.quote(ours.get("GIT_SSH") or "ssh")
    elif _SHELL.search(said):
        return None
    try:
        words = tuple(map(os.path.expanduser, shlex.split(said)))
    except ValueError:
        return None
    return Command(said, words, git.folder) if words and os.path.basename(words[0]) == "ssh" else None


def quiet(plain: Command, seconds: float) -> str:
    """Return the command for a try: it asks nobody, changes nothing, shows no banner, and gives up in time.

    What the user's own command says first goes first, as ssh has it.
    """
    wait = max(1, int(seconds / 2))
    options = ("BatchMode=yes", f"ConnectTimeout={wait}", "UpdateHostKeys=no", "LogLevel=ERROR", *_ALONE)
    return " ".join([plain.text, *(f"-o {each}" for each in options)])


def settings(plain: Command, address: Address, home: str) -> Settings:
    """Ask ssh what it would do at ``address``. Raises :class:`CommandFailed` where it cannot say."""
    port = ("-p", address.port) if address.port else ()
    ended = _ask((*plain.words, "-G", *port, "--", address.login), os.environ, plain.folder)
    if ended.status != 0:
        said = first_line(ended.stderr.decode("utf-8", "backslashreplace"))
        raise CommandFailed(f"ssh cannot read its settings: {said}", hint="mend what it names, in ~/.ssh/config")
    pairs = [line.partition(" ")[::2] for line in os.fsdecode(ended.stdout).splitlines()]
    told = dict(reversed(pairs))
    files = tuple(_full(value, home) for name, value in pairs if name == "identityfile")
    asked = told.get("identityagent", "")
    agent = os.environ.get("SSH_AUTH_SOCK", "") if asked in {"", "SSH_AUTH_SOCK"} else _full(asked, home)
    return Settings(
        told.get("hostname", address.host),
        told.get("user", address.user),
        told.get("port", address.port),
        files,
        "" if asked == "none" else agent,
        told.get("stricthostkeychecking", ""),
    )


def _full(path: str, home: str) -> str:
    return f"{home}/{path[2:]}" if path.startswith("~/") else path


def keys(home: str, offered: Sequence[str]) -> list[Key]:
    """Return the keys that there are: those that ssh offers, and others named as usual in ``home``'s .ssh."""
    usual = f"{home}/.ssh"
    try:
        names = sorted(each for each in os.listdir(usual) if _NAMES.match(each))
    except OSError:
        names = []
    paths = dict.fromkeys([*offered, *(f"{usual}/{name}" for name in names)])
    return [_key(path, offered=path in offered) for path in list(paths)[:_MOST] if os.path.isfile(path)]


def _key(path: str, *, offered: bool) -> Key:
    found = _LISTED.fullmatch(_first(_ask(("ssh-keygen", "-l", "-f", path), os.environ)))
    # An empty passphrase opens a key that has none.
    opened = _ask(("ssh-keygen", "-y", "-P", "", "-f", path), os.environ)
    exposed = bool(stat.S_IMODE(os.stat(path).st_mode) & 0o077)
    locked = opened.status != 0 and b"passphrase" in opened.stderr
    return Key(path, found[2] if found else "", found[1] if found else "", locked, exposed, offered)


def agent(socket: str) -> tuple[str, ...] | None:
    """Return the fingerprints of the keys that the agent at ``socket`` holds; None where there is no agent."""
    if not socket:
        return None
    ended = _ask(("ssh-add", "-l"), {**os.environ, "SSH_AUTH_SOCK": socket})
    if ended.status not in {0, 1}:
        return None
    rows = (_LISTED.fullmatch(line) for line in os.fsdecode(ended.stdout).splitlines())
    return tuple(row[1] for row in rows if row)


def _ask(argv: Sequence[str], ours: Mapping[str, str], folder: str = "/") -> Finished:
    """Run one of ssh's programs where nobody can be asked for anything."""
    env = environment(ours, {"SSH_ASKPASS_REQUIRE": "never"})
    return process.run(argv, cwd=folder, env=env, timeout=SECONDS)


def _first(ended: Finished) -> str:
    return (os.fsdecode(ended.stdout).splitlines() or [""])[0]
