"""What the tests of the claims share: who wants a track, and records of owners that never were."""

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.claims import FileClaims, Lost, Wanted, Won
from orchestrator.claims.store import ClaimStore
from orchestrator.core.claim import Claim, encode
from orchestrator.host import files, identity

TOKEN = "0123456789abcdef" * 2


def wanted(track: str = "t", pid: int | None = None, *, owner: str = "me", run: str | None = None) -> Wanted:
    """Return a wish for a track by a process, by default this one."""
    return Wanted(track, owner, os.getpid() if pid is None else pid, run=run)


def won(store: ClaimStore, track: str = "t", pid: int | None = None) -> Claim:
    """Claim a track that must be free and return the claim."""
    answer = store.claim(wanted(track, pid))
    assert isinstance(answer, Won), answer
    return answer.claim


def lost(store: ClaimStore, track: str = "t", pid: int | None = None) -> Lost:
    """Claim a track that must be held and return who holds it."""
    answer = store.claim(wanted(track, pid))
    assert isinstance(answer, Lost), answer
    return answer


def locks(root: Path) -> Path:
    """Return the folder of the locks, made when missing."""
    folder = root / ".orchestrator_locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def lock(root: Path, track: str = "t") -> Path:
    """Return the path of a track's lock."""
    return locks(root) / f"{track}.lock"


def record(pid: int, track: str = "t") -> Claim:
    """Return the claim that a process of this machine would have made, alive or not."""
    here = identity.machine()
    return Claim(
        track=track,
        token=TOKEN,
        fence=3,
        pid=pid,
        start_ticks=identity.start_ticks(pid),
        boot_id=here.boot_id,
        pidns=here.pidns,
        host_id=here.host_id,
        host=here.host,
        pgid=None,
        owner="somebody",
        run=None,
        attempt=None,
        claimed_at="2026-11-20T10:00:00.000Z",
    )


def write(root: Path, claim: Claim, **changes: object) -> Claim:
    """Put a record, with some fields changed, where the lock of its track is."""
    changed = replace(claim, **changes)  # type: ignore[arg-type]  # the names and types stand at each call
    lock(root, changed.track).write_bytes(encode(changed))
    return changed


def debris(root: Path) -> list[str]:
    """Return what a sweep left in the folder of private files."""
    FileClaims(str(root)).sweep()
    return os.listdir(locks(root) / ".d" / "tmp")


def tree(folder: Path) -> Mapping[str, tuple[int, int, bytes]]:
    """Return everything below a folder: path → mode, inode and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        content = files.read(str(path)).data if stat.S_ISREG(facts.st_mode) and facts.st_size < 10_000 else b""
        found[str(path)] = (facts.st_mode, facts.st_ino, content)
    return found
