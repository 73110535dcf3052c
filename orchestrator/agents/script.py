"""What a scripted agent is told: a TOML text in, checked steps out.

Pure. Everything that is wrong with a script raises :class:`orchestrator.errors.UsageError` with the place
of the step, before any step is carried out.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core.text import visible
from orchestrator.errors import UsageError

Grammar = Mapping[str, frozenset[str]]
"""Each action, and the other keys that a step with it may have."""


@dataclass(frozen=True, slots=True)
class Step:
    """One table of a script. ``place`` says where it stands; each method reads one key, checked."""

    place: str
    action: str
    keys: Mapping[str, object]

    def wrong(self, what: str) -> UsageError:
        """Return the error that says what is wrong with this step."""
        return UsageError(f"{self.place}: {what}")

    def text(self, key: str) -> str:
        """Return a string of any characters."""
        value = self.keys.get(key)
        if not isinstance(value, str):
            raise self.wrong(f"{key} must be a text")
        return value

    def argument(self, key: str) -> str:
        """Return a string that can be a path or an argument of a program."""
        value = self.text(key)
        if "\0" in value:
            raise self.wrong(f"{key} must not hold a NUL character")
        return value

    def argv(self, key: str) -> list[str]:
        """Return a program and its arguments."""
        value = self.keys.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
            raise self.wrong(f"{key} must be a list of texts: a program and its arguments")
        if any("\0" in word for word in value):
            raise self.wrong(f"{key} must not hold a NUL character")
        return list(value)

    def whole(self, key: str, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        value = self.keys.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(f"{key} must be a whole number from {low} to {high}")
        return value

    def seconds(self, key: str) -> float:
        """Return a number of seconds."""
        value = self.keys.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
            raise self.wrong(f"{key} must be a number of seconds")
        return float(value)

    def told(self, key: str) -> None:
        """Check that the key is ``true``; there is no other way to say it."""
        if self.keys.get(key) is not True:
            raise self.wrong(f"{key} can only be true")

    def table(self, key: str, known: frozenset[str]) -> "Step":
        """Return a table within the step, which has some of the ``known`` keys and no others."""
        value = self.keys.get(key)
        if not isinstance(value, dict) or not value:
            raise self.wrong(f"{key} must be a table with some of {', '.join(sorted(known))}")
        strange = [name for name in value if name not in known]
        if strange:
            raise self.wrong(f"{key} knows no '{visible(strange[0], 60)}', only {', '.join(sorted(known))}")
        return Step(f"{self.place}, {key}", self.action, value)


def parse(data: bytes, grammar: Grammar) -> dict[str, list[Step]]:
    """Return the steps of each phase in ``data``."""
    try:
        phases = tomllib.loads(data.decode())
    except RecursionError as error:
        raise UsageError("the script is nested too deeply") from error
    except ValueError as error:
        raise UsageError(f"the script is not TOML: {visible(str(error))}") from error
    return {phase: _steps(visible(phase, 60), steps, grammar) for phase, steps in phases.items()}


def _steps(phase: str, steps: object, grammar: Grammar) -> list[Step]:
    if not isinstance(steps, list):
        raise UsageError(f"'{phase}' is not a list of steps; write [[{phase}]] above each step")
    return [_step(f"{phase} step {number}", step, grammar) for number, step in enumerate(steps, start=1)]


def _step(place: str, table: object, grammar: Grammar) -> Step:
    if not isinstance(table, dict) or not table:
        raise UsageError(f"{place}: not a table with an action; known actions: {', '.join(grammar)}")
    actions = [key for key in table if key in grammar]
    if not actions:
        beside = frozenset[str]().union(*grammar.values())
        strange = next((key for key in table if key not in beside), next(iter(table)))
        raise UsageError(f"{place}: unknown action '{visible(strange, 60)}'; known: {', '.join(grammar)}")
    action = actions[0]
    for key in table:
        if key != action and key not in grammar[action]:
            raise UsageError(f"{place}: '{visible(key, 60)}' does not go with '{action}' in one step")
    return Step(place, action, table)
