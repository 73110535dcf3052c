"""The status files below one root: what each worker says, what changed, and what is wrong.

Every folder of ``runtime/parallel`` counts, also one that no run of ours made: any worker may take part by
writing its file there.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from orchestrator.claims import Seen
from orchestrator.core.name import is_name
from orchestrator.core.status import Status
from orchestrator.core.text import visible
from orchestrator.daemon.pace import Pace
from orchestrator.errors import OrchdError
from orchestrator.host import clock
from orchestrator.state import scan
from orchestrator.state.endings import Endings
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import keep_superseded

Journal = Callable[[str, Mapping[str, object]], None]

PACE: Final = 0.02
"""Seconds between two looks at status files that change all the time."""

SHARE: Final = 0.3

MOST_TOLD: Final = 500
"""So many bad files are journaled after one look."""

HIGHER_THAN_ANY: Final = 2**63
"""A fence: the scan has said already that the file's is too low."""


class Statuses:
    """The status files of one run. Parses only what changed since the last look."""

    def __init__(self, paths: RunLayout) -> None:
        self._paths = paths
        self._known: Mapping[str, scan.Known] = {}
        self.found: Mapping[str, Status] = {}
        self.problems: tuple[scan.Problem, ...] = ()
        self.superseded: tuple[str, ...] = ()

    def read(self, claims: Mapping[str, Seen], only: Collection[str] | None = None) -> Mapping[str, Status]:
        """Look again, at all files or at those of some agents only; return the last status believed of each agent."""
        answer = scan.scan_statuses(self._paths, self._known, fences(claims), only)
        if only is not None:
            answer = replace(answer, problems=(*answer.problems, *self._others()))
        if answer.known != self._known:
            self.found = answer.statuses
        self._known, self.problems, self.superseded = answer.known, answer.problems, answer.superseded
        return self.found

    def let_go(self, agents: Collection[str]) -> None:
        """Keep what these agents said no longer, only how to tell when one of their files is another one."""
        if not any(agent_id in agents for agent_id in self.found):
            return
        self._known = {
            agent_id: scan.Known(each.key) if agent_id in agents and each.is_settled else each
            for agent_id, each in self._known.items()
        }
        self.found = {agent_id: each.status for agent_id, each in self._known.items() if each.status is not None}

    def _others(self) -> Iterator[scan.Problem]:
        """Yield what was wrong beside the files of a status; that is seen again when all is looked at."""
        ours = {each.problem for each in self._known.values()}
        return (each for each in self.problems if each not in ours)


