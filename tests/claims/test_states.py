"""The state of each kind of owner: dead only on proof, and nobody is ever signalled to find out."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Kept, Removed, Seen, Won
from orchestrator.core.claim import Claim, encode
from orchestrator.host import clock, identity
from tests.claims.owners import lock, locks, lost, record, wanted, won, write
from tests.processes import dead, ended, environment, is_stopped, living, python
from tests.waiting import wait_for

STEP = 120 * 1_000_000_000
SECOND = 1_000_000_000
LISTENER = """
import signal, sys
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, lambda number, _: print("got", number, flush=True))
print("ready", flush=True)
sys.stdin.read()
"""


def seen(root: Path, track: str = "t") -> Seen:
    """Return the lock of a track, which must be there."""
    found = FileClaims(str(root)).read(track)
    assert found is not None
    return found


def assert_held(root: Path, state: str) -> None:
    """The lock is in that state; neither a reaper nor a claimant gets it, and it is as it was."""
    before = lock(root).read_bytes()
    store = FileClaims(str(root))
    assert seen(root).verdict.state == state
    kept = store.reap("t")
    assert isinstance(kept, Kept)
    assert kept.why == seen(root).verdict.why
    assert lost(store).holder.verdict.state == state
    assert lock(root).read_bytes() == before


def assert_dead(root: Path, why: str) -> None:
    """The lock's owner is dead for that reason; the next claim takes the track over."""
    assert (seen(root).verdict.state, seen(root).verdict.why) == ("dead", why)
    answer = FileClaims(str(root)).claim(wanted())
    assert isinstance(answer, Won)
    assert answer.replaced is not None
    assert answer.replaced.verdict.why == why


def bare(root: Path, pid: int, *, age: float = 0.0) -> None:
    """Write a lock as a shell script does, so many seconds ago."""
    lock(root).write_text(f"{pid}\n", encoding="ascii")
    written = clock.wall_ns() - int(age * SECOND)
    os.utime(lock(root), ns=(written, written))


def test_a_recycled_pid_is_not_the_owner(tmp_path: Path) -> None:
    """A process with the owner's number and another start is a stranger: the owner is dead, he is left alone."""
    stranger = python(LISTENER)
    assert stranger.stdout is not None
    assert stranger.stdout.readline() == "ready\n"
    claim = record(stranger.pid)
    assert claim.start_ticks is not None
    write(tmp_path, claim, start_ticks=claim.start_ticks - 1, pgid=stranger.pid)
    assert_dead(tmp_path, f"process {stranger.pid} is gone: its number now belongs to another process")
    assert ended(stranger) == ""


def test_wall_clock_times_in_a_record_mean_nothing(tmp_path: Path) -> None:
    """Whatever year a record and its file bear, its owner is judged by kernel ticks alone."""
    with living() as owner:
        for year in ("1970-01-01T00:00:00.000Z", "2286-11-20T17:46:39.000Z", "yesterday"):
            write(tmp_path, record(owner.pid), claimed_at=year)
            for moment in (0, 2**33):
                os.utime(lock(tmp_path), (moment, moment))
                assert_held(tmp_path, "alive")


@pytest.mark.parametrize("step", [STEP, -STEP, 3600 * SECOND, -315_360_000 * SECOND])
def test_a_moved_clock_frees_no_bare_pid(tmp_path: Path, step: int) -> None:
    """Where the clock was moved since the folder's first use, the start of a bare pid's process proves nothing.

    The folder notes how the clock stood; here the note is changed instead of the clock.
    """
    won(FileClaims(str(tmp_path)), "first_use")
    note = locks(tmp_path) / ".d" / "protocol"
    version, device, boot, offset = note.read_text("ascii").split()
    note.write_text(f"{version} {device} {boot} {int(offset) + step}\n", encoding="ascii")
    with living() as owner:
        bare(tmp_path, owner.pid, age=120)
        assert_held(tmp_path, "unknown")
        assert "the clock was moved" in seen(tmp_path).verdict.why
        bare(tmp_path, owner.pid)
        assert_held(tmp_path, "alive")
    assert_dead(tmp_path, f"process {owner.pid} is gone")


def test_a_boot_of_the_past_is_over(tmp_path: Path) -> None:
    """After a restart of the machine every owner of before is dead, even if number and start fit."""
    with living() as stranger:
        write(tmp_path, record(stranger.pid), boot_id="00000000-0000-4000-8000-000000000000")
        assert_dead(tmp_path, f"the machine was restarted since process {stranger.pid} claimed it")


