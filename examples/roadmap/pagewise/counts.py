"""How often something occurs."""

from collections import Counter
from collections.abc import Iterable


def most_common(words: Iterable[str], number: int) -> list[tuple[str, int]]:
    """Return the most frequent words with their counts; equals in alphabetical order."""
    counted = Counter(words).items()
    return sorted(counted, key=lambda each: (-each[1], each[0]))[:number]


def lengths(words: Iterable[str]) -> dict[int, int]:
    """Return how many words there are of each length, shortest first."""
    return dict(sorted(Counter(len(word) for word in words).items()))
