"""What every store of claims does. One suite, run on files and in memory."""

import os
import signal
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Kept, Lost, Removed, Wanted, Won
from orchestrator.claims.memory import MemoryClaims
from orchestrator.claims.store import ClaimStore
from orchestrator.errors import BadName, UsageError
from tests.claims.owners import lost, wanted, won
from tests.processes import dead, is_stopped, living
from tests.waiting import wait_for


@pytest.fixture(params=["files", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ClaimStore:
    """Each of the stores."""
    return FileClaims(str(tmp_path)) if request.param == "files" else MemoryClaims()


def test_nothing_is_held_at_first(store: ClaimStore) -> None:
    """A new store has no locks and has given out no fence."""
    assert store.list() == []
    assert store.read("t") is None
    assert store.last_fence("t") == 0


def test_a_free_track_is_won(store: ClaimStore) -> None:
    """The claim says who, for what, and carries the first fence."""
    answer = store.claim(Wanted("t", "me", os.getpid(), run="1783", attempt=2, note="why"))
    assert isinstance(answer, Won)
    claim = answer.claim
    assert (claim.track, claim.owner, claim.pid, claim.run, claim.attempt, claim.note) == (
        "t", "me", os.getpid(), "1783", 2, "why",
    )  # fmt: skip
    assert claim.fence == 1
    assert len(claim.token) == 32
    assert answer.replaced is None


def test_a_claim_is_seen_as_it_was_made(store: ClaimStore) -> None:
    """Reading and listing give the same claim back, alive and with a reason."""
    claim = won(store)
    seen = store.read("t")
    assert seen is not None
    assert seen.record == claim
    assert (seen.track, seen.token, seen.fence) == ("t", claim.token, claim.fence)
    assert (seen.verdict.state, seen.verdict.why) == ("alive", f"process {os.getpid()} is running")
    assert store.list() == [seen]


def test_a_held_track_is_lost_to_everybody(store: ClaimStore) -> None:
    """Another process loses, and so does the owner himself; the holder is told."""
    claim = won(store)
    with living() as other:
        for pid in (other.pid, os.getpid()):
            assert lost(store, "t", pid).holder.record == claim
    assert store.last_fence("t") == 1


def test_tracks_are_independent(store: ClaimStore) -> None:
    """Each track has its own lock and fence, listed in order."""
    for track in ("b", "a", "c.1", "A"):
        assert won(store, track).fence == 1
    assert [seen.track for seen in store.list()] == ["A", "a", "b", "c.1"]


def test_release_frees_and_the_fence_rises(store: ClaimStore) -> None:
    """After a release the track is free, and the next claim has a greater fence and another token."""
    first = won(store)
    assert store.release("t", first.token) == Removed("t", first.token, "released by its owner")
    assert store.read("t") is None
    assert store.last_fence("t") == 1
    second = won(store)
    assert second.fence == 2
    assert second.token != first.token


def test_release_twice_is_harmless(store: ClaimStore) -> None:
    """The second time says so, also when somebody else has the track by then."""
    first = won(store)
    store.release("t", first.token)
    assert store.release("t", first.token) == Removed("t", first.token, "it had been freed before", again=True)
    second = won(store)
    kept = store.release("t", first.token)
    assert isinstance(kept, Kept)
    assert kept.holder is not None
    assert kept.holder.record == second


@pytest.mark.parametrize("token", ["", "0" * 32, "../../etc/passwd", "x\0y", "none", "\udcff"])
def test_another_token_frees_nothing(store: ClaimStore, token: str) -> None:
    """Not yours is an answer, not an error."""
    claim = won(store)
    for act in (store.release, store.break_):
        kept = act("t", token)
        assert isinstance(kept, Kept)
        assert kept.holder is not None
        assert kept.holder.record == claim
        assert act("nobody_s", token) == Kept("nobody_s", "no lock is there")


def test_break_frees_the_living(store: ClaimStore) -> None:
    """An operator frees exactly the lock that he has seen."""
    claim = won(store)
    assert store.break_("t", claim.token) == Removed("t", claim.token, "freed by an operator")
    assert store.read("t") is None


def test_reap_leaves_the_living(store: ClaimStore) -> None:
    """Running and paused owners keep their tracks."""
    assert store.reap("t") == Kept("t", "no lock is there")
    with living() as owner:
        won(store, "t", owner.pid)
        kept = store.reap("t")
        assert isinstance(kept, Kept)
        assert kept.why == f"process {owner.pid} is running"
        owner.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(owner.pid))
        assert store.reap("t").why == f"process {owner.pid} is paused (stopped), and still the owner"


@pytest.mark.parametrize("waited_for", [False, True])
def test_reap_frees_the_dead(store: ClaimStore, *, waited_for: bool) -> None:
    """A killed owner's track is freed, whether or not somebody has waited for him."""
    with living() as owner:
        claim = won(store, "t", owner.pid)
        owner.kill()
        os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
        if waited_for:
            owner.wait()
        why = f"process {owner.pid} is gone" if waited_for else f"process {owner.pid} has ended (a zombie)"
        assert store.reap("t") == Removed("t", claim.token, why)
        assert store.reap("t") == Kept("t", "no lock is there")
        assert store.release("t", claim.token) == Removed("t", claim.token, "it had been freed before", again=True)


def test_a_claim_takes_over_from_the_dead(store: ClaimStore) -> None:
    """Nothing waits for a reaper: the next claim frees the track itself, with a greater fence."""
    with living() as owner:
        first = won(store, "t", owner.pid)
        owner.kill()
    answer = store.claim(wanted())
    assert isinstance(answer, Won)
    assert answer.claim.fence == 2
    assert answer.replaced is not None
    assert answer.replaced.record == first
    assert answer.replaced.verdict.state == "dead"


def test_a_dead_leader_with_a_living_group_is_orphaned(store: ClaimStore) -> None:
    """What he started may still work on the track: it is held until the last of his group is gone."""
    with living(group=0) as owner, living(group=owner.pid) as member:
        claim = won(store, "t", owner.pid)
        assert claim.pgid == owner.pid
        owner.kill()
        owner.wait()
        why = f"process {owner.pid} is gone, but processes of its group still run"
        assert store.reap("t").why == why
        holder = lost(store).holder
        assert (holder.verdict.state, holder.verdict.why) == ("orphaned", why)
        member.kill()
        member.wait()
        assert isinstance(store.reap("t"), Removed)


def test_the_dead_cannot_claim(store: ClaimStore) -> None:
    """A process that is gone, a zombie, and numbers that are no worker's get nothing."""
    with living() as zombie:
        zombie.kill()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        for pid in (dead(), zombie.pid, 1, 0, -1, 2**31, 2**70):
            with pytest.raises(UsageError, match=f"process {pid} is not a running worker"):
                store.claim(wanted("t", pid))
    assert store.list() == []


def test_the_dead_do_not_free_what_the_dead_held(store: ClaimStore) -> None:
    """A claimant that is not alive changes nothing at all."""
    with living() as owner:
        claim = won(store, "t", owner.pid)
        owner.kill()
    with pytest.raises(UsageError):
        store.claim(wanted("t", dead()))
    seen = store.read("t")
    assert seen is not None
    assert seen.record == claim


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a\0", "-x", ".d", "t.lock", "x" * 5000, "a\n", "ä", "\x1b[2J"]
)
def test_names_are_checked_by_every_method(store: ClaimStore, name: str) -> None:
    """No method takes a name that could be a path."""
    calls = (
        lambda: store.claim(wanted(name)),
        lambda: store.release(name, "0" * 32),
        lambda: store.break_(name, "0" * 32),
        lambda: store.reap(name),
        lambda: store.read(name),
        lambda: store.last_fence(name),
    )
    for call in calls:
        with pytest.raises(BadName):
            call()
    if name:
        with pytest.raises(BadName):
            store.claim(wanted("t", run=name))


@pytest.mark.parametrize("text", ["", "x" * 1000, "a\n\x1b[2J\0", "\udcff\ud800", "漢字 ☃", '"}{', ',"fence":9,'])
def test_owner_and_note_may_be_any_text(store: ClaimStore, text: str) -> None:
    """What a claimant says of himself comes back unchanged; nobody is called nothing."""
    answer = store.claim(Wanted("t", text, os.getpid(), run="", note=text))
    assert isinstance(answer, Won)
    seen = store.read("t")
    assert seen is not None
    assert seen.record == answer.claim
    assert (answer.claim.owner, answer.claim.note, answer.claim.run) == (text or "unnamed", text, None)


@pytest.mark.parametrize("text", ["x" * 70_000, "\U0001f600" * 6_000])
def test_a_record_that_nobody_would_read_is_refused(store: ClaimStore, text: str) -> None:
    """A lock that is too long to be read would be held for ever."""
    with pytest.raises(UsageError, match="too long"):
        store.claim(Wanted("t", "me", os.getpid(), note=text))
    assert store.list() == []
    assert won(store).fence == 1


def test_a_lost_claim_names_the_holder(store: ClaimStore) -> None:
    """Who lost can be told who has it, by name and number."""
    claim = won(store)
    answer = store.claim(wanted())
    assert isinstance(answer, Lost)
    assert (answer.holder.track, answer.holder.fence, answer.holder.token) == ("t", 1, claim.token)
