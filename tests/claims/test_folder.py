"""The folder of the locks: where it may be, what is refused, and that nothing outside it is touched."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Kept, Removed
from orchestrator.claims.anchor import Anchor, steady_since
from orchestrator.claims.folder import ClaimsFolder
from orchestrator.errors import NotFound, OrchdError, UnsafeFolder
from orchestrator.host import clock, temps
from tests.claims.owners import debris, lock, locks, lost, record, tree, wanted, won, write
from tests.processes import dead, ended, living, python

STEP = 120 * 1_000_000_000
ROOTS = ["with blank", "with\nnewline", "ünï→漢", "-rf", "'", "$(id)", "\x1b[2J", "a\\b", "%s", "x" * 200, "\udcff"]


@pytest.mark.parametrize("name", ROOTS, ids=ascii)
def test_the_root_may_have_any_name(tmp_path: Path, name: str) -> None:
    """Only names inside the folder are ours to choose; a claim, a reap and a release work below any root."""
    root = tmp_path / name
    root.mkdir()
    store = FileClaims(str(root))
    claim = won(store)
    assert lock(root).exists()
    assert store.read("t") == store.list()[0]
    assert isinstance(store.release("t", claim.token), Removed)
    with living() as owner:
        won(store, "t", owner.pid)
    assert isinstance(store.reap("t"), Removed)


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    """A root that is reached in two ways is one root."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    claim = won(FileClaims(str(tmp_path / "link")))
    assert lost(FileClaims(str(tmp_path / "real"))).holder.record == claim
    assert isinstance(FileClaims(str(tmp_path / "link" / ".." / "real")).release("t", claim.token), Removed)


def test_the_root_stays_where_it_was_when_we_go_elsewhere(tmp_path: Path) -> None:
    """A store made with a relative path still means that folder after a change of directory."""
    code = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
os.chdir(sys.argv[1])
store = FileClaims(".")
token = store.claim(Wanted("t", "me", os.getpid())).claim.token
os.chdir("/")
print(type(store.release("t", token)).__name__, len(store.list()))
"""
    assert ended(python(code, str(tmp_path))) == "Removed 0\n"
    assert {path.name for path in tmp_path.iterdir()} == {".orchestrator_locks"}


def test_a_release_from_another_directory(tmp_path: Path) -> None:
    """Who knows the root and the token frees the track, wherever he stands."""
    claim = won(FileClaims(str(tmp_path)))
    code = """
import os, sys
from orchestrator.claims import FileClaims
os.chdir("/")
print(FileClaims(sys.argv[1]).release("t", sys.argv[2]).why)
"""
    assert ended(python(code, str(tmp_path), claim.token)) == "released by its owner\n"


def test_a_root_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A typing error in the root makes no tree of folders."""
    for root in (tmp_path / "missing", tmp_path / "file" / "below", tmp_path / "dangling"):
        with pytest.raises(OrchdError):
            FileClaims(str(root)).claim(wanted())
    (tmp_path / "file").touch()
    with pytest.raises(NotFound):
        FileClaims(str(tmp_path / "missing")).claim(wanted())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o277, 0o777])
def test_what_we_make_is_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    """Folders are 0700 and files 0600, so that a strange umask neither shuts us out nor lets others in."""
    before = os.umask(mask)
    try:
        won(FileClaims(str(tmp_path)))
        won(FileClaims(str(tmp_path)), "u")
    finally:
        os.umask(before)
    modes = {(stat.S_ISDIR(mode), stat.S_IMODE(mode)) for mode, _, _ in tree(tmp_path).values()}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_reading_writes_nothing(tmp_path: Path) -> None:
    """Looking at an empty root, and at one with locks, leaves every file as it is."""
    store = FileClaims(str(tmp_path))
    store.list()
    store.read("t")
    store.strangers()
    assert tree(tmp_path) == {}
    won(store)
    lock(tmp_path, "u").write_text("1234\n", "ascii")
    before = tree(tmp_path)
    fresh = FileClaims(str(tmp_path))
    fresh.list()
    fresh.read("t")
    fresh.last_fence("t")
    fresh.strangers()
    assert tree(tmp_path) == before


