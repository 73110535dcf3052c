"""A claim around any command, in the foreground: ``orchd claim TRACK -- CMD``."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.claims import ClaimStore, Kept, Lost, Wanted, Won
from orchestrator.core.outcome import NOT_EXECUTABLE, NOT_HELD, NOT_STARTED, SIGNALLED, exit_of_child
from orchestrator.errors import AgentUnavailable
from orchestrator.host import clock, prctl, signals, spawn, terminal
from orchestrator.worker.command import Command, Execution, Over
from orchestrator.worker.environment import of_claim
from orchestrator.worker.loop import STOPPING, Loop

_AGAIN: Final = 0.05
"""Seconds between two tries to claim a track that is held."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The exit status to pass on, and what a person should know besides; empty: nothing."""

    status: int
    remark: str = ""


def claim_within(store: ClaimStore, wanted: Wanted, seconds: float, pause: Callable[[float], bool]) -> Won | Lost:
    """Claim the track, trying again for at most ``seconds``; ``pause`` waits between two tries, False: give up."""
    deadline = clock.steady() + seconds
    while True:
        answer = store.claim(wanted)
        left = deadline - clock.steady()
        if isinstance(answer, Won) or left <= 0 or not pause(min(left, _AGAIN)):
            return answer


def hold(root: str, store: ClaimStore, wanted: Wanted, argv: Sequence[str], wait: float) -> Finished | Lost:
    """Claim the track for ourselves, run a command on our own streams, end what it leaves behind, release.

    The keys of the terminal reach the command directly and are its own affair. A signal that is sent to us
    is passed on; what lives on after the grace is killed. The status is the command's, 128 + n
    where signal n ended it.
    """
    prctl.become_subreaper()
    with terminal.leading(), signals.Signals((signals.CHILD, *STOPPING)) as events:
        waiting = Loop(events)
        answer = claim_within(store, wanted, wait, lambda seconds: waiting.turn(seconds) and not waiting.reason)
        if isinstance(answer, Lost):
            return answer if waiting.signal is None else Finished(SIGNALLED + waiting.signal)
        loop = Loop(events, lambda number: number in STOPPING and not terminal.sends(number))
        env = {**os.environ, **of_claim(root, answer.claim)}
        try:
            finished = _run(Command(argv, None, env, spawn.Streams(), forward=True), loop)
        finally:
            freed = store.release(wanted.track, answer.claim.token)
        if isinstance(freed, Kept) or freed.again:
            remark = "the claim was freed or taken over by somebody else while the command ran"
            return Finished(finished.status or NOT_HELD, remark)
        return finished


def _run(command: Command, loop: Loop) -> Finished:
    try:
        over = Execution(loop).run(command)
    except AgentUnavailable as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        return Finished(NOT_STARTED if missing else NOT_EXECUTABLE, error.message)
    return Finished(_status(over), _remark(over))


def _status(over: Over) -> int:
    return exit_of_child(-signals.KILL if over.code is None else over.code)


def _remark(over: Over) -> str:
    if not over.clean:
        return f"processes that could not be ended: {', '.join(map(str, over.survivors))}"
    return f"ended what the command left behind, processes: {over.leftovers}" if over.leftovers else ""
