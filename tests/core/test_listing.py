"""Many things in one line."""

import pytest

from orchestrator.core.listing import besides, some


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c", "d"], "a, b and 2 more"),
        (["\x1b[31m"], "\\x1b[31m"),
    ],
)
def test_some(names: list[str], said: str) -> None:
    """The first are named, escaped, and the others counted."""
    assert some(names, 2) == said


def test_a_name_that_is_very_long_is_cut() -> None:
    """One name does not fill the line."""
    assert len(some(["x" * 1000], 2)) <= 80


@pytest.mark.parametrize(("count", "said"), [(0, ""), (1, ""), (2, " (and 1 more)"), (9, " (and 8 more)")])
def test_besides(count: int, said: str) -> None:
    """Only where there is more than one."""
    assert besides(count) == said
