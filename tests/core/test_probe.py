"""Which track to merge next when some are in each other's way."""

import pytest

from orchestrator.core.probe import Clash, first

A_B = Clash("a", "b", ("f",))
B_C = Clash("b", "c", ("f",))
B_D = Clash("d", "b", ("f",))
A_MAIN = Clash("a", "main", ("f",))


@pytest.mark.parametrize(
    ("finished", "clashes", "coming", "chosen"),
    [
        ([], [], [], None),
        (["b", "a"], [], ["a", "b"], "b"),
        (["b", "a"], [A_B, B_C], ["a", "b", "c"], "a"),
        (["b", "a"], [A_B, B_C], ["a", "b"], "b"),
        (["a", "b"], [A_B, B_C, B_D], ["a", "b", "c", "d"], "a"),
        (["a", "b"], [A_MAIN], ["a", "b"], "a"),
    ],
    ids=["none", "as they finished", "fewest", "only those to come count", "both directions", "what is merged is over"],
)
def test_first(finished: list[str], clashes: list[Clash], coming: list[str], chosen: str | None) -> None:
    """The one in the way of the fewest that are still to come, and of several the one that finished first."""
    assert first(finished, clashes, coming) == chosen
