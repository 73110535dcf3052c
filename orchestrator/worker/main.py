"""The entry of the worker: one job file, one attempt, one exit status."""

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Final

from orchestrator.claims import FileClaims, Lost, Wanted
from orchestrator.core.outcome import BUG, HELD, OK, REFUSED, USAGE
from orchestrator.core.phase import Job, decode
from orchestrator.core.text import visible
from orchestrator.errors import OrchdError, Unreadable
from orchestrator.host import files, prctl, signals
from orchestrator.host.spawn import Program
from orchestrator.state.journal import Journal
from orchestrator.worker.attempt import Attempt
from orchestrator.worker.loop import STOPPING, Loop

_LARGEST: Final = 64 * 1024 * 1024


def main(arguments: Sequence[str]) -> int:
    """Carry out the attempt that a job file describes; see :func:`carry_out`."""
    return carry_out(arguments, {})


def carry_out(arguments: Sequence[str], loaded: Mapping[str, Program]) -> int:
    """Carry out the attempt that a job file describes. ``loaded`` are modules of ours that it need not start.

    Exit status: 0 passed, or there was nothing to do; 1 failed; 75 another owner has the track; 76 the
    claim was taken from us; 128 + n ended by signal n; 64 no job; 9 the machine refused before
    the claim; 70 a bug.
    """
    if len(arguments) != 1:
        _complain("usage: python -P -m orchestrator.worker JOBFILE")
        return USAGE
    try:
        return _attempt(arguments[0], loaded)
    except Unreadable as error:
        _complain(f"{visible(arguments[0])}: {error.message}")
        return USAGE
    except OrchdError as error:
        _complain(error.message)
        return REFUSED
    except Exception:  # noqa: BLE001  # the end of the line: what gets here is a bug, and its report must not be lost
        _complain(traceback.format_exc())
        return BUG


def _attempt(path: str, loaded: Mapping[str, Program]) -> int:
    job = _read(path)
    prctl.become_subreaper()
    _lead()
    with signals.Signals((signals.CHILD, *STOPPING)) as events:
        store = FileClaims(job.root, journal=Journal(job.root).write)
        won = store.claim(Wanted(job.track, job.owner, os.getpid(), job.run, job.attempt))
        if isinstance(won, Lost):
            _complain(f"{job.track} is held: {won.holder.verdict.why}")
            return HELD
        try:
            newest = _read(path)
        except OrchdError:
            store.release(job.track, won.claim.token)
            raise
        if (newest.track, newest.attempt) != (job.track, job.attempt):
            store.release(job.track, won.claim.token)
            return OK
        return Attempt(newest, won, store, Loop(events, patient=True), loaded).run()


def _read(path: str) -> Job:
    try:
        return decode(files.read(path, _LARGEST).data)
    except FileNotFoundError as error:
        raise Unreadable("there is no such job") from error


def _lead() -> None:
    """Lead a session of our own, unless our starter made us the leader of one, or of a group."""
    if os.getpgrp() != os.getpid():
        os.setsid()


def _complain(text: str) -> None:
    sys.stderr.write(f"orchd worker: {text}\n")
