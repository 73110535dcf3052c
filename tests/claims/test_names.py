"""Hostile names, taken or found: refused or escaped, and nothing outside the folder is touched."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.claims import FileClaims, Kept, Removed
from orchestrator.core.claim import encode
from orchestrator.errors import BadName, OrchdError
from tests.claims.owners import lock, locks, lost, record, tree, wanted, won
from tests.processes import dead

HOSTILE = [
    "", " ", ".", "..", "...", "../t", "../../t", "a/../../t", "/t", "//t", "/etc/passwd", "a/b", "a\\b", "a\0b", "\0",
    "~", "~root", "-", "-rf", "--help", "-t", "_t", ".t", ".d", ".lock", "t.", "t..", "a..b", "t.lock", "t.LOCK",
    "t.json", "T.Json", "a b", "a\tb", "a\nb", "t\n", "\nt", "a\rb", "\x1b[2J", "\x1b]0;x\x07", "\x7f", "\x9b2J",
    "\u202et", "t\u200b", "\u2028", "\ufefft", "é", "e\u0301", "\u0430", "\uff54", "ﬁ", "①", "Ⅳ", "t\ud800", "\udcff",
    "🚀", "$(id)", "`id`", "$HOME", "%s%n", "{0}", "a;b", "a|b", "a&b", "a>b", "a*b", "a?b", "[a]", "a'b", 'a"b', "a#b",
    "a!b", "a=b", "a:b", "a,b", "a@b", "a+b", "a%2fb", "..%2f", "CON:", "x" * 101, "x" * 255, "x" * 5000,
    "../" * 100 + "etc/passwd", "guards/t", ".d/guards/t", "reaped/t",
]  # fmt: skip
FILE_NAMES = [
    b"-rf.lock", b" .lock", b".lock", b"..lock", b"...lock", b"a b.lock", b"a\nb.lock", b"\x1b[2J.lock", b"\x07.lock",
    b"\xff\xfe.lock", b"\xc3.lock", "\u202elock.lock".encode(), "é.lock".encode(), b"$(id).lock", b"a.lock.lock",
    b"a.json.lock", b"x" * 101 + b".lock", b"%s%n.lock", b"'.lock", b"*.lock", b"~.lock",
]  # fmt: skip
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]")


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root three folders deep in which the track "t" is held; nothing that is tried on it may change it."""
    root = tmp_path_factory.mktemp("names") / "deep" / "er" / "root"
    root.mkdir(parents=True)
    (root.parents[2] / "t").write_bytes(b"precious")
    won(FileClaims(str(root)))
    return root


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_refused_and_nothing_happens(used: Path, name: str) -> None:
    """No method takes it, in one line that is safe to show, and no file anywhere has changed."""
    store = FileClaims(str(used))
    before = tree(used.parents[2])
    calls: list[Callable[[], object]] = [
        lambda: store.claim(wanted(name)),
        lambda: store.release(name, "0" * 32),
        lambda: store.break_(name, "0" * 32),
        lambda: store.reap(name),
        lambda: store.read(name),
        lambda: store.last_fence(name),
    ]
    if name:
        calls.append(lambda: store.claim(wanted("free", run=name)))
    for call in calls:
        with pytest.raises(BadName) as caught:
            call()
        assert not UNSEEN.search(caught.value.message + caught.value.hint)
        assert len(caught.value.message) < 1000
    assert tree(used.parents[2]) == before


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_token_is_compared_and_nothing_else(used: Path, name: str) -> None:
    """A token is never part of a path unless it has the form of one."""
    store = FileClaims(str(used))
    before = tree(used.parents[2])
    for track in ("t", "free"):
        assert isinstance(store.release(track, name), Kept)
        assert isinstance(store.break_(track, name), Kept)
    assert tree(used.parents[2]) == before


@pytest.mark.parametrize("name", FILE_NAMES, ids=ascii)
def test_a_lock_with_a_hostile_name_is_listed_escaped_and_left_alone(tmp_path: Path, name: bytes) -> None:
    """Strangers' files are shown so that no terminal obeys them, judged as no track's, and stay."""
    path = Path(os.fsdecode(os.fsencode(locks(tmp_path)) + b"/" + name))
    for content in (b"", b"1234\n", encode(record(1)), encode(record(dead(), "good"))):
        path.write_bytes(content)
        assert_listed_escaped(tmp_path, path)


def assert_listed_escaped(root: Path, path: Path) -> None:
    """The only lock of a root is that file, shown without harm, held, and no method takes its name."""
    store = FileClaims(str(root))
    (seen,) = store.list()
    for text in (seen.track, seen.path, seen.verdict.why):
        text.encode("utf-8")
        assert not UNSEEN.search(text)
    assert seen.verdict.state == "unreadable"
    assert seen.verdict.why == "held, not judged: not the name of a track"
    with pytest.raises(BadName):
        store.reap(path.name.removesuffix(".lock"))
    assert store.strangers() == [seen.track + ".lock"]
    assert path.exists()


