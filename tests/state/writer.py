"""A process that writes one status, for tests of what happens when it is killed or stopped on the way."""

import os
import subprocess
import sys
from pathlib import Path

from orchestrator.state.layout import RunLayout

PACKAGE = Path(__file__).parents[2]
SCRIPT = """
import sys
from orchestrator.errors import OrchdError
from orchestrator.state.layout import RunLayout
from orchestrator.state.status import update

folder, agent_id, state, percent = sys.argv[1:]
new = {"status": state, "progress_percentage": int(percent)}
try:
    update(RunLayout(folder), agent_id, lambda now: now | new, fence=7)
except OrchdError as error:
    print(error.message)
    sys.exit(9)
"""


def start(paths: RunLayout, agent_id: str, state: str, percent: int, failpoint: str = "") -> subprocess.Popen[bytes]:
    """Start a process that updates the agent's status; ``failpoint`` is what happens to it."""
    env = {name: os.environ[name] for name in os.environ if not name.startswith("ORCHD_")}
    env |= {"PYTHONPATH": str(PACKAGE)} | ({"ORCHD_FAILPOINT": failpoint} if failpoint else {})
    words = [sys.executable, "-c", SCRIPT, paths.folder, agent_id, state, str(percent)]
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE)
