"""What an agent says it has cost."""

import pytest

from orchestrator.core import amounts


@pytest.mark.parametrize(
    ("said", "dollars", "tokens"),
    [
        (0, 0.0, 0),
        (1.5, 1.5, None),
        (12, 12.0, 12),
        (-1, None, None),
        (True, None, None),
        ("1", None, None),
        (None, None, None),
        (float("nan"), None, None),
        (float("inf"), None, None),
        (10**400, None, None),
    ],
)
def test_only_what_can_be_an_amount_is_one(said: object, dollars: float | None, tokens: int | None) -> None:
    """Anything else is unknown, and never zero."""
    assert (amounts.dollars(said), amounts.tokens(said)) == (dollars, tokens)
