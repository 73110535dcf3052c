"""The CPU time of our descendants."""

from typing import Final

from tests.processes import ended, python

BURN: Final = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()\n"
COUNTS: Final = """
import subprocess, sys
from orchestrator.host import cputime
assert cputime.of_descendants() == 0
child = subprocess.Popen(["sh", "-c", '"$0" -c "$1"; true', sys.executable, sys.argv[1]], stdin=-1, stdout=-1)
child.stdout.readline()
living = cputime.of_descendants()
assert 0.19 <= living < 5, living
child.communicate(b"\\n")
assert cputime.of_descendants() >= living - 0.02
"""


def test_living_and_ended() -> None:
    """What a child of a child used counts while it lives, and after it was waited for."""
    ended(python(COUNTS, BURN))
