"""What Linux lets a process say about its parent and its children."""

from tests.processes import ended, python

ADOPTS = """
import os
from orchestrator.host import prctl
assert prctl.become_subreaper()
reader, writer = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.close(writer)
        os.read(reader, 1)  # until the first child is gone and nobody else can write
        os._exit(7)
    os._exit(0)
os.wait()
os.close(writer)
pid, status = os.wait()
print(os.waitstatus_to_exitcode(status))
"""

DIES_WITH = """
import os
from orchestrator.host import prctl
us = os.getpid()
for parent, right in ((us, True), (us + 1, False)):
    child = os.fork()
    if child == 0:
        os._exit(prctl.die_with(parent) is not right)
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_subreaper_gets_the_orphans() -> None:
    """A grandchild whose parent has ended is waited for by us."""
    assert ended(python(ADOPTS)) == "7\n"


def test_the_parent_is_checked() -> None:
    """A child whose parent is not the one it had is told so: nobody would kill it any more."""
    assert ended(python(DIES_WITH)) == ""