def test_a_foreign_host_is_held(tmp_path: Path) -> None:
    """Nothing here can tell whether it lives, whatever boot and pid it names."""
    for boot in ("00000000-0000-4000-8000-000000000000", record(os.getpid()).boot_id):
        write(tmp_path, record(dead()), host_id="f" * 32, host="elsewhere", boot_id=boot, start_ticks=1)
        assert_held(tmp_path, "foreign")
    assert "elsewhere" in seen(tmp_path).verdict.why


def test_a_foreign_namespace_is_held(tmp_path: Path) -> None:
    """Its pids are other processes' here: none of them is looked at."""
    write(tmp_path, record(dead()), pidns=17, start_ticks=1)
    assert_held(tmp_path, "foreign")


def test_a_real_foreign_namespace_is_held(tmp_path: Path) -> None:
    """A claim made inside a container, as its first process, is foreign outside and alive inside."""
    code = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
store = FileClaims(sys.argv[1])
answer = store.claim(Wanted("t", "me", os.getpid()))
print(type(answer).__name__, store.read("t").verdict.state, os.getpid(), flush=True)
sys.stdin.read()
"""
    words = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(words, env=environment(), stdin=-1, stdout=-1, stderr=-1, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        line = child.stdout.readline()
        if not line:
            pytest.skip(f"no new pid namespace here: {child.stderr.read().strip()}")
        try:
            assert line == "Won alive 1\n"
            assert_held(tmp_path, "foreign")
        finally:
            child.kill()
    assert_held(tmp_path, "foreign")
    store = FileClaims(str(tmp_path))
    assert isinstance(store.break_("t", seen(tmp_path).token), Removed)


def test_a_stopped_owner_keeps_his_track(tmp_path: Path) -> None:
    """A paused process is alive however long it is paused, and works on when it is continued."""
    store = FileClaims(str(tmp_path))
    with living() as owner:
        claim = won(store, "t", owner.pid)
        owner.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(owner.pid))
        assert_held(tmp_path, "alive")
        owner.send_signal(signal.SIGCONT)
        assert seen(tmp_path).verdict.why == f"process {owner.pid} is running"
        assert isinstance(store.release("t", claim.token), Removed)


def test_the_death_of_an_owner_is_no_signal_to_strangers(tmp_path: Path) -> None:
    """However a lock is freed, a living process whose number it holds gets nothing."""
    stranger = python(LISTENER)
    assert stranger.stdout is not None
    stranger.stdout.readline()
    store = FileClaims(str(tmp_path))
    claim = record(stranger.pid)
    for changes in (
        {"start_ticks": 1},
        {"boot_id": "another"},
        {"host_id": "another"},
        {"pidns": 17},
        {"pgid": stranger.pid},
    ):
        written = write(tmp_path, claim, **changes)
        store.list()
        store.reap("t")
        store.claim(wanted())
        store.break_("t", written.token)
        lock(tmp_path).unlink(missing_ok=True)
    bare(tmp_path, stranger.pid, age=3600)
    store.list()
    store.reap("t")
    assert ended(stranger) == ""


def test_a_look_in_a_list_is_younger_than_what_it_judges(tmp_path: Path) -> None:
    """Many locks of one owner are judged alike, and those of others beside them rightly."""
    with living() as owner, living(group=0) as leader, living(group=leader.pid):
        store = FileClaims(str(tmp_path))
        for number in range(20):
            won(store, f"a{number:02}", owner.pid)
        write(tmp_path, record(leader.pid, "b"))
        won(store, "c", leader.pid)
        leader.kill()
        leader.wait()
        states = [each.verdict.state for each in store.list()]
    assert states == ["alive"] * 20 + ["dead", "orphaned"]


def test_a_bare_pid_of_a_living_process_is_honoured(tmp_path: Path) -> None:
    """A lock that a shell script wrote is held as long as that process lives."""
    with living() as owner:
        bare(tmp_path, owner.pid)
        assert_held(tmp_path, "alive")
        owner.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(owner.pid))
        assert_held(tmp_path, "alive")
        owner.kill()
        os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
        assert seen(tmp_path).verdict.state == "dead"
    assert_dead(tmp_path, f"process {owner.pid} is gone")


def test_a_bare_pid_that_was_used_again_is_free(tmp_path: Path) -> None:
    """A process that started after the lock was written is not its owner."""
    with living() as stranger:
        bare(tmp_path, stranger.pid, age=60)
        assert_dead(tmp_path, f"process {stranger.pid} started after the lock was written: its number was used again")


def test_a_bare_pid_whose_group_lives_is_orphaned(tmp_path: Path) -> None:
    """The children of a script that was killed may still be at work."""
    with living(group=0) as script, living(group=script.pid):
        bare(tmp_path, script.pid)
        script.kill()
        script.wait()
        assert_held(tmp_path, "orphaned")
    assert_dead(tmp_path, f"process {script.pid} is gone")


@pytest.mark.parametrize("act", ["reap", "break"])
def test_a_lock_in_a_folder_that_we_never_used_is_freed(tmp_path: Path, act: str) -> None:
    """Where only shell scripts were at work so far, nothing of ours exists yet; it is made when it is needed."""
    bare(tmp_path, dead())
    store = FileClaims(str(tmp_path))
    answer = store.reap("t") if act == "reap" else store.break_("t", seen(tmp_path).token)
    assert isinstance(answer, Removed)
    assert not lock(tmp_path).exists()


def _claim_fields(pid: int) -> dict[str, object]:
    fields: dict[str, object] = json.loads(encode(record(pid)))
    return fields


OTHERS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "unreadable"),
    "blank": (b" \n", "unreadable"),
    "zeros": (b"\0" * 4096, "unreadable"),
    "binary": (bytes(range(256)), "unreadable"),
    "half a record": (encode(record(1))[:100], "unreadable"),
    "two records": (encode(record(1)) * 2, "unreadable"),
    "64 KiB and one": (b"1" * (64 * 1024 + 1), "unreadable"),
    "deep": (b'{"a":' * 10_000, "unreadable"),
    "NaN": (b'{"v": 1, "pid": NaN}', "unreadable"),
    "a key twice": (b'{"v": 1, "v": 1}', "unreadable"),
    "UTF-16": ("1234\n".encode("utf-16"), "unreadable"),
    "byte order mark": (b"\xef\xbb\xbf1234\n", "unreadable"),
    "5,000 digits": (b'{"v": ' + b"9" * 5000 + b"}", "unreadable"),
    "a number no pid can be": (b"4294967296\n", "unreadable"),
    "pid 1": (b"1\n", "unreadable"),
    "pid 0": (b"0\n", "unreadable"),
    "words": (b"locked by ann\n", "unreadable"),
    "another tool": (b'{"pid": 1, "hostname": "x"}', "unknown"),
    "newer": (json.dumps({**_claim_fields(2), "v": 2}).encode(), "unknown"),
    "another track": (encode(record(dead(), "other")), "unreadable"),
    "no token": (json.dumps({**_claim_fields(dead()), "token": "../../../x"}).encode(), "unreadable"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_cannot_be_judged_is_held_until_somebody_breaks_it(tmp_path: Path, name: str) -> None:
    """Empty, damaged, strange or newer: held and reported, never reaped; an operator frees exactly that one."""
    data, state = OTHERS[name]
    lock(tmp_path).write_bytes(data)
    assert_held(tmp_path, state)
    first = seen(tmp_path)
    assert first.verdict.why.startswith("held, not judged: ")
    assert first.verdict.why.isprintable()
    lock(tmp_path).unlink()
    lock(tmp_path).write_bytes(data)
    os.utime(lock(tmp_path), ns=(1, 1))
    store = FileClaims(str(tmp_path))
    assert isinstance(store.break_("t", first.token), Kept)
    assert isinstance(store.break_("t", seen(tmp_path).token), Removed)
    assert won(store).fence == 1


def test_ticks_that_mean_nothing_outside_are_not_written(tmp_path: Path) -> None:
    """Inside a time namespace a claim bears no start: outside a wrong one would prove a death."""
    code = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
print(FileClaims(sys.argv[1]).claim(Wanted("t", "me", os.getpid())).claim.start_ticks, flush=True)
sys.stdin.read()
"""
    words = [
        "unshare",
        "--time",
        "--boottime",
        "1000",
        "--fork",
        "--kill-child",
        sys.executable,
        "-c",
        code,
        str(tmp_path),
    ]
    with subprocess.Popen(words, env=environment(), stdin=-1, stdout=-1, stderr=-1, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        line = child.stdout.readline()
        if not line:
            pytest.skip(f"no new time namespace here: {child.stderr.read().strip()}")
        try:
            assert line == "None\n"
            assert_held(tmp_path, "unknown")
        finally:
            child.kill()


def test_a_record_without_a_boot_is_compared_by_its_start(tmp_path: Path) -> None:
    """Where the machine hid its boot id from the claimant, the ticks still tell."""
    with living() as owner:
        claim: Claim = record(owner.pid)
        write(tmp_path, claim, boot_id=None)
        assert_held(tmp_path, "alive")
        assert claim.start_ticks is not None
        write(tmp_path, claim, boot_id=None, start_ticks=claim.start_ticks + 1)
        assert seen(tmp_path).verdict.state == "dead"
        assert identity.start_ticks(owner.pid) == claim.start_ticks
