"""The phases of an attempt, one after the other, until one does not pass."""

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from orchestrator.core.phase import Job, Phase
from orchestrator.core.result import Ending, PhaseResult
from orchestrator.core.text import visible
from orchestrator.errors import AgentUnavailable
from orchestrator.host import clock, spawn
from orchestrator.host.spawn import Program
from orchestrator.worker.command import Command, Execution, Over
from orchestrator.worker.ending import timeout_error
from orchestrator.worker.environment import plain
from orchestrator.worker.log import Log
from orchestrator.worker.loop import Loop

_ENDINGS: Final[Mapping[str, Ending]] = {"late": "timed_out", "asked": "cancelled"}


class PhaseRunner:
    """Runs the phases of one job under one loop, with their output in one log.

    ``loaded`` are modules of ours that are here already: a phase that runs one of them is forked and not started.
    ``survivors`` tells whether the last phase left processes behind that could not be ended.
    """

    def __init__(self, job: Job, loop: Loop, log: Log, loaded: Mapping[str, Program]) -> None:
        self._job = job
        self._loaded = loaded
        self._loop = loop
        self._log = log
        self.survivors = False

    def run(self, phase: Phase, env: Mapping[str, str]) -> PhaseResult:
        """Carry out a phase, from its start to its last process, and return how it ended."""
        self._log.say(f"phase {phase.name}: {visible(phase.argv[0], 200)}, at most {plain(phase.timeout_seconds)} s")
        self._log.mark()
        started, since = clock.steady(), clock.iso()
        try:
            with _opened(phase.stdin) as stdin:
                streams = spawn.Streams(stdin, self._log.fd, self._log.fd)
                command = Command(
                    phase.argv,
                    self._job.working_dir,
                    env,
                    streams,
                    phase.timeout_seconds,
                    self._job.grace_seconds,
                    call=self._call(phase.argv),
                )
                over = Execution(self._loop).run(command)
        except AgentUnavailable as error:
            return _not_started(phase, since, f"RESOURCE_ERROR: {error.message}")
        self._log.bound()
        self.survivors = not over.clean
        return self._result(phase, over, since, clock.steady() - started)

    def _call(self, argv: Sequence[str]) -> Callable[[], int] | None:
        """Return what a command does where that is a module which is loaded; None: it has to be started."""
        match tuple(argv):
            case (sys.executable, "-P", "-m", module, *words) if module in self._loaded:
                return partial(self._loaded[module], words)
        return None

    def _result(self, phase: Phase, over: Over, since: str, seconds: float) -> PhaseResult:
        code = over.code
        ended: Ending = "exited" if code is not None and code >= 0 else "signalled"
        hung = over.why == "asked" and self._loop.reason.startswith("TIMEOUT: ")
        return PhaseResult(
            name=phase.name,
            kind=phase.kind,
            ending="timed_out" if hung else _ENDINGS.get(over.why, ended),
            status=code if code is not None and code >= 0 else None,
            signal=-code if code is not None and code < 0 else None,
            started_at=since,
            ended_at=clock.iso(),
            seconds=round(seconds, 3),
            cpu_seconds=round(over.cpu_seconds, 3),
            peak_memory_bytes=over.peak_memory_bytes,
            leftovers=over.leftovers,
            error=self._error(phase, over),
        )

    def _error(self, phase: Phase, over: Over) -> str:
        """What is already known of the reason; what the command itself says of it is not asked here."""
        if not over.clean:
            some = ", ".join(map(str, over.survivors[:10])) or "not shown by this machine"
            return f"RESOURCE_ERROR: processes of phase {phase.name} could not be ended: {some}"
        return {"late": timeout_error(phase), "asked": self._loop.reason, "itself": ""}[over.why]


def _not_started(phase: Phase, since: str, error: str) -> PhaseResult:
    return PhaseResult(
        name=phase.name,
        kind=phase.kind,
        ending="not_started",
        status=None,
        signal=None,
        started_at=since,
        ended_at=clock.iso(),
        seconds=0.0,
        cpu_seconds=0.0,
        peak_memory_bytes=0,
        error=error,
    )


@contextmanager
def _opened(path: str | None) -> Iterator[int]:
    """Open what a phase reads: a regular file, or nothing."""
    try:
        fd = os.open(path or os.devnull, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise AgentUnavailable(
            f"its input {visible(path or '')} cannot be read: {os.strerror(error.errno or 0)}"
        ) from error
    try:
        if path is not None and not stat.S_ISREG(os.fstat(fd).st_mode):
            raise AgentUnavailable(f"its input {visible(path)} is not a file")
        yield fd
    finally:
        os.close(fd)
