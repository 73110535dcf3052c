"""Every error a user can act on, on one page.

Each carries one line that says what is wrong and, where there is one, a ``hint`` with the next
step. Whatever is raised and is not one of these is a bug and is reported as such. Messages are
built from text that has passed :func:`orchestrator.core.text.visible` where it came from outside.
The exit code of each stands in :mod:`orchestrator.core.outcome`.
"""

from collections.abc import Mapping
from typing import ClassVar


class OrchdError(Exception):
    """Base of all of them; never raised itself."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(OrchdError):
    """The words of the command, or a name in them, are off."""

    code = "usage"


class BadName(UsageError):
    """A track, run, agent or profile name that cannot be a file name of ours."""

    code = "bad_name"


class BadSettings(UsageError):
    """orchestrator.toml or an ORCHD_ variable says something that cannot be."""

    code = "bad_settings"


class NotFound(UsageError):
    """The run, track or file named does not exist."""

    code = "not_found"


class Held(OrchdError):
    """Another owner holds the track; ``holder`` is what its record says."""

    code = "held"

    def __init__(self, message: str, *, hint: str = "", holder: Mapping[str, object] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.holder = dict(holder or {})


class NotHeld(OrchdError):
    """The track is not held by the token given."""

    code = "not_held"


class Superseded(OrchdError):
    """A later claim of the track exists; what was written is kept aside."""

    code = "superseded"


class GuardBusy(OrchdError):
    """Another process is inside an operation on the same track and does not come out."""

    code = "guard_busy"


class UnsupportedFilesystem(OrchdError):
    """The folder cannot carry the protocol: no hard links, no flock, or it is on the network."""

    code = "unsupported_filesystem"


class UnsafeFolder(OrchdError):
    """A folder of ours is a link, belongs to somebody else or may be written by others."""

    code = "unsafe_folder"


class SystemFailure(OrchdError):
    """The machine refused: disk full, no permission, too many open files."""

    code = "system"


class NoSpace(SystemFailure):
    """Disk, quota or descriptors ran out."""

    code = "resources"


class Unreadable(OrchdError):
    """A file is not what it should be; ``reason`` says in what way."""

    code = "unreadable"


class CannotParse(OrchdError):
    """The source holds no work that we understand."""

    code = "cannot_parse"


class NotIndependent(OrchdError):
    """The tracks stand in each other's way."""

    code = "not_independent"


class AgentUnavailable(OrchdError):
    """The agent's command is not there or cannot be started."""

    code = "agent_unavailable"


class CommandFailed(OrchdError):
    """A child process ended badly; status and both streams are kept."""

    code = "command_failed"

    def __init__(
        self, message: str, *, hint: str = "", status: int | None = None, stdout: str = "", stderr: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr


class GitRefused(CommandFailed):
    """git said no, or the repository is not in a state that we may work on."""

    code = "git"


class DaemonUnavailable(OrchdError):
    """The daemon cannot be started, or does not answer."""

    code = "daemon"
