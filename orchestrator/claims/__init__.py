"""Claims of tracks: who works on what. The store's contract is :class:`orchestrator.claims.store.ClaimStore`."""

from orchestrator.claims.files import FileClaims
from orchestrator.claims.store import ClaimStore, Kept, Lost, Removed, Seen, Wanted, Won

__all__ = ["ClaimStore", "FileClaims", "Kept", "Lost", "Removed", "Seen", "Wanted", "Won"]
