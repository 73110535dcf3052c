"""The fence of a track only rises: over releases, deaths, restarts, power cuts and lost files."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Won
from orchestrator.claims.guard import RESERVE, Guard, hold
from orchestrator.errors import GuardBusy, SystemFailure, UnsafeFolder
from orchestrator.host import files, identity
from tests.claims.owners import lock, locks, record, wanted, won, write
from tests.processes import dead, ended, living, python

SAMPLE = Path(__file__).parents[1] / "data" / "v1" / "guard.txt"
BOOT = "2c1b0c0e-6b0a-4b2e-9d0e-1f2a3b4c5d6e"


def guard(root: Path, track: str = "t") -> Path:
    """Return the path of a track's guard."""
    return locks(root) / ".d" / "guards" / track


def line(last: int, bound: int, boot: str) -> bytes:
    """Return what a guard holds."""
    return f"{last:020d} {bound:020d} {boot:<40}\n".encode()


@contextmanager
def held(folder: Path, boot: str | None = BOOT) -> Iterator[Guard]:
    """Hold the guard "t" in a folder, as if in that boot."""
    fd = files.open_folder(str(folder))
    try:
        with hold(str(folder / "t"), fd, boot, 0) as inside:
            yield inside
    finally:
        os.close(fd)


def test_fences_rise_one_by_one(tmp_path: Path) -> None:
    """The first is one, and the greatest is remembered."""
    for expected in range(1, 6):
        with held(tmp_path) as inside:
            assert inside.last() == expected - 1
            assert inside.next() == expected
            assert inside.last() == expected


def test_a_bound_is_on_the_disk_before_a_fence_below_it(tmp_path: Path) -> None:
    """What a guard holds says how far fences may have been given out, and in which boot."""
    with held(tmp_path) as inside:
        assert inside.next() == 1
    assert (tmp_path / "t").read_bytes() == line(1, 1 + RESERVE, BOOT)
    (tmp_path / "t").write_bytes(line(1 + RESERVE, 1 + RESERVE, BOOT))
    with held(tmp_path) as inside:
        assert inside.next() == 2 + RESERVE
    assert (tmp_path / "t").read_bytes() == line(2 + RESERVE, 2 + 2 * RESERVE, BOOT)


def test_after_a_restart_of_the_machine_counting_goes_on_from_the_bound(tmp_path: Path) -> None:
    """A power cut may have forgotten the last fence, but never the bound."""
    (tmp_path / "t").write_bytes(line(3, 1025, "another"))
    with held(tmp_path) as inside:
        assert inside.next() == 1026
        assert inside.next() == 1027


def test_a_restart_of_the_machine_is_no_later_claim(tmp_path: Path) -> None:
    """Nobody has had the fences between the last one and the bound, so they supersede nobody."""
    (tmp_path / "t").write_bytes(line(3, 1025, "another"))
    with held(tmp_path) as inside:
        assert inside.last() == 3
        assert inside.next() == 1026
        assert inside.last() == 1026


def test_where_no_restart_is_noticed_every_fence_is_durable(tmp_path: Path) -> None:
    """A machine that hides its boot id counts on from the last fence, which is on the disk."""
    for expected in (1, 2, 3):
        with held(tmp_path, None) as inside:
            assert inside.next() == expected
    assert (tmp_path / "t").read_bytes() == line(3, 1 + RESERVE, "none")


def test_a_guard_that_cannot_be_filled_is_no_damaged_one(tmp_path: Path) -> None:
    """Where its one line does not fit, no fence is given out and the guard is as good as new."""
    code = """
import os, resource, sys
from orchestrator.claims.guard import hold
from orchestrator.host import files
fd = files.open_folder(sys.argv[1])
for size in (40, 10, 83):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    with hold(sys.argv[1] + "/t", fd, "boot", 0) as guard:
        try:
            print(guard.next())
        except OSError as error:
            print(error.strerror, os.path.getsize(sys.argv[1] + "/t"))
"""
    assert ended(python(code, str(tmp_path))) == "No space left on device 0\n" * 2 + "1\n"


def test_a_frozen_guard_is_read_as_ever(tmp_path: Path) -> None:
    """What was once written keeps its meaning."""
    (tmp_path / "t").write_bytes(SAMPLE.read_bytes())
    with held(tmp_path) as inside:
        assert inside.next() == 8
    (tmp_path / "t").write_bytes(SAMPLE.read_bytes())
    with held(tmp_path, "another") as inside:
        assert inside.next() == 1026


@pytest.mark.parametrize("data", [b"", b"\0" * 83, b"\n", b" "])
def test_a_guard_without_a_memory_learns_from_the_lock_it_replaces(tmp_path: Path, data: bytes) -> None:
    """Where the guard was emptied, the fence of the dead owner's lock is not given out again."""
    store = FileClaims(str(tmp_path))
    first = won(store, "t")
    store.release("t", first.token)
    guard(tmp_path).write_bytes(data)
    write(tmp_path, record(dead()), start_ticks=1, fence=41)
    assert won(store).fence == 42


def test_a_record_has_no_say_where_the_guard_remembers(tmp_path: Path) -> None:
    """A stranger's record cannot make the fence jump."""
    store = FileClaims(str(tmp_path))
    store.release("t", won(store).token)
    write(tmp_path, record(dead()), start_ticks=1, fence=2**62)
    assert won(store).fence == 2


