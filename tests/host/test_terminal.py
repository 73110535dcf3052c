"""The terminal, seen from where there is none; with one: tests/cli/test_claim_terminal.py."""

import subprocess
import sys

import pytest

from tests.processes import environment

LEADS = """
import os, signal
from orchestrator.host import terminal
before, handler = os.getpgrp(), signal.getsignal(signal.SIGTSTP)
with terminal.leading():
    print(before == os.getpid(), os.getpgrp() == os.getpid())
    assert not any(terminal.sends(number) for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM))
    assert signal.getsignal(signal.SIGTSTP) == handler
"""


@pytest.mark.parametrize(("leader", "said"), [(True, "True True\n"), (False, "False True\n")])
def test_without_a_terminal(leader: bool, said: str) -> None:  # noqa: FBT001  # a column of the table
    """We lead a group in the block, whether or not we did before; no signal comes from keys."""
    script = (
        LEADS if leader else f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {LEADS!r}], check=True)"
    )
    argv = [sys.executable, "-c", script]
    ended = subprocess.run(
        argv,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        start_new_session=True,
        timeout=30,
    )
    assert ended.stdout.decode() == said
