"""How often something costly is done, and how often the same complaint is made."""

from typing import Final

COMPLAIN_EVERY: Final = 60.0
MOST_COMPLAINTS: Final = 1000


class Pace:
    """At least ``every`` seconds lie between two times, and more where it takes more than a ``share`` of the time.

    Times are monotonic seconds.
    """

    def __init__(self, every: float, share: float) -> None:
        self._every = every
        self._share = share
        self.due = 0.0

    def took(self, start: float, end: float) -> None:
        """It was done from ``start`` to ``end``."""
        self.due = end + max(self._every, (end - start) / self._share)


class Complaints:
    """Lets each complaint pass once a minute. Knows the newest MOST_COMPLAINTS."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def passes(self, what: str, now: float) -> bool:
        """Tell whether this is to be said now."""
        if now < self._next.get(what, now):
            return False
        if len(self._next) >= MOST_COMPLAINTS:
            self._next.clear()
        self._next[what] = now + COMPLAIN_EVERY
        return True
