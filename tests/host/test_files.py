"""One reader and one writer: what they take, what they refuse, and that nothing is half-written."""

import errno
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.errors import NoSpace, SystemFailure, Unreadable, UnsafeFolder
from orchestrator.host import files
from tests.processes import ended, python

LIMIT = 1000


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Run a block under another umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    """Return the permission bits of a file."""
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """The bytes, the inode and the time of writing come together."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * LIMIT)
    facts = path.stat()
    assert files.read(str(path), LIMIT) == files.Content(b"x" * LIMIT, facts.st_ino, facts.st_mtime_ns)


def test_a_path_may_be_relative_to_an_open_folder(tmp_path: Path) -> None:
    """What is read stands in that folder, wherever the folder went meanwhile."""
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_bytes(b"ours")
    fd = files.open_folder(str(folder))
    try:
        folder.rename(tmp_path / "g")
        assert files.read("a", folder=fd).data == b"ours"
    finally:
        os.close(fd)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _link(path: Path) -> None:
    (path.parent / "target").write_bytes(b"secret")
    path.symlink_to("target")


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 20 * 2**30)


ODD: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "FIFO": os.mkfifo,
    "socket": _socket,
    "link": _link,
    "dangling": lambda path: path.symlink_to("nowhere"),
    "loop": lambda path: path.symlink_to(path),
    "large": lambda path: path.write_bytes(b"x" * (LIMIT + 1)),
    "sparse": _sparse,
}


def odd(folder: Path, kind: str) -> Path:
    """Make something that is no plain, small, readable file and return its path."""
    path = folder / "odd"
    ODD[kind](path)
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("folder", "a folder, not a file"),
        ("FIFO", "a FIFO, not a file"),
        ("socket", "a socket or device, not a file"),
        ("link", "a symbolic link; links are not followed"),
        ("dangling", "a symbolic link; links are not followed"),
        ("loop", "a symbolic link; links are not followed"),
        ("large", "1001 bytes; at most 1000 are read"),
        ("sparse", "21474836480 bytes; at most 1000 are read"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: str, reason: str) -> None:
    """Each odd thing at the path is refused at once with what it is, and left as it is."""
    path = odd(tmp_path, kind)
    before = path.lstat()
    with pytest.raises(Unreadable) as caught:
        files.read(str(path), LIMIT)
    assert caught.value.message == reason
    assert path.lstat().st_ino == before.st_ino


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/dev/null", "a device, not a file"),
        ("/proc/self/maps", "more than 10 bytes"),
        ("/etc/passwd/x", "not a directory"),
    ],
)
def test_what_lies_about_its_size_is_refused_too(path: str, reason: str) -> None:
    """Devices, and files that are longer than they say, are refused with the reason."""
    with pytest.raises(Unreadable) as caught:
        files.read(path, 10)
    assert caught.value.message == reason


def test_a_missing_file_is_no_bad_file(tmp_path: Path) -> None:
    """That a file is not there is a fact of its own."""
    with pytest.raises(FileNotFoundError):
        files.read(str(tmp_path / "missing"))


def test_a_lack_of_descriptors_is_not_the_file_s_fault(tmp_path: Path) -> None:
    """Who wants to tell the two apart can; who does not gets a reason."""
    (tmp_path / "a").touch()
    code = """
import resource, sys
from orchestrator.errors import Unreadable
from orchestrator.host import files
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
try:
    files.read(sys.argv[1])
except Unreadable as error:
    print(error.message)
    try:
        files.raise_if_ran_out(error)
    except OSError as behind:
        print(type(files.failure(behind, "cannot read")).__name__)
"""
    assert ended(python(code, str(tmp_path / "a"))) == "too many open files\nNoSpace\n"
    files.raise_if_ran_out(Unreadable("a link"))


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o277, 0o777])
def test_what_we_make_is_ours_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    """Files are 0600 and folders 0700: a strange umask neither opens them to others nor shuts us out."""
    with umask(mask):
        os.close(files.create(str(tmp_path / "file"), b"x"))
        files.ensure_folder(str(tmp_path / "folder"))
        with files.guard(str(tmp_path / "guard"), 0, "x"):
            pass
        files.publish(str(tmp_path / "published"), b"x", str(tmp_path / "folder"))
    assert mode(tmp_path / "folder") == 0o700
    assert {mode(tmp_path / name) for name in ("file", "guard", "published")} == {0o600}


def test_an_old_file_is_never_opened_as_new(tmp_path: Path) -> None:
    """A file or link that is there is not taken over."""
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("elsewhere")
    for name in ("a", "link"):
        with pytest.raises(FileExistsError):
            files.create(str(tmp_path / name), b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_cannot_be_filled_is_not_left(tmp_path: Path) -> None:
    """Where writing fails, nothing half-written stays: neither at the path nor aside."""
    code = """
import os, resource, sys
from orchestrator.errors import SystemFailure
from orchestrator.host import files
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    files.create(sys.argv[1] + "/made", b"x" * 100)
except OSError as error:
    print(error.strerror)
try:
    files.publish(sys.argv[1] + "/a", b"x" * 100, sys.argv[1])
except SystemFailure as error:
    print(error.message.rpartition(": ")[2], os.listdir(sys.argv[1]))
