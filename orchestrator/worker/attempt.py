"""One attempt under its claim. The order of its end is the promise: result, then status, then release."""

import os
import traceback
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from orchestrator.claims import ClaimStore, Kept, Won
from orchestrator.core.claim import Opaque
from orchestrator.core.outcome import FAILED, NOT_HELD, OK, SIGNALLED
from orchestrator.core.phase import Job
from orchestrator.core.text import visible
from orchestrator.errors import GuardBusy, OrchdError, Superseded
from orchestrator.host.failpoint import reach
from orchestrator.host.spawn import Program
from orchestrator.state.layout import Layout
from orchestrator.worker.course import Course, Workplace
from orchestrator.worker.log import Log
from orchestrator.worker.loop import Loop
from orchestrator.worker.record import NOT_PARKED, Record
from orchestrator.worker.report import Report

T = TypeVar("T")

_TAKEN: Final = "UNKNOWN: superseded: the claim was freed or taken over by somebody else"
_TOO_LONG: Final = "RESOURCE_ERROR: the phase printed more than 1 GiB"
_BUG: Final = "UNKNOWN: a bug in the worker; its log has the full report"


class Attempt:
    """The work under a claim just won, and everything that is written about it."""

    def __init__(self, job: Job, won: Won, store: ClaimStore, loop: Loop, loaded: Mapping[str, Program]) -> None:
        layout = Layout(job.root)
        paths = layout.run(job.run)
        self._job = job
        self._claim = won.claim
        self._store = store
        self._loop = loop
        self._loaded = loaded
        self._paths = paths
        self._log_path = layout.log(job.track)
        self._log: Log | None = None
        self._record = Record(paths, job, won.claim, self._holds)
        self._report = Report(paths, job, won.claim, self._holds)
        self._course: Course | None = None
        self._noted = ""

    def run(self) -> int:
        """Carry the attempt out, release the claim and return the worker's exit status.

        An attempt that another worker has brought to its end is not carried out again.
        """
        try:
            reach("worker.claimed")
            if self._record.finished():
                self._told(self._record.inherit)
                self._release()
                return OK
            self._log = Log(self._log_path)
            error = self._work(self._log)
        except (OSError, OrchdError) as trouble:
            error = f"RESOURCE_ERROR: {_said(trouble)}"
        except BaseException:
            self._say(traceback.format_exc())
            self._finish(_BUG)
            raise
        return self._finish(error)

    def _work(self, log: Log) -> str:
        """Carry out the phases until one does not pass; return why it did not."""
        log.say(f"attempt {self._job.attempt} of {self._job.track}, fence {self._claim.fence}, worker {os.getpid()}")
        try:
            self._report.begin()
        except GuardBusy as busy:
            self._note(busy)
        self._told(lambda: self._record.write(()))
        self._loop.every(self._job.heartbeat_seconds, self._beat)
        self._loop.every(log.pace, self._watch)
        place = Workplace(
            self._job,
            self._claim,
            self._paths,
            self._loop,
            log,
            self._report,
            self._beat,
            self._heed,
            self._told,
            self._record.write,
            self._loaded,
        )
        self._course = Course(place)
        error = self._course.run()
        if not self._course.survivors:
            log.close_gap()
        return error

    def _holds(self) -> bool:
        """Tell whether the claim is still ours, as far as can be seen."""
        seen = self._store.read(self._claim.track)
        return seen is not None and (seen.token == self._claim.token or isinstance(seen.record, Opaque))

    def _beat(self) -> None:
        """Say that we live. A lost claim ends the attempt."""
        self._as_owner(self._report.beat)

    def _heed(self) -> str:
        """Return the error that the agent has reported. A lost claim ends the attempt."""
        return self._as_owner(self._report.heed) or ""

    def _as_owner(self, step: Callable[[], T]) -> T | None:
        try:
            if self._holds():
                return step()
            self._loop.stop(_TAKEN)
        except Superseded:
            self._loop.stop(_TAKEN)
        except (OSError, OrchdError) as trouble:
            self._note(trouble)
        return None

    def _watch(self) -> None:
        if self._log is not None:
            self._log.bound()
            if self._log.overflows():
                self._loop.stop(_TOO_LONG)

    def _finish(self, error: str) -> int:
        recorded = self._ended(error)
        if self._course is not None and self._course.survivors:
            self._say("the claim is not released: processes of the agent live on")
        elif not self._release():
            self._ended(_TAKEN)
            return NOT_HELD
        if error == self._loop.reason and self._loop.signal is not None:
            return SIGNALLED + self._loop.signal
        return OK if recorded and not error else FAILED

    def _ended(self, error: str) -> bool:
        """Write result and status; tell whether the result was written."""
        phases = self._course.phases if self._course is not None else []
        parked = self._course.parked if self._course is not None else NOT_PARKED
        parked = parked if parked.error == error else NOT_PARKED
        recorded = self._told(lambda: self._record.finish(phases, error, parked, self._report.spent))
        self._told(lambda: reach("worker.result_written"))
        self._told(lambda: self._report.finish(error))
        self._told(lambda: reach("worker.status_final"))
        return recorded

    def _told(self, step: Callable[[], None]) -> bool:
        """Take a step, and tell whether it could be: what the machine refuses keeps nobody from the next one."""
        try:
            step()
        except (OSError, OrchdError) as trouble:
            self._note(trouble)
            return False
        return True

    def _release(self) -> bool:
        """Give the claim back; tell whether it was still ours. Where that fails, our end frees it."""
        try:
            answer = self._store.release(self._claim.track, self._claim.token)
        except (OSError, OrchdError) as trouble:
            self._note(trouble)
            return True
        return not isinstance(answer, Kept) and not answer.again

    def _note(self, trouble: OSError | OrchdError) -> None:
        said = _said(trouble)
        if said != self._noted:
            self._noted = said
            self._say(said)

    def _say(self, text: str) -> None:
        if self._log is not None:
            self._log.say(text)


def _said(trouble: OSError | OrchdError) -> str:
    if isinstance(trouble, OrchdError):
        return trouble.message
    return visible(os.strerror(trouble.errno) if trouble.errno else str(trouble))
