"""A lock as the command line shows it."""

from orchestrator.claims import Seen
from orchestrator.core.claim import Claim
from orchestrator.host import clock

SECOND_NS = 1_000_000_000


def fields(seen: Seen, now_ns: int) -> dict[str, object]:
    """Return a lock in the form of ``orchd locks --json``; ``now_ns`` is the wall clock's time.

    A lock of another writer has no owner, host, run, attempt or fence; its time is that of its file.
    """
    record = seen.record
    claim = record if isinstance(record, Claim) else None
    written = seen.written_ns
    return {
        "track": seen.track,
        "path": seen.path,
        "state": seen.verdict.state,
        "why": seen.verdict.why,
        "owner": claim.owner if claim else None,
        "pid": record.pid,
        "host": claim.host if claim else None,
        "run": claim.run if claim else None,
        "attempt": claim.attempt if claim else None,
        "fence": seen.fence,
        "token": seen.token,
        "claimed_at": claim.claimed_at if claim else clock.iso(written) if written else None,
        "age_seconds": round(max(0, now_ns - written) / SECOND_NS, 3) if written else None,
    }