def test_strangers_files_are_named_escaped(tmp_path: Path) -> None:
    """What is no lock at all can be reported too, and stays."""
    store = FileClaims(str(tmp_path))
    assert store.strangers() == []
    won(store)
    for name in ("notes.txt", "\x1b[31mred", "t.lock~", ".t.lock.swp"):
        (locks(tmp_path) / name).touch()
    assert store.strangers() == [".t.lock.swp", "\\x1b[31mred", "notes.txt", "t.lock~"]
    assert [seen.track for seen in store.list()] == ["t"]


def _hard_link(path: Path) -> None:
    (path.parents[1] / "precious").write_bytes(b"1234567890123\n")
    path.hardlink_to(path.parents[1] / "precious")


def _link(path: Path) -> None:
    (path.parents[1] / "precious").write_bytes(encode(record(dead())))
    path.symlink_to(path.parents[1] / "precious")


def _full_folder(path: Path) -> None:
    path.mkdir()
    (path / "precious").write_bytes(b"work")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 20 * 2**30)


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "FIFO": (os.mkfifo, "a FIFO, not a file"),
    "socket": (_socket, "a socket or device, not a file"),
    "folder": (Path.mkdir, "a folder, not a file"),
    "full folder": (_full_folder, "a folder, not a file"),
    "link": (_link, "a symbolic link; links are not followed"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "a symbolic link; links are not followed"),
    "link to a device": (lambda path: path.symlink_to("/dev/zero"), "a symbolic link; links are not followed"),
    "hard link": (_hard_link, "JSON, but not an object"),
    "sparse": (_sparse, "21474836480 bytes; at most 65536 are read"),
}


@pytest.mark.parametrize("kind", ODD)
def test_something_odd_in_the_place_of_a_lock_is_held(tmp_path: Path, kind: str) -> None:
    """Pipes, links, folders and devices are neither followed nor waited for; breaking one removes only its name."""
    make, reason = ODD[kind]
    make(locks(tmp_path) / "t.lock")
    precious = tree(tmp_path).get(str(tmp_path / "precious"))
    store = FileClaims(str(tmp_path))
    holder = lost(store).holder
    assert (holder.verdict.state, holder.verdict.why) == ("unreadable", f"held, not judged: {reason}")
    assert isinstance(store.reap("t"), Kept)
    assert store.list() == [holder]
    assert isinstance(store.break_("t", holder.token), Removed)
    assert not os.path.lexists(lock(tmp_path))
    assert tree(tmp_path).get(str(tmp_path / "precious")) == precious
    assert won(store).fence == 1


def test_a_folder_in_the_place_of_a_lock_is_kept_with_all_that_is_in_it(tmp_path: Path) -> None:
    """Work is never destroyed, wherever somebody put it."""
    _full_folder(locks(tmp_path) / "t.lock")
    store = FileClaims(str(tmp_path))
    store.break_("t", lost(store).holder.token)
    assert [path.read_bytes() for path in (locks(tmp_path) / ".d" / "reaped").rglob("precious")] == [b"work"]


@pytest.mark.parametrize("kind", ODD)
def test_the_token_of_something_odd_names_exactly_that(tmp_path: Path, kind: str) -> None:
    """Who saw one may not break another of the same kind that took its place."""
    make, _ = ODD[kind]
    path = locks(tmp_path) / "t.lock"
    make(path)
    store = FileClaims(str(tmp_path))
    token = lost(store).holder.token
    path.rename(tmp_path / "before")
    (tmp_path / "precious").unlink(missing_ok=True)
    make(path)
    os.utime(path, ns=(5, 5), follow_symlinks=False)
    assert isinstance(store.break_("t", token), Kept)
    assert os.path.lexists(path)


@pytest.mark.parametrize("note", ["../../../tmp/x", "/etc/passwd", "a\0b", "\x1b[2J", "x" * 3000])
def test_a_hostile_record_leads_nowhere(tmp_path: Path, note: str) -> None:
    """Texts in a record, its track and its token are compared and shown, never opened."""
    root = tmp_path / "root"
    root.mkdir()
    (locks(root) / "t.lock").write_bytes(encode(record(dead(), note)))
    store = FileClaims(str(root))
    holder = lost(store).holder
    assert holder.verdict.state == "unreadable"
    assert not UNSEEN.search(holder.verdict.why)
    assert isinstance(store.break_("t", holder.token), Removed)
    assert {path.name for path in tmp_path.iterdir()} == {"root"}
    assert {path.name for path in root.iterdir()} == {".orchestrator_locks"}


def test_names_that_differ_by_case_are_two_tracks(tmp_path: Path) -> None:
    """Where the file system keeps them apart, so do we."""
    store = FileClaims(str(tmp_path))
    assert [won(store, name).track for name in ("track", "Track", "TRACK")] == ["track", "Track", "TRACK"]
    assert len(store.list()) == 3


def test_every_error_is_one_of_ours(tmp_path: Path) -> None:
    """A root that cannot be has its line too, and nothing is made for it."""
    for root in (tmp_path / "missing", tmp_path / "a\nb"):
        with pytest.raises(OrchdError) as caught:
            FileClaims(str(root)).claim(wanted())
        assert caught.value.message.isprintable()
        assert FileClaims(str(root)).list() == []
        assert FileClaims(str(root)).sweep() == 0
        assert FileClaims(str(root)).last_fence("t") == 0
        assert isinstance(FileClaims(str(root)).reap("t"), Kept)
    assert list(tmp_path.iterdir()) == []