@pytest.mark.parametrize(
    "data",
    [b"7", b"1 2", b"1 2 3 4", b"-1 5 boot", b"+1 5 boot", b"1_0 5 boot", b"x" * 500, b"1 2 \x1b", b"0x1 2 b", b"\xff"],
)
def test_a_damaged_guard_is_reported_and_can_be_mended(tmp_path: Path, data: bytes) -> None:
    """No fence is guessed: the track waits for a person, the hint says what to write, and others go on."""
    store = FileClaims(str(tmp_path))
    store.release("t", won(store).token)
    guard(tmp_path).write_bytes(data)
    for call in (lambda: store.claim(wanted()), lambda: store.last_fence("t")):
        with pytest.raises(SystemFailure, match=r"the guard file .* is damaged") as caught:
            call()
        assert caught.value.message.isprintable()
        assert "'<fence> <fence> none'" in caught.value.hint
    assert store.read("t") is None
    won(store, "other")
    guard(tmp_path).write_bytes(b"9 9 none\n")
    assert store.last_fence("t") == 9
    assert won(store).fence == 10


@pytest.mark.parametrize("fence", [2**63 - 1, 10**20 - 1])
def test_no_fence_is_given_out_that_no_lock_can_hold(tmp_path: Path, fence: int) -> None:
    """The greatest one is refused, not published in a lock that nobody can read and that no death frees."""
    store = FileClaims(str(tmp_path))
    store.release("t", won(store).token)
    guard(tmp_path).write_bytes(b"%d %d none\n" % (fence, fence))
    with pytest.raises(SystemFailure, match=r"the guard file .* is damaged"):
        store.claim(wanted())
    assert store.read("t") is None
    guard(tmp_path).write_bytes(b"%d %d none\n" % (2**63 - 2, 2**63 - 2))
    assert won(store).fence == 2**63 - 1


def test_a_forged_fence_does_not_close_the_track(tmp_path: Path) -> None:
    """Where the guard remembers nothing, a dead owner's greatest fence is no fence, and the track stays open."""
    store = FileClaims(str(tmp_path))
    store.release("t", won(store).token)
    guard(tmp_path).write_bytes(b"")
    write(tmp_path, record(dead()), start_ticks=1, fence=2**63 - 1)
    assert won(store).fence == 1


def test_a_dead_lock_can_be_reaped_whatever_the_guard_holds(tmp_path: Path) -> None:
    """Freeing needs the guard's lock, not its memory."""
    store = FileClaims(str(tmp_path))
    with living() as owner:
        won(store, "t", owner.pid)
    guard(tmp_path).write_bytes(b"damaged")
    assert store.reap("t").why == f"process {owner.pid} is gone"


def test_the_fence_outlives_the_lock_file(tmp_path: Path) -> None:
    """Who removes a lock by hand does not make a fence repeat."""
    store = FileClaims(str(tmp_path))
    for expected in (1, 2, 3):
        assert won(store).fence == expected
        lock(tmp_path).unlink()
    assert store.last_fence("t") == 3


def test_asking_for_the_fence_of_a_new_track_makes_nothing(tmp_path: Path) -> None:
    """Reading does not write: no folder, no guard."""
    store = FileClaims(str(tmp_path))
    assert store.last_fence("t") == 0
    assert list(tmp_path.iterdir()) == []
    won(store, "other")
    assert store.last_fence("t") == 0
    assert not guard(tmp_path).exists()


@pytest.mark.parametrize("kind", ["folder", "FIFO", "link"])
def test_something_else_in_the_place_of_a_guard_is_refused(tmp_path: Path, kind: str) -> None:
    """A guard that is no file is named; nothing is written through a link, and others go on."""
    store = FileClaims(str(tmp_path))
    won(store, "other")
    match kind:
        case "folder":
            guard(tmp_path).mkdir()
        case "FIFO":
            os.mkfifo(guard(tmp_path))
        case "link":
            guard(tmp_path).symlink_to(tmp_path / "outside")
    with pytest.raises(UnsafeFolder, match="it is not a file"):
        store.claim(wanted())
    assert not (tmp_path / "outside").exists()
    assert not lock(tmp_path).exists()
    won(store, "another")


def test_a_guard_that_was_replaced_during_the_hold_is_noticed(tmp_path: Path) -> None:
    """Who would find another guard must not be kept out by ours: the operation stops before its last step."""
    with held(tmp_path) as inside:
        inside.check()
        (tmp_path / "t").rename(tmp_path / "aside")
        with pytest.raises(FileNotFoundError):
            inside.check()
        (tmp_path / "t").touch()
        with pytest.raises(FileNotFoundError, match="replaced"):
            inside.check()


def test_a_folder_of_guards_that_was_moved_is_noticed(tmp_path: Path) -> None:
    """The file is still in its folder, but the folder is not where others look."""
    folder = tmp_path / "guards"
    folder.mkdir()
    with held(folder) as inside:
        folder.rename(tmp_path / "moved")
        folder.mkdir()
        shutil.copy(tmp_path / "moved" / "t", folder / "t")
        with pytest.raises(FileNotFoundError, match="replaced"):
            inside.check()


def test_waiting_has_a_bound_and_names_the_track(tmp_path: Path) -> None:
    """A store that does not wait says at once whom it would have waited for; other tracks are free."""
    store = FileClaims(str(tmp_path), wait=0.0)
    won(store, "other")
    with held(locks(tmp_path) / ".d" / "guards", identity.machine().boot_id):
        with pytest.raises(GuardBusy, match=f"process {os.getpid()} is inside an operation on track t "):
            store.claim(wanted())
        assert isinstance(store.claim(wanted("third")), Won)
        assert store.read("t") is None
        assert store.reap("t").why == "no lock is there"
    won(store)
