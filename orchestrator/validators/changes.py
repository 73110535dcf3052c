"""What the working tree changed, asked of git's own program: this room knows no git."""

import os
import sys
from typing import Final

from orchestrator.core.text import first_line
from orchestrator.errors import CommandFailed
from orchestrator.host import process

MODULE: Final = "orchestrator.git.changed"


def since(folder: str, base: str) -> frozenset[str]:
    """Return the files below ``folder`` that differ from where its branch left ``base``, new ones included.

    Raises :class:`CommandFailed` where git cannot say.
    """
    ended = process.run((sys.executable, "-P", "-m", MODULE, base), cwd=folder)
    if ended.status != 0:
        said = first_line(ended.stderr.decode("utf-8", "backslashreplace"))
        raise CommandFailed(f"what changed is not known: {said or f'status {ended.status}'}", status=ended.status)
    return frozenset(os.fsdecode(each) for each in ended.stdout.split(b"\0") if each)
