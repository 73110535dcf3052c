"""Files that other processes write to directly."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import SystemFailure, UnsafeFolder
from orchestrator.host import logfile


def test_a_new_file_is_private(tmp_path: Path) -> None:
    """It is made with its folder, for nobody else to read, and appended to."""
    path = tmp_path / "logs" / "a.log"
    for text in (b"one\n", b"two\n"):
        fd = logfile.open_log(str(path))
        os.write(fd, text)
        os.close(fd)
    assert path.read_bytes() == b"one\ntwo\n"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "folder", "socket"])
def test_what_is_no_file(tmp_path: Path, kind: str) -> None:
    """It is refused in one line, without waiting and without a descriptor left open."""
    path = tmp_path / "a.log"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, 0o140600)
    else:
        path.symlink_to("/etc/hostname" if kind == "link" else "nowhere")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(UnsafeFolder, match="in the way"):
        logfile.open_log(str(path))
    assert os.listdir("/proc/self/fd") == before


def test_what_the_machine_refuses(tmp_path: Path) -> None:
    """Anything else is a failure of the system."""
    with pytest.raises(SystemFailure):
        logfile.open_log(str(tmp_path / ("x" * 300)))


def test_the_end_of_a_file(tmp_path: Path) -> None:
    """At most TAIL bytes, none of them before the start."""
    fd = logfile.open_log(str(tmp_path / "a.log"))
    os.write(fd, b"x" * (logfile.TAIL + 10) + b"end")
    assert logfile.tail(fd) == b"x" * (logfile.TAIL - 3) + b"end"
    assert logfile.tail(fd, logfile.TAIL + 10) == b"end"
    assert logfile.tail(fd, 10**9) == b""
    os.close(fd)
    assert logfile.tail(fd) == b""


def test_the_end_of_a_file_by_its_path(tmp_path: Path) -> None:
    """Nothing of what is no file, and nobody is kept waiting by it."""
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * logfile.TAIL + b"end")
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "fifo")
    assert logfile.end_of(str(path)) == b"x" * (logfile.TAIL - 3) + b"end"
    assert [logfile.end_of(str(tmp_path / name)) for name in ("link", "fifo", "none", ".")] == [b""] * 4


def test_it_begins_anew(tmp_path: Path) -> None:
    """The newest part goes aside, private; who has the file open goes on writing to it."""
    path = tmp_path / "a.log"
    fd = logfile.open_log(str(path))
    os.write(fd, b"x" * 1000 + b"end")
    assert logfile.begin_anew(fd, str(path), 100) == 1003
    os.write(fd, b"new")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "a.log.1").read_bytes() == b"x" * 72 + b"end"
    assert (tmp_path / "a.log.1").stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 2
    os.close(fd)


def test_it_begins_anew_without_room(tmp_path: Path) -> None:
    """Where no copy can be made the file is emptied all the same."""
    fd = logfile.open_log(str(tmp_path / "a.log"))
    os.write(fd, b"12345")
    (tmp_path / "a.log.part").mkdir()
    assert logfile.begin_anew(fd, str(tmp_path / "a.log"), 100) == 5
    assert logfile.size(fd) == 0
    os.close(fd)


MIB = 1024 * 1024


def on_disk(path: Path) -> int:
    """Return the bytes that a file takes."""
    return path.stat().st_blocks * 512


def test_its_head_is_dropped(tmp_path: Path) -> None:
    """Every byte that stays is where it was, who has the file open goes on writing, and the disk gets its room back."""
    path = tmp_path / "a.log"
    fd = logfile.open_log(str(path))
    os.write(fd, b"x" * 3 * MIB + b"end")
    assert logfile.held(fd) == logfile.size(fd)
    assert logfile.drop_head(fd, 10 * MIB)
    assert logfile.held(fd) == logfile.size(fd)
    assert logfile.drop_head(fd, MIB + 2)
    assert on_disk(path) < 2 * MIB
    assert (logfile.size(fd), logfile.held(fd)) == (3 * MIB + 3, MIB + 3)
    os.write(fd, b"new")
    assert logfile.tail(fd) == b"x" * (logfile.TAIL - 6) + b"endnew"
    assert logfile.drop_head(fd, 0)
    os.close(fd)


def test_the_gap_is_closed(tmp_path: Path) -> None:
    """What is left is a file of its own length, private, and the descriptor leads to it."""
    path = tmp_path / "a.log"
    fd = logfile.open_log(str(path))
    os.write(fd, b"x" * 2 * MIB + b"end")
    logfile.close_gap(fd, str(path))
    assert path.stat().st_size == 2 * MIB + 3
    assert logfile.drop_head(fd, MIB)
    logfile.close_gap(fd, str(path))
    os.write(fd, b"new")
    assert path.read_bytes() == b"x" * MIB + b"endnew"
    assert (path.stat().st_mode & 0o777, os.listdir(tmp_path)) == (0o600, ["a.log"])
    os.close(fd)


def test_the_gap_of_another_file_is_not_closed(tmp_path: Path) -> None:
    """Where something else stands at the path, it stays, and so does what is open."""
    path = tmp_path / "a.log"
    fd = logfile.open_log(str(path))
    os.ftruncate(fd, MIB)
    os.write(fd, b"mine")
    path.rename(tmp_path / "moved")
    path.write_bytes(b"theirs")
    logfile.close_gap(fd, str(path))
    assert (path.read_bytes(), logfile.size(fd)) == (b"theirs", MIB + 4)
    os.close(fd)


def test_a_gap_up_to_data_within_a_block(tmp_path: Path) -> None:
    """The zeros before it go, too; a file without any data is as it was."""
    path = tmp_path / "a.log"
    path.write_bytes(b"")
    os.truncate(path, MIB + 10)
    logfile.close_gap_at(str(path))
    assert path.stat().st_size == MIB + 10
    with path.open("ab") as file:
        file.write(b"left" + bytes(2 * MIB) + b"end")
    (tmp_path / "a.log.part").write_bytes(b"cut short")
    logfile.close_gap_at(str(path))
    assert path.read_bytes() == b"left" + bytes(2 * MIB) + b"end"
    assert os.listdir(tmp_path) == ["a.log"]
    logfile.close_gap_at(str(tmp_path / "none"))


def test_the_oldest_make_room(tmp_path: Path) -> None:
    """Until the others take no more than what is given; gaps do not matter."""
    path = tmp_path / "a.log"
    for number in (1, 2, 4):
        Path(f"{path}.{number}").write_bytes(b"12345")
    logfile.make_room(str(path), 4, 15)
    assert len(list(tmp_path.iterdir())) == 3
    logfile.make_room(str(path), 4, 9)
    assert [each.name for each in tmp_path.iterdir()] == ["a.log.1"]


def test_rotation(tmp_path: Path) -> None:
    """Only a file that is too large goes, the oldest falls out, and gaps do not matter."""
    path = tmp_path / "a.log"
    logfile.rotate(str(path), 3, 2)
    for text in (b"1111", b"2222", b"3333"):
        path.write_bytes(text)
        logfile.rotate(str(path), 4, 2)
        assert path.exists()
        logfile.rotate(str(path), 3, 2)
    assert not path.exists()
    assert sorted((each.name, each.read_bytes()) for each in tmp_path.iterdir()) == [
        ("a.log.1", b"3333"),
        ("a.log.2", b"2222"),
    ]
