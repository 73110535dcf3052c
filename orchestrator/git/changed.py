"""What a working tree changed: a program of its own, for those who judge the work and know no git.

    python -P -m orchestrator.git.changed COMMIT

Run at the top of a working tree, it prints every file in which that differs from the commit where its branch
left COMMIT: changed, added, deleted and untracked ones, each ended by a NUL; ignored files do not count.
Exit status: 0, 1 when git says no (one line on stderr), 64 for wrong words.
"""

import os
import re
import sys
from collections.abc import Sequence
from typing import Final

from orchestrator.core.outcome import FAILED, OK, USAGE
from orchestrator.errors import GitRefused
from orchestrator.git.command import Git

SECONDS: Final = 600.0
"""How long git may take to compare."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}\Z")

# Settings of the user that would leave something out, or name it otherwise.
_PLAINLY: Final = ("--no-relative", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")


def changed(git: Git, base: str) -> tuple[str, ...]:
    """Return every file that differs from where the branch left ``base``, sorted; raises :class:`GitRefused`."""
    differing = git.names("diff", "--name-only", *_PLAINLY, "-z", "--merge-base", base, "--")
    untracked = git.names("ls-files", "--others", "--exclude-standard", "-z")
    return tuple(sorted({*differing, *untracked}))


def main(arguments: Sequence[str]) -> int:
    """Print what changed; return the exit status."""
    if len(arguments) != 1 or not _COMMIT.match(arguments[0]):
        sys.stderr.write("usage: python -m orchestrator.git.changed COMMIT\n")
        return USAGE
    try:
        names = changed(Git(os.getcwd(), SECONDS), arguments[0])
    except GitRefused as error:
        sys.stderr.write(f"{error.message}\n")
        return FAILED
    sys.stdout.buffer.write(b"".join(os.fsencode(each) + b"\0" for each in names))
    sys.stdout.buffer.flush()
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
