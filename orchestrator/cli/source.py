"""A source as the command line takes it: a file of the user's, read whole and parsed."""

import os
from dataclasses import dataclass
from typing import Final

from orchestrator.core.listing import besides
from orchestrator.core.text import visible
from orchestrator.core.track import Plan
from orchestrator.errors import CannotParse, NotFound, NotIndependent, Unreadable
from orchestrator.host import files
from orchestrator.plans import sources

LARGEST: Final = 32 * 1024 * 1024
"""A source of more bytes is not read."""

_FORM: Final = "SOURCE is a roadmap in Markdown, as ROADMAP.md"


@dataclass(frozen=True, slots=True)
class Source:
    """What stands at ``path``, which is absolute and leads through no link."""

    path: str
    plan: Plan

    @property
    def stem(self) -> str:
        """The file's name without its ending: runs are called after it."""
        return os.path.splitext(os.path.basename(self.path))[0]


def read(name: str) -> Source:
    """Read and parse the file ``name``. Raises :class:`NotFound`, or :class:`CannotParse` with the reason."""
    path = os.path.realpath(name)
    shown = visible(name, 200)
    try:
        text = files.read(path, LARGEST).data.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"there is no file '{shown}'", hint=_FORM) from error
    except Unreadable as error:
        raise CannotParse(f"'{shown}' cannot be read: {error.message}", hint=_FORM) from error
    except UnicodeDecodeError as error:
        raise CannotParse(
            f"'{shown}' is not UTF-8: byte {error.start + 1} is wrong", hint="save it as UTF-8"
        ) from error
    return Source(path, sources.read(path, text))


def refusal(source: Source) -> NotIndependent | None:
    """Return why no run of this plan may begin, with the line; None where one may."""
    errors = source.plan.errors
    if not errors:
        return None
    first = errors[0]
    where = visible(os.path.basename(source.path), 200) + (f":{first.line}" if first.line else "")
    return NotIndependent(
        f"{where}: {visible(first.message, 500)}{besides(len(errors))}",
        hint="`orchd plan` shows every finding; mend the source",
    )
