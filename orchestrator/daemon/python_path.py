"""Programs of our own that run in an agent's worktree, where nothing that the agent wrote may be taken for ours."""

import os
import sys
from collections.abc import Mapping
from typing import Final

_WHERE_PYTHON_LOOKS: Final = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX")


def command(module: str, path: str) -> tuple[str, ...]:
    """Return the command that runs a module of ours on the file at ``path``."""
    return (sys.executable, "-P", "-m", module, path)


def theirs() -> Mapping[str, str]:
    """Return what we were told of where Python looks: what the user's own programs are to find."""
    return {name: os.environ[name] for name in _WHERE_PYTHON_LOOKS if os.environ.get(name)}


def from_here() -> Mapping[str, str]:
    """Return where Python looks as seen from here: in the worktree, ``.`` would be the agent's own code."""
    return {
        name: os.pathsep.join(os.path.abspath(each) for each in value.split(os.pathsep))
        for name, value in theirs().items()
    }
