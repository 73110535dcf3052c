"""The one door to the ``git`` command: argv lists, a scrubbed environment, a deadline.

Whatever git answers is a value here: an exit status, a text, a list of names. Names of files come as
``os.fsdecode`` gives them and are made visible by whoever shows them; messages are already safe to
show and hold no password.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from orchestrator.core.text import first_line, visible
from orchestrator.errors import CommandFailed, GitRefused
from orchestrator.git.objects import COMMAND, Objects
from orchestrator.host import process
from orchestrator.host.dialogue import Dialogue
from orchestrator.host.process import Finished

OLDEST: Final = (2, 38)

_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
_USER_IN_URL: Final = re.compile(r"(\w[\w+.-]*://)[^/\s?#]*@")

# What a person sets to say who they are and how the remote is reached; all the rest of GIT_* says in which
# repository, with which index, or how the command around us was called, and would lead ours astray.
_KEPT: Final = re.compile(
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_CAINFO|SSL_CAPATH|SSL_NO_VERIFY|PROXY_SSL_CAINFO|HTTP_PROXY_AUTHMETHOD"
    r"|ALLOW_PROTOCOL|EXEC_PATH|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)"
    r"|(AUTHOR|COMMITTER)_(NAME|EMAIL))\Z"
)
_SET: Final = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}

# No background process of git may outlive our call. Messages are written and read as UTF-8, their trailers as ours are;
# and nothing is said beside what is asked for.
_ALWAYS: Final = (
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "i18n.commitEncoding=UTF-8"),
    *("-c", "i18n.logOutputEncoding=UTF-8"),
    *("-c", "trailer.separators=:"),
    *("-c", "log.showSignature=false"),
    *("-c", "color.ui=false"),
)
_MARKS: Final = ("fatal: ", "error: ", "git: ")
_NO_HOOKS: Final = ("-c", "core.hooksPath=/dev/null")


def environment(ours: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return what git gets to see of our environment, with ``more`` on top."""
    kept = {name: value for name, value in ours.items() if not name.startswith("GIT_") or _KEPT.match(name)}
    return {**kept, **_SET, **more}


def with_settings(env: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return what gives git these settings by its environment, after those that ``env`` gives it so."""
    said = env.get("GIT_CONFIG_COUNT", "")
    first = int(said) if said.isdecimal() else 0
    found = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (name, value) in enumerate(settings.items(), first):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def redact(text: str) -> str:
    """Return ``text`` with the user and password of every address in it blotted out."""
    return _USER_IN_URL.sub(r"\1***@", text)


def complaint(finished: Finished) -> str:
    """Return the one line in which git said what was wrong, safe to show."""
    lines = finished.stderr.decode("utf-8", "backslashreplace").splitlines()
    told = next((line for line in lines if line.startswith(_MARKS)), "")
    line = told.partition(": ")[2] or first_line("\n".join(lines)) or first_line(finished.text())
    return visible(redact(line)) or f"status {finished.status}, no message"


class Git:
    """git in one folder. Cheap to make; its only state is the block of :meth:`conversing` that it is in.

    ``timeout`` in seconds bounds every command. ``hooks`` False: the user's hooks are left out, for
    what happens behind the scenes only (private indexes, refs of our own).
    """

    def __init__(self, folder: str, timeout: float = 120.0, *, hooks: bool = True) -> None:
        self.folder = folder
        self._timeout = timeout
        self._options = _ALWAYS if hooks else (*_ALWAYS, *_NO_HOOKS)
        self.objects: Objects | None = None

    def run(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Finished:
        """Run git to its end and return how it ended, whatever its status.

        Raises :class:`GitRefused` when it cannot be started or does not end in time.
        """
        argv = self.argv(*args)
        try:
            given = environment(os.environ, env or {})
            return process.run(argv, cwd=self.folder, env=given, timeout=self._timeout, stdin=stdin)
        except CommandFailed as error:
            raise not_ended(args, error) from error

    def argv(self, *args: str) -> Sequence[str]:
        """Return the command that is run for these words. Raises :class:`GitRefused` where it cannot be."""
        argv = ("git", *self._options, *args)
        if any("\0" in each for each in argv):
            raise GitRefused(f"a name with a NUL character cannot be given to git: {visible(' '.join(args), 80)}")
        if not os.path.isdir(self.folder):
            raise GitRefused(f"the folder {visible(self.folder)} is not there")
        return argv

    @contextmanager
    def conversing(self) -> Iterator[Objects]:
        """Yield what answers for the objects of the repository; within such a block it is the same one, ``objects``."""
        if self.objects is not None:
            yield self.objects
            return
        argv, given = ("git", *self._options, *COMMAND), environment(os.environ, {})
        try:
            dialogue = Dialogue(argv, cwd=self.folder, env=given, timeout=self._timeout)
        except CommandFailed as error:
            raise GitRefused(f"git cat-file: {error.message}", hint=error.hint) from error
        with dialogue:
            self.objects = Objects(dialogue)
            try:
                yield self.objects
            finally:
                self.objects = None

    def raw(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """Return what git printed, or raise :class:`GitRefused` with its complaint for any status but 0."""
        finished = self.run(*args, stdin=stdin, env=env)
        if finished.status != 0:
            raise refusal(finished)
        return finished.stdout

    def out(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """Like :meth:`raw`, as a text without the final newline."""
        return os.fsdecode(self.raw(*args, stdin=stdin, env=env).removesuffix(b"\n"))

    def names(self, *args: str, env: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """Like :meth:`raw`, as the texts between NULs; for commands with ``-z``."""
        return tuple(os.fsdecode(each) for each in self.raw(*args, env=env).split(b"\0") if each)

    def asks(self, *args: str) -> bool:
        """Return True for status 0 and False for 1; anything else is a refusal."""
        finished = self.run(*args)
        if finished.status not in {0, 1}:
            raise refusal(finished)
        return finished.status == 0

    def version(self) -> tuple[int, int]:
        """Return the version of git as (major, minor); (0, 0) where it does not say."""
        found = _VERSION.search(self.out("version"))
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def require_version(self) -> None:
        """Raise :class:`GitRefused` for a git that is too old."""
        version = self.version()
        if version < OLDEST:
            raise GitRefused(
                f"git {version[0]}.{version[1]} is too old",
                hint=f"install git {OLDEST[0]}.{OLDEST[1]} or later: it merges without touching a checkout",
            )


def not_ended(args: Sequence[str], error: CommandFailed) -> GitRefused:
    """Return the error for a command that could not be started, or was ended; its streams come without passwords."""
    words = visible(" ".join(args[:2]), 40)
    told = [redact(each) for each in (error.stdout, error.stderr)]
    return GitRefused(f"git {words}: {error.message}", hint=error.hint, stdout=told[0], stderr=told[1])


def refusal(finished: Finished, *, hint: str = "") -> GitRefused:
    """Return the error for a command that ended badly; its streams come without passwords."""
    return GitRefused(
        f"git: {complaint(finished)}",
        hint=hint,
        status=finished.status,
        stdout=redact(finished.text()),
        stderr=redact(finished.stderr.decode("utf-8", "backslashreplace")),
    )
