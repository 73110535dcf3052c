"""How many dependencies a plan may have."""

from typing import Final

from orchestrator.errors import CannotParse

MOST_DEPENDENCIES: Final = 5_000_000


class Budget:
    """Counts dependencies, so that a text that multiplies them is refused before it fills the memory."""

    def __init__(self) -> None:
        self._left = MOST_DEPENDENCIES

    def spend(self, number: int) -> None:
        """Count ``number`` more; raises :class:`CannotParse` where that is more than anybody can use."""
        self._left -= number
        if self._left < 0:
            raise CannotParse(
                f"the tracks wait for each other in more than {MOST_DEPENDENCIES} ways",
                hint="split the plan, or let groups wait for groups",
            )
