"""The bound on dependencies."""

import pytest

from orchestrator.errors import CannotParse
from orchestrator.plans.budget import MOST_DEPENDENCIES, Budget


def test_what_is_within_the_bound_passes() -> None:
    """Up to the last one, and not one more."""
    budget = Budget()
    budget.spend(MOST_DEPENDENCIES - 1)
    budget.spend(1)
    with pytest.raises(CannotParse, match="in more than"):
        budget.spend(1)
