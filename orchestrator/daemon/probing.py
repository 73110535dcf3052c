"""Looking for conflicts between the tracks of a run while they are worked on, every so often, in a thread."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from functools import partial
from typing import Final

from orchestrator.core import isolation
from orchestrator.core.probe import Clash
from orchestrator.core.run import RunRecord
from orchestrator.core.standing import Standing
from orchestrator.core.states import ACTIVE
from orchestrator.git import probe, refs, repository
from orchestrator.git.probe import Side
from orchestrator.host import clock
from orchestrator.state import ahead
from orchestrator.state.ahead import Ahead
from orchestrator.state.layout import Layout

FIRST: Final = 5.0
"""Seconds after which tracks that run together are first looked at."""

EVERY: Final = 30.0
"""Seconds between two looks."""

SHARE: Final = 20.0
"""The time between two looks is at least so many times what one took."""

Answer = tuple[tuple[Clash, ...], float]


class Probes:
    """The conflicts that are ahead in a run. ``clashes`` is what was seen last, ``due`` when (monotonic s) to look."""

    def __init__(self) -> None:
        self.clashes: tuple[Clash, ...] = ()
        self.due: float | None = None
        self._looking: Future[Answer] | None = None

    def turn(self, layout: Layout, standing: Standing, threads: Executor) -> None:
        """Take in what was seen, and look again where that is due: while two or more tracks are under way."""
        self._collect(standing.now)
        under_way = [] if isolation.together(standing.options) else _under_way(standing)
        if len(under_way) < 2:
            self.due = None
            return
        if self.due is None:
            self.due = standing.now + FIRST
        if standing.now >= self.due and self._looking is None:
            self.due = standing.now + EVERY
            self._looking = threads.submit(partial(look, layout, standing.run.record, under_way))

    def _collect(self, now: float) -> None:
        if self._looking is None or not self._looking.done():
            return
        looked, self._looking = self._looking, None
        if not looked.cancelled() and looked.exception() is None:  # what could not be seen now is seen the next time
            self.clashes, took = looked.result()
            self.due = now + max(EVERY, SHARE * took)


def _under_way(standing: Standing) -> list[str]:
    states = standing.states.items()
    return [agent_id for agent_id, state in states if state.where in ACTIVE or state.where == "committed"]


def look(layout: Layout, record: RunRecord, agents: Sequence[str]) -> Answer:
    """Look at the tracks of these agents, and at what is merged; note what was seen, and return it with the seconds.

    Raises ``GitRefused``, ``GuardBusy`` and ``SystemFailure``.
    """
    begun = clock.steady()
    repo = repository.survey(layout.root, record.target_branch, remote=False)
    tracks = [record.find(each) for each in agents]
    sides = [Side(each.track, refs.head(each.branch), each.worktree) for each in tracks]
    found = probe.conflicts(repo, [*sides, Side(record.target_branch, refs.head(record.target_branch))])
    clashes = tuple(Clash(*each) for each in found)
    ahead.write(layout.run(record.run), Ahead(clock.iso(), clashes))
    return clashes, clock.steady() - begun
