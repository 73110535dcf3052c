"""What the machine and the other runs leave to one run."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from orchestrator.core.decide import active
from orchestrator.core.facts import Others
from orchestrator.core.run import Limit
from orchestrator.daemon import spending
from orchestrator.daemon.driven import Driven
from orchestrator.host import memory
from orchestrator.state.layout import Layout

MEMORY_EVERY: Final = 1.0
"""Seconds for which the memory that is left is taken to be the same."""

SPENT_EVERY: Final = 30.0
"""Seconds for which the same holds of what other runs have spent."""


class Neighbours:
    """Looks at memory, at other runs under way, and, where the day has a budget, at what others have spent."""

    def __init__(self, layout: Layout, runs: Callable[[], Iterable[str]]) -> None:
        self._layout = layout
        self._runs = runs
        self._memory: int | None = None
        self._memory_due = 0.0
        self._spent: dict[str, Limit] = {}
        self._spent_due = 0.0

    def of(self, driven: Driven, all_driven: Iterable[Driven], now: float) -> Others:
        """Return what is left to a run, as its neighbours were at their last look."""
        others = [each for each in all_driven if each is not driven and each.standing is not None]
        busy: Counter[str] = Counter()
        profiles: Counter[str] = Counter()
        limits = []
        for each in others:
            if each.standing is None:
                continue
            at_work = active(each.standing)
            kind = each.own.record.agent.kind
            busy[kind] += len(at_work)
            profiles.update(track.spec.profile for track in at_work)
            if kind == driven.own.record.agent.kind and each.standing.limited_until is not None:
                limits.append(each.standing.limited_until)
        return Others(busy, profiles, self._memory_left(now), max(limits, default=None), self._spent_today(driven, now))

    def _memory_left(self, now: float) -> int | None:
        if now >= self._memory_due:
            self._memory_due = now + MEMORY_EVERY
            self._memory = memory.available_mb()
        return self._memory

    def _spent_today(self, driven: Driven, now: float) -> Limit:
        if driven.own.record.options.budget.day == Limit():
            return Limit()
        if now >= self._spent_due:
            self._spent_due = now + SPENT_EVERY
            self._spent.clear()
        if driven.run not in self._spent:
            self._spent[driven.run] = spending.today(self._layout, (run for run in self._runs() if run != driven.run))
        return self._spent[driven.run]
