"""What an agent says it has cost, taken for nothing more than what a stranger wrote in a status."""

from typing import Final

_MOST: Final = 2**53


def dollars(said: object) -> float | None:
    """Return an amount in dollars; None for anything that is no such thing."""
    return float(said) if isinstance(said, int | float) and _is_amount(said) else None


def tokens(said: object) -> int | None:
    """Return a number of tokens; None for anything that is no such thing."""
    return said if isinstance(said, int) and _is_amount(said) else None


def _is_amount(said: float) -> bool:
    return not isinstance(said, bool) and 0 <= said < _MOST
