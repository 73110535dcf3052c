"""What is wanted, checked and turned into the record of a claim that has no fence yet."""

import os
from collections.abc import Callable
from contextlib import suppress

from orchestrator.claims.store import Wanted
from orchestrator.core.claim import LARGEST, Claim, encode, judge
from orchestrator.core.machine import Machine, Sight
from orchestrator.core.name import check_name
from orchestrator.errors import UsageError
from orchestrator.host import clock

Look = Callable[[int], Sight]
"""Tells what the machine says of a pid."""


def check(wanted: Wanted) -> None:
    """Raise ``BadName`` for a track or run that cannot stand in a path."""
    check_name("track", wanted.track)
    if wanted.run:
        check_name("run", wanted.run)


def draft(wanted: Wanted, here: Machine, look: Look) -> Claim:
    """Return the record of ``wanted`` with a new token; ``UsageError`` for a claimant that is not alive.

    Where our start ticks mean nothing outside, none are written: a wrong one would be proof of death.
    """
    sight = look(wanted.pid)
    if sight.seen in ("gone", "zombie") or (wanted.pid < 2 and wanted.pid != os.getpid()):
        raise UsageError(
            f"process {wanted.pid} is not a running worker, so it cannot hold a claim",
            hint="name a living process with --pid",
        )
    return Claim(
        track=wanted.track,
        token=os.urandom(16).hex(),
        fence=0,
        pid=wanted.pid,
        start_ticks=sight.start_ticks if here.ticks_comparable else None,
        boot_id=here.boot_id,
        pidns=here.pidns,
        host_id=here.host_id,
        host=here.host,
        pgid=_led_group(wanted.pid),
        owner=wanted.owner or "unnamed",
        run=wanted.run or None,
        attempt=wanted.attempt,
        claimed_at=clock.iso(),
        note=wanted.note,
    )


def record(claim: Claim) -> bytes:
    """Return the claim as it is written; ``UsageError`` where nobody would read so long a one."""
    encoded = encode(claim)
    if len(encoded) > LARGEST:
        raise UsageError("the owner and note of the claim are too long", hint=f"a lock holds at most {LARGEST} bytes")
    return encoded


def check_alive(claim: Claim, here: Machine, look: Look) -> None:
    """Raise ``UsageError`` if the claimant has ended since the draft was made."""
    if claim.pid == os.getpid():
        return
    if judge(claim, here, look(claim.pid)).state in ("dead", "orphaned"):
        raise UsageError(f"process {claim.pid} ended before it could claim {claim.track}")


def _led_group(pid: int) -> int | None:
    with suppress(OSError):
        return pid if os.getpgid(pid) == pid else None
    return None
