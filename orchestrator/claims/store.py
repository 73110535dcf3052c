"""What every back end of claims can do. One contract suite runs on all of them.

The records are named tuples: `orchd locks` pays for each class it loads, and these cost half of a dataclass.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from orchestrator.core.claim import Claim, Record, Verdict

Journal = Callable[[str, Mapping[str, object]], None]
"""Receives the name of an event and its fields. It is never the truth: what it cannot write is lost."""


class Wanted(NamedTuple):
    """Who wants a track. ``pid`` must be alive, and stay so for as long as the track is wanted."""

    track: str
    owner: str
    pid: int
    run: str | None = None
    attempt: int | None = None
    note: str = ""


class Seen(NamedTuple):
    """A lock as it was found, with what is known of its owner. ``track`` and ``path`` are safe to show."""

    track: str
    path: str
    record: Record
    verdict: Verdict
    written_ns: int = 0
    inode: int = 0

    @property
    def token(self) -> str:
        """What names exactly this lock."""
        return self.record.token

    @property
    def fence(self) -> int | None:
        """The fence, where the record has one."""
        return self.record.fence if isinstance(self.record, Claim) else None


class Won(NamedTuple):
    """The track is ours until it is released or we are dead."""

    claim: Claim
    path: str
    replaced: Seen | None = None


class Lost(NamedTuple):
    """Another owner holds the track."""

    holder: Seen


class Removed(NamedTuple):
    """The lock with that token is no longer there; ``again``: it had gone before."""

    track: str
    token: str
    why: str
    again: bool = False


class Kept(NamedTuple):
    """The lock stays: not that token's, or its owner not provably dead."""

    track: str
    why: str
    holder: Seen | None = None


class ClaimStore(Protocol):
    """Claims of tracks. Track names are checked by every method: ``BadName``."""

    def claim(self, wanted: Wanted) -> Won | Lost:
        """Take the track, or say who holds it. Frees it first from a provably dead owner."""

    def release(self, track: str, token: str) -> Removed | Kept:
        """Give the track back. Not ours: an answer, not an error."""

    def reap(self, track: str) -> Removed | Kept:
        """Free the track if its owner is provably dead."""

    def break_(self, track: str, token: str) -> Removed | Kept:
        """Free exactly that lock because a person says so, whoever its owner is."""

    def read(self, track: str) -> Seen | None:
        """Return the track's lock, or None where it is free."""

    def list(self) -> "list[Seen]":
        """Return every lock, sorted by track."""

    def last_fence(self, track: str) -> int:
        """Return the greatest fence ever given for the track; 0 for none."""
