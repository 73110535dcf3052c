"""Judging a run as a whole: its validators look at a private checkout of all that was merged, before it is pushed."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from orchestrator.core.phase import Phase
from orchestrator.core.result import Ending, PhaseResult
from orchestrator.core.run import RunRecord, Validator
from orchestrator.daemon import python_path, watched
from orchestrator.daemon.judging import MODULE
from orchestrator.errors import AgentUnavailable, Unreadable
from orchestrator.git import checkout, rejoin
from orchestrator.git.repository import Repository
from orchestrator.host import clock, files, logfile
from orchestrator.state import verdicts
from orchestrator.state.layout import Layout
from orchestrator.state.status import temp
from orchestrator.state.verdicts import Verdicts
from orchestrator.validators import spec
from orchestrator.validators.spec import Spec
from orchestrator.worker import environment
from orchestrator.worker.verdict import judge


def judged(
    layout: Layout, record: RunRecord, repo: Repository, stop: Callable[[], bool], commit: str | None = None
) -> Verdicts:
    """Return what the validators of the run say of what it would publish, or of ``commit``; asked once for one commit.

    ``stop`` tells whether nobody waits for it any more: then the rest is not asked. Raises ``GitRefused`` where there
    can be no checkout, and ``SystemFailure``.
    """
    paths = layout.run(record.run)
    commit = commit or rejoin.due(repo, record.run)
    asked = [each for each in record.validators if each.after == "run"]
    with suppress(Unreadable):
        before = verdicts.read(paths)
        if before is not None and before.commit == commit and len(before.phases) == len(asked):
            return before
    found: list[PhaseResult] = []
    if asked:
        with checkout.of_commit(repo, f"{paths.private}/merged", commit) as folder:
            asking = _Questioning(layout, record, _source(layout, record, repo), folder, stop)
            found = [asking.ask(each) for each in asked if not stop()]
    said = Verdicts(commit, tuple(found))
    if asked and not stop():
        verdicts.write(paths, said)
    return said


def _source(layout: Layout, record: RunRecord, repo: Repository) -> str:
    """Return where the run's source is from the top of the repository: orchd itself marks tracks done in it."""
    inner = os.path.relpath(record.source, record.root or layout.root)
    return os.path.normpath(os.path.join(os.path.relpath(layout.root, repo.top), inner))


class _Questioning:
    """Where the validators of a run work, one after the other."""

    def __init__(self, layout: Layout, record: RunRecord, source: str, folder: str, stop: Callable[[], bool]) -> None:
        self._paths = layout.run(record.run)
        self._root = layout.root
        self._record = record
        self._source = source
        self._folder = folder
        self._stop = stop

    def ask(self, validator: Validator) -> PhaseResult:
        """Have a validator judge, and end all that it started."""
        phase = self._phase(validator)
        marks = watched.marks(self._root, self._record.run, phase.name)
        log = f"{self._paths.private}/run.{phase.name}.log"
        begun, since = clock.steady(), clock.iso()
        try:
            ending, code, error = self._carry_out(phase, marks, log)
        except AgentUnavailable as refused:
            ending, code, error = "not_started", None, f"RESOURCE_ERROR: {refused.message}"
        how = PhaseResult(
            name=phase.name,
            ending=ending,
            status=code if code is not None and code >= 0 else None,
            signal=-code if code is not None and code < 0 else None,
            started_at=since,
            ended_at=clock.iso(),
            seconds=round(clock.steady() - begun, 3),
            cpu_seconds=0.0,
            peak_memory_bytes=0,
            error=error,
            kind="validator",
        )
        said = judge(phase, how, logfile.end_of(log))
        return replace(how, verdict=said.verdict, report=said.report, error=said.error)

    def _phase(self, validator: Validator) -> Phase:
        if validator.kind == "command":
            return Phase(validator.name, validator.argv, validator.timeout_seconds)
        own = (self._source,) if validator.kind == "diff" else ()
        kind: spec.Kind = "diff" if validator.kind == "diff" else "artifacts"
        wanted = Spec(kind, self._record.base, (*validator.paths, *own))
        path = f"{self._paths.private}/run.{validator.name}.spec.json"
        files.publish(path, spec.encode(wanted), temp(self._paths))
        argv = python_path.command(MODULE, path)
        return Phase(validator.name, argv, validator.timeout_seconds, env=python_path.from_here())

    def _carry_out(self, phase: Phase, marks: Mapping[str, str], log: str) -> tuple[Ending, int | None, str]:
        """Run a phase to its end; return how it ended, its exit status (negative: the signal), and what was wrong."""
        env = {**environment.of_nobody(os.environ), **phase.env, "MASTER_ISSUE": self._record.run}
        grace = self._record.options.grace_seconds
        command = watched.Command(phase.argv, self._folder, env, marks, log, phase.timeout_seconds, grace)
        return watched.carry_out(command, self._stop)
