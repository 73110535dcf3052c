"""The workers of runs that this process drives: those that it started, and those it found and can prove to be ours.

A pid out of a file is never signalled for its own sake: its start must be that of the claim and its command
line that of a worker on this very job. What a worker left behind is known by the environment of its phases.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.claims import Seen
from orchestrator.core.claim import Claim
from orchestrator.core.run import RunTrack
from orchestrator.host import children, identity, others
from orchestrator.host.forkserver import Forked
from orchestrator.state.layout import Layout

MODULE: Final = "orchestrator.worker"

Started = children.Detached | Forked
"""A worker that this process started."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look for a worker: its job; and what everything that it starts finds in its environment."""

    job: str
    marks: Mapping[str, str]


def place(layout: Layout, run: str, track: RunTrack) -> Place:
    """Return where to look for the worker of a track."""
    marks = {"ORCHD_ROOT": layout.root, "ORCHD_RUN": run, "ORCHD_TRACK": track.track, "AGENT_ID": track.agent_id}
    return Place(layout.run(run).job(track.agent_id), marks)


class Workers:
    """Workers by job: children of ours, and those that a former process started and that have no claim yet."""

    def __init__(self) -> None:
        self._children: dict[str, Started] = {}
        self._adopted: dict[str, tuple[int, int]] = {}
        self._former: list[Started] = []

    def begin(self, job: str) -> None:
        """Let go of whoever was on ``job``: another attempt begins, of which that one's end says nothing."""
        child = self._children.pop(job, None)
        self._former += [child] if child is not None else []
        self._adopted.pop(job, None)

    def add(self, job: str, child: Started) -> None:
        """Take note of a worker just started on ``job``."""
        self._children[job] = child

    def adopt(self, jobs: Iterable[str]) -> set[str]:
        """Look for workers on these jobs that are under way; return the jobs that have one."""
        running = others.running(MODULE)
        found = {job: running[job] for job in jobs if job in running}
        self._adopted |= found
        return set(found)

    def ended(self) -> dict[str, int | None]:
        """Collect those that ended: job → exit status (negative: the signal; None: of an adopted one nobody knows)."""
        self._former = [each for each in self._former if each.poll() is None]
        statuses: dict[str, int | None] = {
            job: status for job, child in self._children.items() if (status := child.poll()) is not None
        }
        for job in statuses:
            del self._children[job]
        for job in [job for job, process in self._adopted.items() if not _lives(*process)]:
            statuses[job] = None
            del self._adopted[job]
        return statuses

    def ask(self, where: Place, seen: Seen | None) -> None:
        """Ask a worker to end; where it is dead, what it left behind."""
        worker = self._process(where, seen)
        others.ask(dict([worker]) if worker is not None else others.carrying(where.marks))

    def kill(self, where: Place, seen: Seen | None) -> None:
        """End a worker and everything that it started, at once."""
        worker = self._process(where, seen)

        def find() -> others.Found:
            tree = others.tree_of(worker[0]) if worker is not None else {}
            return {**tree, **others.carrying(where.marks)}

        others.kill(find)

    def sweep(self, layout: Layout, run: str) -> None:
        """End whatever agents of a run left behind, wherever it is."""
        marks = {"ORCHD_ROOT": layout.root, "ORCHD_RUN": run, "MASTER_ISSUE": run}
        others.kill(lambda: others.carrying(marks))

    def _process(self, where: Place, seen: Seen | None) -> tuple[int, int] | None:
        """Return pid and start ticks of the worker on a job, if there is one that is provably so."""
        child = self._children.get(where.job)
        if child is not None and child.poll() is None:
            return child.pid, child.start_ticks
        if where.job in self._adopted:
            return self._adopted[where.job]
        if seen is None or seen.verdict.state != "alive" or not isinstance(seen.record, Claim):
            return None
        pid, ticks = seen.record.pid, seen.record.start_ticks
        argv = others.command_line(pid)
        proven = ticks is not None and argv[-3:] == ["-m", MODULE, where.job]
        return (pid, ticks) if proven and ticks is not None else None


def _lives(pid: int, start_ticks: int) -> bool:
    sight = identity.look(pid)
    return sight.start_ticks == start_ticks and sight.seen in ("running", "stopped")
