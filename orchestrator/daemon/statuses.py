"""The status files below one root: what each worker says, what changed, and what is wrong.

Every folder of ``runtime/parallel`` counts, also one that no run of ours made: any worker may take part by
writing its file there.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from orchestrator.claims import Seen
from orchestrator.core.name import is_name
from orchestrator.core.status import Status
from orchestrator.errors import OrchdError
from orchestrator.state import scan
from orchestrator.state.layout import Layout, RunLayout
from orchestrator.state.status import keep_superseded

Journal = Callable[[str, Mapping[str, object]], None]


class Statuses:
    """The status files of one run. Parses only what changed since the last look."""

    def __init__(self, paths: RunLayout) -> None:
        self._paths = paths
        self._known: Mapping[str, scan.Known] = {}
        self.found: Mapping[str, Status] = {}
        self.problems: tuple[scan.Problem, ...] = ()
        self.superseded: tuple[str, ...] = ()

    def read(self, claims: Mapping[str, Seen]) -> Mapping[str, Status]:
        """Look again; return the last status believed of each agent."""
        answer = scan.scan_statuses(self._paths, self._known, fences(claims))
        self._known = answer.known
        self.found, self.problems, self.superseded = answer.statuses, answer.problems, answer.superseded
        return self.found


class StatusSensor:
    """The status files of all runs that have not ended. Journals what changed, keeps aside what is superseded."""

    def __init__(
        self, layout: Layout, journal: Journal, follow: Callable[[str], None], forget: Callable[[str], None]
    ) -> None:
        self.runs: dict[str, Statuses] = {}
        self._layout = layout
        self._journal = journal
        self._follow = follow
        self._forget = forget

    def rescan(self, claims: Mapping[str, Seen]) -> set[str]:
        """Look at every folder again; return the runs in which something changed."""
        names = set(live_runs(self._layout))
        for run in set(self.runs) - names:
            self._forget(self._layout.run(run).folder)
            del self.runs[run]
        for run in names - set(self.runs):
            self._follow(self._layout.run(run).folder)
            self.runs[run] = Statuses(self._layout.run(run))
        return self.refresh(names, claims)

    def refresh(self, runs: Iterable[str], claims: Mapping[str, Seen]) -> set[str]:
        """Look at these runs again; return those in which something changed."""
        return {run for run in runs if run in self.runs and self._changed(run, self.runs[run], claims)}

    def _changed(self, run: str, statuses: Statuses, claims: Mapping[str, Seen]) -> bool:
        before, problems = statuses.found, set(statuses.problems)
        after = statuses.read(claims)
        for agent_id in sorted(after):
            if _gist(after[agent_id]) != _gist(before.get(agent_id)):
                self._journal("status.changed", {"run": run, "agent_id": agent_id, **_fields(after[agent_id])})
        for each in statuses.problems:
            if each not in problems:
                self._journal("status.problem", {"run": run, "path": each.path, "reason": each.reason})
        self._keep_aside(run, statuses, claims)
        return after != before

    def _keep_aside(self, run: str, statuses: Statuses, claims: Mapping[str, Seen]) -> None:
        for agent_id in statuses.superseded:
            said = statuses.found.get(agent_id)
            fence = fences(claims).get(str(said.track)) if said is not None else None
            with suppress(OrchdError):
                keep_superseded(self._layout.run(run), agent_id, fence or 0)


def fences(claims: Mapping[str, Seen]) -> dict[str, int]:
    """Return the fence of every claim that has one, by track."""
    return {track: seen.fence for track, seen in claims.items() if seen.fence is not None}


def live_runs(layout: Layout) -> list[str]:
    """Return the names of the folders of runs that have no report yet, sorted."""
    try:
        names = os.listdir(layout.parallel)
    except OSError:
        return []
    return sorted(
        name
        for name in names
        if is_name(name) and os.path.isdir(layout.run(name).folder) and not os.path.lexists(layout.run(name).metrics)
    )


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


def _gist(status: Status | None) -> Mapping[str, object]:
    return {} if status is None else _fields(status)
