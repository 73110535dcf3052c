"""A process that does one thing with a track and says what came of it, for tests of what happens on its way."""

import subprocess
from pathlib import Path

from tests.processes import python

SCRIPT = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
from orchestrator.errors import OrchdError

root, act, token = sys.argv[1:]
store = FileClaims(root, wait=2.0)
try:
    if act == "claim":
        print(type(store.claim(Wanted("t", "child", os.getpid()))).__name__)
    elif act == "reap":
        print(type(store.reap("t")).__name__)
    else:
        print(type(getattr(store, act)("t", token)).__name__)
except OrchdError as error:
    print(f"{error.code}: {error.message}")
"""


def start(root: Path, act: str, failpoint: str, token: str = "") -> subprocess.Popen[str]:
    """Start a process that claims, releases, breaks or reaps the track "t"; it prints the kind of its answer."""
    return python(SCRIPT, str(root), act, token, failpoint=failpoint)
