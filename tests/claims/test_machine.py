"""Both stores give the same answers, whatever happens in whatever order, to owners that are real processes."""

import os
import signal
import subprocess
import tempfile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from orchestrator.claims import FileClaims, Kept, Lost, Removed, Seen, Wanted, Won
from orchestrator.claims.memory import MemoryClaims
from orchestrator.claims.store import ClaimStore
from orchestrator.core.claim import Claim
from orchestrator.errors import UsageError
from tests.processes import is_stopped
from tests.waiting import wait_for

TRACKS = st.sampled_from(["a", "b", "c"])
Tokens = tuple[str, str, str]
"""A track, and the token of one claim of it in each store."""


def facts(seen: Seen | None) -> object:
    """Return what two stores must agree on in a lock."""
    if seen is None:
        return None
    assert isinstance(seen.record, Claim)
    claim = seen.record
    return (seen.track, claim.fence, claim.pid, claim.pgid, claim.owner, claim.run, seen.verdict)


def said(answer: Won | Lost | Removed | Kept) -> object:
    """Return what two stores must agree on in an answer."""
    match answer:
        case Won(claim=claim, replaced=replaced):
            return "won", claim.track, claim.fence, claim.pid, claim.pgid, facts(replaced)
        case Lost(holder=holder):
            return "lost", facts(holder)
        case Removed(track=track, why=why, again=again):
            return "removed", track, why, again
        case Kept(track=track, why=why, holder=holder):
            return "kept", track, why, facts(holder)


def attempt(store: ClaimStore, wish: Wanted) -> Won | Lost | str:
    """Claim, and return the answer or the refusal of a claimant that is not alive."""
    try:
        return store.claim(wish)
    except UsageError as error:
        return error.message


class Stores(RuleBasedStateMachine):
    """Claims, removals and deaths, done to the files and to the memory alike."""

    owners = Bundle("owners")
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self._files = FileClaims(self._folder.name)
        self._memory = MemoryClaims()
        self._children: list[subprocess.Popen[bytes]] = []
        self._fences: dict[str, int] = {}

    def teardown(self) -> None:
        """End all owners."""
        for child in self._children:
            child.kill()
            child.wait()
        self._folder.cleanup()

    @initialize(target=owners)
    def first(self) -> subprocess.Popen[bytes]:
        """There is somebody at the start."""
        return self._start(None)

    def _start(self, group: int | None) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(["sleep", "600"], process_group=group)
        self._children.append(child)
        return child

    @rule(target=owners, leads=st.booleans())
    def start(self, *, leads: bool) -> subprocess.Popen[bytes]:
        """Start an owner."""
        return self._start(0 if leads else None)

    @rule(target=owners)
    def start_with_company(self) -> object:
        """Start an owner and another one in his process group."""
        leader = self._start(0)
        return multiple(leader, self._start(leader.pid))

    @rule(target=tokens, track=TRACKS, owner=owners, run=st.sampled_from([None, "", "1783"]))
    def claim(self, track: str, owner: subprocess.Popen[bytes], run: str | None) -> object:
        """Claim a track for somebody, alive or not."""
        wish = Wanted(track, f"owner {owner.pid}", owner.pid, run=run)
        here, there = attempt(self._files, wish), attempt(self._memory, wish)
        if not (isinstance(here, Won) and isinstance(there, Won)):
            assert here == there or (isinstance(here, Lost) and isinstance(there, Lost) and said(here) == said(there))
            return multiple()
        assert said(here) == said(there)
        assert here.claim.fence > self._fences.get(track, 0)
        self._fences[track] = here.claim.fence
        return track, here.claim.token, there.claim.token

    @rule(tokens=tokens)
    def release(self, tokens: Tokens) -> None:
        """Release a claim, held or not, the first time or again."""
        track, here, there = tokens
        assert said(self._files.release(track, here)) == said(self._memory.release(track, there))

    @rule(tokens=tokens, track=TRACKS)
    def release_with_another_token(self, tokens: Tokens, track: str) -> None:
        """Release a track with a token that may be another's."""
        _, here, there = tokens
        assert said(self._files.release(track, here)) == said(self._memory.release(track, there))

    @rule(tokens=tokens)
    def break_(self, tokens: Tokens) -> None:
        """Break a claim by its token."""
        track, here, there = tokens
        assert said(self._files.break_(track, here)) == said(self._memory.break_(track, there))

    @rule(track=TRACKS)
    def reap(self, track: str) -> None:
        """Free a track if its owner is dead."""
        assert said(self._files.reap(track)) == said(self._memory.reap(track))

    @rule(owner=owners, waited_for=st.booleans())
    def kill(self, owner: subprocess.Popen[bytes], *, waited_for: bool) -> None:
        """Kill an owner, who may stay a zombie, and may try to claim all the same."""
        if owner.returncode is None:
            os.kill(owner.pid, signal.SIGKILL)
            os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
            if waited_for:
                owner.wait()

    @rule(owner=owners)
    def pause(self, owner: subprocess.Popen[bytes]) -> None:
        """Stop an owner."""
        if owner.poll() is None:
            owner.send_signal(signal.SIGSTOP)
            wait_for(lambda: is_stopped(owner.pid))

    @rule()
    def come_back(self) -> None:
        """Another process would make a new store on the same folder."""
        self._files = FileClaims(self._folder.name)

    @rule()
    def sweep(self) -> None:
        """Sweeping changes no claim."""
        self._files.sweep()

    @invariant()
    def they_agree(self) -> None:
        """Both know the same locks, alike in every fact, and the same fences."""
        assert [facts(seen) for seen in self._files.list()] == [facts(seen) for seen in self._memory.list()]
        for track in ("a", "b", "c"):
            assert facts(self._files.read(track)) == facts(self._memory.read(track))
            assert self._files.last_fence(track) == self._memory.last_fence(track) == self._fences.get(track, 0)


Stores.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestStores = Stores.TestCase