class StatusSensor:
    """The status files of all runs that have not ended. Journals what changed, keeps aside what is superseded.

    However often they change, they are looked at no more often than PACE, and take no more than SHARE of the time.
    """

    def __init__(
        self, layout: Layout, journal: Journal, follow: Callable[[str], None], forget: Callable[[str], None]
    ) -> None:
        self.runs: dict[str, Statuses] = {}
        self._layout = layout
        self._journal = journal
        self._follow = follow
        self._forget = forget
        self._changed: dict[str, set[str] | None] = {}
        self._pace = Pace(PACE, SHARE)
        self._endings = Endings()

    def changed(self, runs: Iterable[str]) -> None:
        """Something changed in these runs; it is looked at when that is due."""
        self._changed |= dict.fromkeys(runs)

    def said(self, run: str, agent_id: str) -> None:
        """The status of an agent changed; that of the others did not."""
        agents = self._changed.setdefault(run, set())
        if agents is not None:
            agents.add(agent_id)

    @property
    def due(self) -> float | None:
        """When (monotonic s) to look at what changed; None: nothing did."""
        return self._pace.due if self._changed else None

    def rescan(self, claims: Mapping[str, Seen]) -> None:
        """Look at every folder again."""
        names = set(live_runs(self._layout, self._endings))
        for run in set(self.runs) - names:
            self._forget(self._layout.run(run).folder)
            del self.runs[run]
        for run in names - set(self.runs):
            self._follow(self._layout.run(run).folder)
            self.runs[run] = Statuses(self._layout.run(run))
        self._changed = {}
        self._look(dict.fromkeys(names), claims)

    def let_go(self, ended: Mapping[str, Collection[str]]) -> None:
        """Keep nothing of what the workers of tracks that have ended said; ``ended`` has their agents by run."""
        for run in ended.keys() & self.runs.keys():
            self.runs[run].let_go(ended[run])

    def look_at(self, runs: Iterable[str], claims: Mapping[str, Seen]) -> None:
        """Look at these runs now: a worker of theirs is gone, and what it said last decides what comes next."""
        known = set(runs) & set(self.runs)
        if known:
            for run in known:
                self._changed.pop(run, None)
            self._look(dict.fromkeys(known), claims)

    def refresh(self, claims: Mapping[str, Seen], now: float) -> None:
        """Look at the runs in which something changed, if that is due."""
        if self._changed and now >= self._pace.due:
            changed, self._changed = self._changed, {}
            self._look({run: agents for run, agents in changed.items() if run in self.runs}, claims)

    def _look(self, changed: Mapping[str, Collection[str] | None], claims: Mapping[str, Seen]) -> None:
        """Look at runs; for each the agents whose status may have changed, None: all of it."""
        start = clock.steady()
        for run in sorted(changed):
            self._take_in(run, changed[run], claims)
        self._pace.took(start, clock.steady())

    def _take_in(self, run: str, only: Collection[str] | None, claims: Mapping[str, Seen]) -> None:
        statuses = self.runs[run]
        before, problems = statuses.found, set(statuses.problems)
        live = _is_live(self._layout.run(run), self._endings)
        after = statuses.read(claims if live else {}, only)  # once a run has ended, others may claim its tracks
        for agent_id, status in after.items():
            was = before.get(agent_id)
            if status is not was and (was is None or _fields(status) != _fields(was)):
                self._journal("status.changed", {"run": run, "agent_id": agent_id, **_fields(status)})
        self._tell(run, [each for each in statuses.problems if each not in problems])
        for agent_id in statuses.superseded:
            self._keep_aside(run, agent_id)

    def _tell(self, run: str, problems: Sequence[scan.Problem]) -> None:
        """Journal what is newly wrong; of a crowd, some, and how many more: each line costs time."""
        for each in problems[:MOST_TOLD]:
            self._journal("status.problem", {"run": run, "path": each.path, "reason": each.reason})
        if len(problems) > MOST_TOLD:
            folder = visible(self._layout.run(run).folder, 500)
            reason = f"{len(problems) - MOST_TOLD} more files that cannot be believed"
            self._journal("status.problem", {"run": run, "path": folder, "reason": reason})

    def _keep_aside(self, run: str, agent_id: str) -> None:
        """Keep what was written under a claim that is over. Where it cannot be kept, the next writing of it is."""
        with suppress(OrchdError):
            kept = keep_superseded(self._layout.run(run), agent_id, HIGHER_THAN_ANY)
            if kept is not None:
                self._journal("status.superseded", {"run": run, "agent_id": agent_id, "path": visible(kept, 500)})


def fences(claims: Mapping[str, Seen]) -> dict[str, int]:
    """Return the fence of every claim that has one, by track."""
    return {track: seen.fence for track, seen in claims.items() if seen.fence is not None}


def live_runs(layout: Layout, endings: Endings) -> list[str]:
    """Return the names of the folders of runs that have not ended, sorted."""
    try:
        names = os.listdir(layout.parallel)
    except OSError:
        return []
    return sorted(name for name in names if is_name(name) and _is_live(layout.run(name), endings))


def _is_live(paths: RunLayout, endings: Endings) -> bool:
    """Tell whether there is a run without its report; where it is none of ours, any file of that name is one."""
    ended = endings.has_ended(paths) if os.path.lexists(paths.record) else os.path.lexists(paths.metrics)
    return not ended and os.path.isdir(paths.folder)


def _fields(status: Status) -> dict[str, object]:
    question = status.needs_input
    return {
        "track": status.track,
        "status": status.status,
        "stage": status.current_stage,
        "percent": status.progress_percentage,
        "needs_input": question.get("question") if question is not None else None,
        "error": status.error,
    }