PLACES = ("", "/.d", "/.d/guards", "/.d/tmp", "/.d/reaped")
LEVELS = [f".orchestrator_locks{place}" for place in PLACES]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("put", ["link", "dangling", "file", "FIFO"])
def test_what_is_no_folder_of_ours_is_not_followed(tmp_path: Path, level: str, put: str) -> None:
    """Whatever stands in its place, nothing outside the root is made, changed or removed."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    store = FileClaims(str(root))
    store.release("u", won(store, "u").token)
    with living() as owner:
        won(store, "t", owner.pid)
    (root / level).rename(outside / "was")
    (outside / "was" / f"0-{dead()}-1-00").touch()
    match put:
        case "link":
            (root / level).symlink_to(outside / "was")
        case "dangling":
            (root / level).symlink_to(outside / "nowhere")
        case "file":
            (root / level).touch()
        case "FIFO":
            os.mkfifo(root / level)
    before = tree(outside)
    for each in (store, FileClaims(str(root))):
        _try_everything(each, level)
    assert tree(outside) == before


def _try_everything(store: FileClaims, level: str) -> None:
    """Every method either works without that folder or refuses it; nothing else happens."""
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.claim(wanted("new")),
        lambda: store.reap("t"),
        lambda: store.release("t", "0" * 32),
        store.sweep,
        store.list,
        lambda: store.last_fence("t"),
    )
    refused = []
    for call in calls:
        with suppress(UnsafeFolder):
            call()
            continue
        refused.append(call)
    assert len(refused) >= (len(calls) if level == LEVELS[0] else 1)


def test_a_folder_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    """There anybody could remove a lock; nothing is made in it."""
    locks(tmp_path).chmod(0o777)
    with pytest.raises(UnsafeFolder, match=r"may be written by everybody"):
        FileClaims(str(tmp_path)).claim(wanted())
    assert list(locks(tmp_path).iterdir()) == []
    locks(tmp_path).chmod(0o775)
    won(FileClaims(str(tmp_path)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_may_be_read_only(tmp_path: Path) -> None:
    """Who is not its owner can look, and is refused when he acts: what he made there would shut the owner out."""
    write(tmp_path, record(dead()), start_ticks=1)
    os.chown(locks(tmp_path), 65534, 65534)
    store = FileClaims(str(tmp_path))
    assert [seen.verdict.state for seen in store.list()] == ["dead"]
    for call in (lambda: store.claim(wanted("u")), lambda: store.reap("t"), store.sweep):
        with pytest.raises(UnsafeFolder, match="belongs to another user"):
            call()


def test_a_descriptor_that_cannot_be_closed_undoes_nothing(tmp_path: Path) -> None:
    """What was done through a folder is done, whatever its closing says."""
    opened = ClaimsFolder(str(tmp_path)).enter()
    with opened:
        opened.room("tmp")
        os.close(opened.private())


def test_the_folder_may_be_removed_at_any_time(tmp_path: Path) -> None:
    """Who removes it frees every track; the next claim makes it again, and the store goes on."""
    store = FileClaims(str(tmp_path))
    store.release("t", won(store).token)
    for part in ("", ".d/guards", ".d/tmp", ".d/reaped", ".d"):
        claim = won(store)
        shutil.rmtree(locks(tmp_path) / part, ignore_errors=True)
        assert isinstance(store.release("t", claim.token), Removed if part else Kept)
    assert won(store).fence >= 1


def test_a_folder_that_was_moved_away_takes_its_claims_along(tmp_path: Path) -> None:
    """What was moved is no claim any more; a release in the new folder frees nothing there."""
    store = FileClaims(str(tmp_path))
    first = won(store)
    locks(tmp_path).rename(tmp_path / "moved")
    second = won(store)
    assert isinstance(store.release("t", first.token), Kept)
    assert lost(store).holder.record == second


def test_the_first_use_is_noted_once(tmp_path: Path) -> None:
    """The self-test leaves a note and nothing else, and is not repeated in the same boot."""
    won(FileClaims(str(tmp_path)))
    note = locks(tmp_path) / ".d" / "protocol"
    before = note.stat().st_ino, note.read_bytes()
    won(FileClaims(str(tmp_path)), "u")
    assert (note.stat().st_ino, note.read_bytes()) == before
    assert debris(tmp_path) == []


@pytest.mark.parametrize("data", [b"", b"1 2 3", b"\xff", b"x" * 1000, b"9 0 none 0\n", b"1 x y z\n"])
def test_a_damaged_note_is_written_anew(tmp_path: Path, data: bytes) -> None:
    """The note is a memory of the self-test, which can be done again."""
    won(FileClaims(str(tmp_path)))
    note = locks(tmp_path) / ".d" / "protocol"
    good = note.read_bytes().split()[:3]
    note.write_bytes(data)
    won(FileClaims(str(tmp_path)), "u")
    assert note.read_bytes().split()[:3] == good


def test_the_clock_is_steady_until_it_is_moved() -> None:
    """What was written since a note is comparable as long as the clock stands as it stood then."""
    noted = clock.wall_ns()
    offset = clock.steady_offset_ns()
    assert steady_since(Anchor(offset, noted), noted)
    for step in (STEP, -STEP):
        assert not steady_since(Anchor(offset + step, noted), noted)
        assert not steady_since(Anchor(offset + step, noted), noted - STEP)
    assert steady_since(Anchor(offset, noted), noted - 1) == (not clock.was_set_forward())


def test_a_sweep_leaves_what_is_in_use(tmp_path: Path) -> None:
    """Private files of living processes, strangers' files and the note stay."""
    store = FileClaims(str(tmp_path))
    won(store)
    tmp = locks(tmp_path) / ".d" / "tmp"
    (tmp / temps.name()).touch()
    (tmp / "notes.txt").touch()
    assert store.sweep() == 0
    assert len(list(tmp.iterdir())) == 2


def test_a_folder_where_nothing_may_be_made() -> None:
    """What the machine refuses is told in one line, and nothing was taken."""
    code = """
import os, sys
from orchestrator.claims import FileClaims, Wanted
from orchestrator.errors import SystemFailure
FileClaims(sys.argv[1]).list()  # everything is imported
if os.geteuid() == 0:
    os.setuid(65534)
os.mkdir(sys.argv[1] + "/project")
os.mkdir(sys.argv[1] + "/project/.orchestrator_locks", 0o500)
store = FileClaims(sys.argv[1] + "/project")
try:
    store.claim(Wanted("t", "me", os.getpid()))
except SystemFailure as error:
    print(error.message, store.list())
"""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        assert ended(python(code, place)) == "cannot claim t: Permission denied []\n"
