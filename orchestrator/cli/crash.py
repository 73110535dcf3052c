"""The full report of a bug, in a file that only its owner may read."""

import os
import platform
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress

from orchestrator import __version__
from orchestrator.cli import root as roots
from orchestrator.core.text import visible
from orchestrator.errors import OrchdError
from orchestrator.host import clock, files
from orchestrator.logs import redact
from orchestrator.state.layout import Layout


def report(error: BaseException, arguments: Sequence[str]) -> tuple[str, str]:
    """Write the report of ``error``; return what it is and where the report is, a line each, without secrets."""
    data = redact(_text(error, arguments)).encode("utf-8", "backslashreplace")
    return redact(f"a bug in orchd: {type(error).__name__}: {error}"), _kept(data, arguments)


def _kept(data: bytes, arguments: Sequence[str]) -> str:
    """Write the report where it may go and return the line that says where."""
    name = f"{clock.iso().replace(':', '')}-{os.getpid()}.txt"
    for folder in _folders(arguments):
        with suppress(OSError, OrchdError):
            files.ensure_folder(folder)
            path = os.path.join(folder, name)
            os.close(files.create(path, data))
            return f"the full report is in {visible(path, 500)}: please send it to the authors"
    return "the full report could not be written anywhere: no space, or no folder that may be written"


def _folders(arguments: Sequence[str]) -> Iterator[str]:
    """Yield where a report may go: below the root, else a private folder for temporary files."""
    with suppress(OrchdError):
        yield f"{Layout(roots.find(_named_root(arguments))).runtime}/crash"
    yield os.path.join(os.environ.get("TMPDIR") or "/tmp", f"orchd-{os.urandom(8).hex()}")


def _named_root(arguments: Sequence[str]) -> str | None:
    for word, following in zip(arguments, [*arguments, ""][1:], strict=True):
        if word == "--root":
            return following
        if word.startswith("--root="):
            return word.removeprefix("--root=")
    return None


def _text(error: BaseException, arguments: Sequence[str]) -> str:
    facts = (
        f"orchd {__version__}, Python {sys.version.split()[0]}, {platform.platform()}",
        f"at {clock.iso()}",
        f"arguments: {' '.join(visible(each, 200) for each in arguments)}",
    )
    return "\n".join((*facts, "", *traceback.format_exception(error)))
