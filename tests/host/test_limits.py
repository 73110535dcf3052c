"""How many descriptors we may have, and how many of them for long."""

import pytest

from tests.processes import ended, python

RAISED = """
import resource, sys
from orchestrator.host import limits
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
limits.raise_descriptors()
print(*resource.getrlimit(resource.RLIMIT_NOFILE), limits.holdable())
"""


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "holdable"),
    [(256, 1024, 1024, 896), (1024, 1024, 1024, 896), (64, 64, 64, 16), (100, 200, 200, 72), (20, 20, 20, 5)],
)
def test_as_many_as_the_system_permits(soft: int, hard: int, raised: int, holdable: int) -> None:
    """The soft limit becomes the hard one, which stays; enough are left for everything else."""
    assert ended(python(RAISED, str(soft), str(hard))).split() == [str(raised), str(hard), str(holdable)]


def test_no_more_than_we_can_use() -> None:
    """What we start inherits the limit, so it does not grow without bounds, and a higher one is left alone."""
    code = """
import resource
from orchestrator.host import limits
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
limits.raise_descriptors()
soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
print(soft == (limits.MOST if hard in (-1, resource.RLIM_INFINITY) else min(hard, limits.MOST)))
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
limits.raise_descriptors()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard)
"""
    assert ended(python(code)).split() == ["True", "True"]