"""
    assert ended(python(code, str(tmp_path))) == "File too large\nFile too large []\n"


@pytest.mark.parametrize("durable", [False, True])
def test_publish_replaces_whole(tmp_path: Path, *, durable: bool) -> None:
    """The new content is there, the old file is another one, and nothing lies aside."""
    path, temp = tmp_path / "a", tmp_path / "tmp"
    temp.mkdir()
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        files.publish(str(path), b"new", str(temp), durable=durable)
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert list(temp.iterdir()) == []


def test_publish_replaces_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    """A link at the path is replaced; nothing is written through it."""
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "a").symlink_to("target")
    files.publish(str(tmp_path / "a"), b"new", str(tmp_path))
    assert (tmp_path / "target").read_bytes() == b"old"
    assert not (tmp_path / "a").is_symlink()


def test_publish_over_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder in the way stays, and nothing lies aside."""
    (tmp_path / "a").mkdir()
    with pytest.raises(SystemFailure, match=r"cannot write .*/a: Is a directory"):
        files.publish(str(tmp_path / "a"), b"new", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_append(tmp_path: Path) -> None:
    """Lines follow each other, and the size comes back."""
    path = str(tmp_path / "a")
    assert files.append(path, b"one\n") == 4
    assert files.append(path, b"two\n") == 8
    assert Path(path).read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("kind", ["folder", "FIFO", "socket", "link", "dangling"])
def test_append_writes_to_plain_files_only(tmp_path: Path, kind: str) -> None:
    """Nothing is written through a link or into a pipe, and nobody waits for a reader."""
    path = odd(tmp_path, kind)
    with pytest.raises(OSError, match=r"."):
        files.append(str(path), b"x")
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "target").exists() or (tmp_path / "target").read_bytes() == b"secret"


def test_append_to_a_pipe_with_a_reader_is_refused(tmp_path: Path) -> None:
    """Even where somebody reads, a pipe is no file."""
    path = odd(tmp_path, "FIFO")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="not a regular file"):
            files.append(str(path), b"x")
    finally:
        os.close(reader)


def test_remove_says_whether_it_did(tmp_path: Path) -> None:
    """Removing what is not there, or cannot be removed, is no error."""
    (tmp_path / "a").touch()
    (tmp_path / "folder").mkdir()
    assert files.remove(str(tmp_path / "a"))
    assert not files.remove(str(tmp_path / "a"))
    assert not files.remove(str(tmp_path / "folder"))


def test_ensure_folder_twice(tmp_path: Path) -> None:
    """What is there and ours is left as it is."""
    path = tmp_path / "a" / "b"
    files.ensure_folder(str(path))
    path.chmod(0o750)
    files.ensure_folder(str(path))
    assert mode(path) == 0o750


@pytest.mark.parametrize("kind", ["FIFO", "socket", "link", "dangling", "loop", "large"])
def test_a_folder_must_be_one(tmp_path: Path, kind: str) -> None:
    """What is in the way is named, and neither followed nor replaced."""
    path = odd(tmp_path, kind)
    with pytest.raises(UnsafeFolder, match="is a link or a file, not a folder"):
        files.ensure_folder(str(path))
    with pytest.raises(UnsafeFolder):
        files.open_folder(str(path))


def test_a_folder_behind_a_link_is_not_ours(tmp_path: Path) -> None:
    """A link to a real folder is refused too."""
    (tmp_path / "real").mkdir()
    (tmp_path / "a").symlink_to("real")
    with pytest.raises(UnsafeFolder):
        files.ensure_folder(str(tmp_path / "a"))


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    """A file where a folder should be is in the way."""
    (tmp_path / "a").touch()
    with pytest.raises(UnsafeFolder, match="in the way"):
        files.ensure_folder(str(tmp_path / "a" / "b"))


def test_a_folder_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    """With the sticky bit others cannot remove what is ours; without it they could."""
    path = tmp_path / "a"
    path.mkdir()
    path.chmod(0o777)
    with pytest.raises(UnsafeFolder, match="may be written by everybody"):
        files.ensure_folder(str(path))
    path.chmod(0o1777)
    files.ensure_folder(str(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    """What we would leave there its owner could not use, and what he leaves there we cannot trust."""
    path = tmp_path / "a"
    path.mkdir()
    os.chown(path, 65534, 65534)
    with pytest.raises(UnsafeFolder, match="belongs to another user"):
        files.ensure_folder(str(path))
    os.close(files.open_folder(str(path)))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_lack_of_something_is_told_apart(number: int) -> None:
    """What ran out has an error, and so an exit code, of its own."""
    error = files.failure(OSError(number, "x"), "cannot claim t")
    assert isinstance(error, NoSpace)
    assert error.message == f"cannot claim t: {os.strerror(number)}"


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOLCK])
def test_every_refusal_has_a_line_and_a_hint(number: int) -> None:
    """The line says what could not be done and why; the hint what to do."""
    error = files.failure(OSError(number, "x"), "cannot claim t")
    assert not isinstance(error, NoSpace)
    assert error.message == f"cannot claim t: {os.strerror(number)}"
    assert error.hint


def test_a_failure_without_a_number_has_its_own_words() -> None:
    """A message that came from elsewhere is made safe to show."""
    assert files.failure(OSError("odd \x1b[2J"), "cannot").message == "cannot: odd \\x1b[2J"
