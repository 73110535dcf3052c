"""Lets one system call after another of an operation on a claim fail, kill or stop it, and looks at what is left.

python -m tests.faults.calls FOLDER ACT FAULT...

Python tells an audit hook of every opening, linking, unlinking, renaming, locking and listing before it does it;
what the hook raises is what the caller gets. Each trial is a fork of this process that has the hook, at the n-th
call of the act. Prints how many trials each fault had, and a line for each thing that is wrong.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrator.claims import FileClaims, Removed, Won
from orchestrator.core.claim import Claim
from orchestrator.errors import GuardBusy, OrchdError
from tests.claims.owners import debris, record, wanted, won, write
from tests.processes import dead

CALLS: Final = frozenset({
    "open", "os.link", "os.remove", "os.rename", "os.mkdir", "os.chmod", "os.listdir", "fcntl.flock",
})  # fmt: skip
ENDED: Final = "killed"
MOST: Final = 200


class Wrong(Exception):
    """Something is not as it should be after a trial."""


class Missed(Exception):
    """The act had ended before it came to that call."""


def _prepare(root: Path, act: str) -> str:
    """Bring the track into the state that the act starts from; return the token of its lock."""
    if act == "first claim":
        return ""
    store = FileClaims(str(root))
    store.release("t", won(store).token)
    if act in ("take-over", "reap"):
        return write(root, record(dead()), start_ticks=1).token
    return won(store).token if act in ("release", "break_", "list") else ""


def _perform(store: FileClaims, act: str, token: str) -> str:
    if act in ("first claim", "claim", "take-over"):
        answer = store.claim(wanted())
        return f"Won {answer.claim.token}" if isinstance(answer, Won) else "Lost"
    if act == "reap":
        return type(store.reap("t")).__name__
    if act == "list":
        return f"listed {len(store.list())} {store.last_fence('t') > 0}"
    return type(getattr(store, act)("t", token)).__name__


def _arm(number: int, strike: Callable[[], None]) -> None:
    """Call ``strike`` before the call of that number from now on."""
    count = [0]

    def hook(event: str, _: object) -> None:
        if event in CALLS:
            count[0] += 1
            if count[0] == number:
                strike()

    sys.addaudithook(hook)


def _strike(fault: str) -> None:
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif fault != "none":
        raise OSError(getattr(errno, fault), os.strerror(getattr(errno, fault)))


def _child(root: Path, act: str, token: str, fault: str, number: int) -> tuple[int, int]:
    """Fork a process that performs the act under the fault; return its pid and the end of its pipe."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    struck: list[int] = []

    def strike() -> None:
        struck.append(number)
        _strike(fault)

    _arm(number, strike)
    try:
        said = _perform(FileClaims(str(root), wait=2.0), act, token)
    except OrchdError as error:
        said = f"refused {error.code}: {error.message}"
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is what the trial is about
        said = f"bug {error!r}"
    os.write(writer, f"{len(struck)} {said}".encode())
    os._exit(0)


def _outcome(pid: int, reader: int) -> str:
    said = os.read(reader, 65536).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    return said or f"1 {ENDED}"


def _rival(root: Path, pid: int) -> str:
    """While the child is stopped: claim the same track and another one; return the token that was won, or nothing."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        raise Missed
    store = FileClaims(str(root), wait=0.0)
    token = ""
    with suppress(GuardBusy):
        answer = store.claim(wanted())
        token = answer.claim.token if isinstance(answer, Won) else ""
    store.release("other", won(store, "other").token)
    os.kill(pid, signal.SIGCONT)
    return token


def _judge(root: Path, act: str, said: str, token: str, rival: str) -> None:
    """Raise :class:`Wrong` if the lock is not what the outcome says, or not the old or the new one whole."""
    seen = FileClaims(str(root)).read("t")
    now = seen.token if seen is not None else ""
    if said.startswith("bug") or (seen is not None and not isinstance(seen.record, Claim)):
        raise Wrong(f"{said}, {seen}")
    if rival:
        right = now == rival and not said.startswith("Won")
    elif act in ("first claim", "claim", "take-over"):
        right = now in _after_claim(said, now, token)
    else:
        right = now in {"Kept": (token,), "Removed": ("",)}.get(said, ("", token))
    if not right:
        raise Wrong(f"{said}, the rival won {rival or 'nothing'}, the lock was {token}, and is {now}")


def _after_claim(said: str, now: str, token: str) -> tuple[str, ...]:
    """Return the tokens that the lock may have after a claim with that outcome."""
    if said.startswith("Won "):
        return (said.removeprefix("Won "),)
    return ("", token, now) if said == ENDED else ("", token)


def _finish(root: Path, token: str) -> None:
    """Raise :class:`Wrong` if the track cannot be freed and had again, or something is left after a sweep."""
    store = FileClaims(str(root))
    seen = store.read("t")
    if seen is not None and seen.verdict.state != "dead" and not isinstance(store.release("t", seen.token), Removed):
        raise Wrong("a retry does not work")
    before = store.last_fence("t")
    claim = won(store)
    if claim.fence <= before or claim.token == token:
        raise Wrong(f"fence {claim.fence} after {before}")
    store.release("t", claim.token)
    left = debris(root)
    if left:
        raise Wrong(f"left over: {left}")


def _trial(root: Path, act: str, fault: str, number: int) -> None:
    """Run one trial; raises :class:`Missed` where there was no such call."""
    root.mkdir()
    token = _prepare(root, act)
    pid, reader = _child(root, act, token, fault, number)
    rival = _rival(root, pid) if fault == "stop" else ""
    struck, _, said = _outcome(pid, reader).partition(" ")
    if struck != "1":
        raise Missed
    _judge(root, act, said, token, rival)
    _finish(root, token)


def main(folder: str, act: str, *faults: str) -> None:
    """Try every call of the act, until one more does not come, with each fault."""
    for fault in faults:
        for number in range(1, MOST):
            try:
                _trial(Path(folder, f"{act}-{fault}-{number}"), act, fault, number)
            except Wrong as wrong:
                sys.stdout.write(f"{fault} at call {number}: {wrong}\n")
            except Missed:
                sys.stdout.write(f"{fault}: {number - 1} trials\n")
                break


if __name__ == "__main__":
    main(*sys.argv[1:])
